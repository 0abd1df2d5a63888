/** KV offloading tiers against recorded runs of the reference. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { requestLine } from "../../src/report/RequestLines.ts"
import { reportTable } from "../../src/report/ReportTable.ts"
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

describe("what KV tiers did", () => {
  // Prompts A, B, A, B of 8 blocks on 12 blocks: 4 + 1 of A go down for B, each second prompt finds 3 blocks on the device and 5 below.
  it.effect("is in the report and in the lines", () =>
    Effect.gen(function* () {
      const { records, report } = yield* rerun(folder, loadGolden(folder, "abc_g2"))
      const { kv_tiers: tiers } = report.dynosim
      const loadMs = (5 * 64 * 131_072) / 14e6
      assert.deepStrictEqual(tiers?.reused_tokens, { device: 2 * 3 * 64, host: 2 * 5 * 64, disk: 0, object: 0 })
      assert.strictEqual(tiers?.dropped_blocks, 0)
      assert.closeTo(tiers?.onboard_wait_ms.mean ?? 0, (2 * loadMs) / 4, 1e-9)
      assert.closeTo(tiers?.onboard_wait_ms.max ?? 0, loadMs, 1e-9)
      assert.deepStrictEqual(
        tiers?.links?.map(({ blocks, bytes, from, to }) => ({ from, to, blocks, bytes })),
        [
          { from: "device", to: "host", blocks: 10, bytes: 10 * 64 * 131_072 },
          { from: "host", to: "device", blocks: 10, bytes: 10 * 64 * 131_072 }
        ]
      )
      const [, , third] = records.toSorted((a, b) => a.id - b.id)
      assert.strictEqual(third?.tiers?.hostReusedTokens, 320)
      assert.include(requestLine(third!), '"host_reused_tokens":320,"disk_reused_tokens":0,"object_reused_tokens":0')
      assert.include(reportTable(report), "KV Tiers, Reused Tokens: device 384, host 640, disk 0, object 0")
    })
  )

  it.effect("is in no report of a run without tiers", () =>
    Effect.gen(function* () {
      const { records, report } = yield* rerun(folder, loadGolden(folder, "abc_nog2"))
      assert.notProperty(report.dynosim, "kv_tiers")
      assert.notInclude(requestLine(records[0]!), "host_reused_tokens")
      assert.notInclude(reportTable(report), "KV Tiers")
    })
  )
})

describe("recorded runs with KV tiers", () => {
  for (const name of goldenNames(folder)) {
    const golden = withQuirks(loadGolden(folder, name))
    it.effect(name, () => assertEqual(golden))
  }
})

// The first tie decides which of the two outcomes it is: both come up, and nothing else does.
describe("a recorded run behind the KV router", () => {
  it.effect("has either recorded outcome, whatever the seed", () =>
    Effect.gen(function* () {
      const golden = withQuirks(loadGolden(folder, "kv2_rev_d"))
      const outcomes = [golden.report, ...(golden.otherReports ?? [])].filter((report) => report !== null)
      const seen = new Set<number>()
      for (let seed = 0; seed < 20; seed++) {
        const seeded = { ...golden, arguments: [...golden.arguments, "--seed", String(seed)] }
        const { report } = yield* rerun(folder, seeded)
        seen.add(outcomes.findIndex((recorded) => reportDifferences(report, recorded).length === 0))
      }
      assert.deepStrictEqual([...seen].toSorted(), [0, 1])
    })
  )
})
