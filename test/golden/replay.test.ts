/** Whole runs against recorded runs of the reference: every figure of the report and every request. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { differences, type GoldenRun, goldenFolder, goldenNames, loadGolden, rerun } from "../support/GoldenRun.ts"

const folder = goldenFolder("replay")

interface Deviation {
  readonly reason: string
  /** The command line that means here what the recorded one meant to the reference. */
  readonly arguments: (recorded: ReadonlyArray<string>) => ReadonlyArray<string>
}

const replaceValue = (flag: string, value: string) => (words: ReadonlyArray<string>): ReadonlyArray<string> =>
  words.map((word, at) => words[at - 1] === flag ? value : word)

const oneGroup: Deviation = {
  reason: "prefix groups share nothing with each other here; the reference cuts the group off its hash ids, so all share one prefix",
  arguments: replaceValue("--num-prefix-groups", "1")
}

/** Where this program does something else on purpose. Every other recorded run is equal as it stands. */
const deviations: Readonly<Record<string, Deviation>> = {
  synth_prefix_single: oneGroup,
  synth_prefix_closed8: oneGroup,
  synth_prefix_rr4: oneGroup,
  synth_prefix_closed8_rr4: oneGroup,
  synth_prefix_disagg_rr: oneGroup,
  synth_multi_prefix_single: oneGroup,
  synth_multi_prefix_closed8: oneGroup,
  synth_multi_prefix_closed8_rr4: oneGroup
}

const assertEqual = (golden: GoldenRun) =>
  Effect.gen(function*() {
    const found = differences(yield* rerun(folder, golden), golden)
    assert.strictEqual(found.length, 0, found.slice(0, 20).join("\n"))
  })

/** The reference's text stands in ours, which also names the requests. */
const assertFails = (golden: GoldenRun, error: string) =>
  Effect.gen(function*() {
    const failure = yield* Effect.flip(rerun(folder, golden))
    assert.instanceOf(failure, Error)
    assert.include(failure.message, error)
  })

describe("recorded runs", () => {
  for (const name of goldenNames(folder)) {
    const recorded = loadGolden(folder, name)
    const deviation = deviations[name]
    const golden = deviation === undefined ? recorded : { ...recorded, arguments: deviation.arguments(recorded.arguments) }
    const title = deviation === undefined ? name : `${name}, except that ${deviation.reason}`
    it.effect(title, () => golden.error === null ? assertEqual(golden) : assertFails(golden, golden.error))
  }
})
