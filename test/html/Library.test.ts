/** What the library offers beside the command: pages and comparisons in memory. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { Compare, HtmlReport, Report, Run, Settings } from "../../src/index.ts"

const sample = `${import.meta.dirname}/../../traces/conversation_sample.jsonl`

const optionsOf = (given: Partial<Settings.GivenOptions> = {}) =>
  Result.getOrThrow(Settings.validateReplayOptions({ traces: [sample], ...given }))

/** The data that a page carries. */
const dataOf = (page: string): unknown => JSON.parse(/id="data">(.*?)<\/script>/s.exec(page)?.[1] ?? "null")

describe("the library", () => {
  it.effect("makes the page of a run with its report", () =>
    Effect.gen(function* () {
      let passes = 0
      const probes = [{ pass: () => void (passes += 1) }]
      const { page, report } = yield* HtmlReport.runPage(optionsOf(), { probes })
      assert.isAbove(passes, 0)
      assert.deepInclude(dataOf(page), { kind: "run", report: JSON.parse(Report.reportJson(report)) })
      assert.notMatch(page, /(?:src|href)="?http/)
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("holds runs against each other, and draws that", () =>
    Effect.gen(function* () {
      const measurementOf = (name: string, numWorkers: number) =>
        Effect.map(Run.report(optionsOf({ numWorkers })), (report) => Compare.dynosimReport(name, report))
      const one = yield* measurementOf("one worker", 1)
      const two = yield* measurementOf("two workers", 2)
      assert.strictEqual(Compare.compare(one, one).totals.duration_s?.relative_error, 0)
      const { totals } = Compare.compare(one, two)
      assert.isBelow(totals.duration_s?.relative_error ?? 0, 0)
      assert.match(Compare.comparisonText(Compare.compare(one, two)), /two workers/)
      assert.deepInclude(dataOf(yield* HtmlReport.comparisonPage(one, [two])), { kind: "comparison" })
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("says which runs it cannot calibrate", () =>
    Effect.gen(function* () {
      const measured = Compare.measurementOf({ name: "measured", source: "test" })
      const options = optionsOf({ measureFrom: { _tag: "Time", ms: 1000 } })
      const refused = yield* Effect.flip(Compare.calibrateRun(measured, options))
      assert.match(refused.message, /^the simulated run: measures a part of the run$/)
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
