/** KV offloading tiers against recorded runs of the reference. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { reportDifferences, type RecordedReport } from "../support/Comparison.ts"
import { differences, type GoldenRun, goldenFolder, goldenNames, loadGolden, rerun } from "../support/GoldenRun.ts"

const folder = goldenFolder("kv-offload")

/** The reference's router breaks ties by chance: either outcome was seen. */
interface Recorded extends GoldenRun {
  readonly otherReports?: ReadonlyArray<RecordedReport>
}

/** Engine arguments that mean the same here as they did to the reference, faults included. */
const withQuirks = (golden: GoldenRun): Recorded => ({
  ...golden,
  arguments: golden.arguments.map((word) =>
    word.includes("num_g2_blocks") ? word.replace("{", '{"offload_reference_quirks":true,') : word
  )
})

const assertEqual = (golden: Recorded) =>
  Effect.gen(function* () {
    const outcome = yield* rerun(folder, golden)
    const found = differences(outcome, golden)
    if (golden.otherReports?.some((report) => reportDifferences(outcome.report, report).length === 0) === true) return
    assert.strictEqual(found.length, 0, `${found.length} differences:\n${found.slice(0, 20).join("\n")}`)
  })

describe("recorded runs with KV tiers", () => {
  for (const name of goldenNames(folder)) {
    const golden = withQuirks(loadGolden(folder, name))
    it.effect(name, () => assertEqual(golden))
  }
})
