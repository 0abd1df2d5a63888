/** The part of a run that counts: what ends in it, and nothing else. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { MeasuredWindow, type WindowBound, workerSecondsWithin } from "../../src/report/MeasuredWindow.ts"
import { ReportBuilder } from "../../src/report/ReportBuilder.ts"
import type { ReplayEvent, TokenGapBatch } from "../../src/report/ReplayEvent.ts"
import { gaps, record, served, summary } from "./Records.ts"

const at = (ms: number): WindowBound => ({ _tag: "Time", ms })
const after = (requests: number): WindowBound => ({ _tag: "Ended", requests })

const timed = (...pairs: ReadonlyArray<readonly [gapMs: number, count: number, tokenMs: number]>): TokenGapBatch => ({
  ...gaps(...pairs.map(([gapMs, count]) => [gapMs, count] as const)),
  timesMs: Float64Array.from(pairs, ([, , tokenMs]) => tokenMs)
})

const ended = (...endsMs: ReadonlyArray<number>) => endsMs.map((endMs) => served({ tokensMs: [endMs] }))

const countOf = (parts: ReadonlyArray<{ readonly counts: Uint32Array }>): number =>
  parts.reduce((sum, { counts }) => sum + counts.reduce((total, count) => total + count, 0), 0)

describe("a measured window", () => {
  it("begins at a time and ends before one", () => {
    const window = new MeasuredWindow({ from: at(10), until: at(20) })
    assert.deepStrictEqual(
      ended(9, 10, 19, 20).map((each) => window.takes(each)),
      [false, true, true, false]
    )
    assert.deepStrictEqual(window.requests, { before: 1, within: 2, after: 1 })
    assert.strictEqual(countOf(window.takeGaps(timed([1, 1, 9], [1, 2, 10], [1, 4, 19], [1, 8, 20]))), 6)
    assert.deepStrictEqual(window.bounds(30), { fromMs: 10, untilMs: 20 })
    assert.deepStrictEqual(window.bounds(15), { fromMs: 10, untilMs: 15 })
    assert.deepStrictEqual(window.bounds(5), { fromMs: 5, untilMs: 5 })
  })

  it("begins and ends with a number of ended requests, and keeps gaps until it is known where they belong", () => {
    const window = new MeasuredWindow({ from: after(1), until: after(3) })
    // Passes are told before they are over: these tokens come at 10, 12 and 30 ms.
    assert.strictEqual(countOf(window.takeGaps(timed([1, 1, 10], [1, 2, 12], [1, 4, 30]))), 0)
    assert.deepStrictEqual(
      ended(10, 20).map((each) => window.takes(each)),
      [false, true]
    )
    assert.strictEqual(countOf(window.takeGaps(timed([1, 8, 25]))), 2)
    assert.deepStrictEqual(
      ended(25, 31).map((each) => window.takes(each)),
      [true, false]
    )
    assert.strictEqual(countOf(window.takeGaps(timed())), 8)
    assert.strictEqual(countOf(window.lastGaps()), 0)
    assert.deepStrictEqual(window.bounds(40), { fromMs: 10, untilMs: 25 })
  })

  it("takes what nobody can place any more as of the end, or as of nowhere", () => {
    const open = new MeasuredWindow({ until: after(5) })
    open.takeGaps(timed([1, 3, 30]))
    assert.strictEqual(countOf(open.lastGaps()), 3)
    const never = new MeasuredWindow({ from: after(5) })
    never.takeGaps(timed([1, 3, 30]))
    assert.strictEqual(countOf(never.lastGaps()), 0)
    assert.deepStrictEqual(never.bounds(40), { fromMs: 40, untilMs: 40 })
  })

  it("counts those turned away where they ended, and those cut off nowhere", () => {
    const window = new MeasuredWindow({ from: at(10) })
    assert.isTrue(window.takes(served({ tokensMs: [12] })))
    assert.isTrue(window.takes(record({ arrivalMs: 3, status: "rejected" })))
    assert.isFalse(window.takes(served({ tokensMs: [13], status: "in_flight" })))
    assert.deepStrictEqual(window.requests, { before: 0, within: 2, after: 0 })
  })

  it.effect.prop(
    "and the parts before and after it are the whole run",
    [
      Schema.NonEmptyArray(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 }))),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60 })),
      Schema.Boolean
    ],
    ([steps, cut, byCount]) =>
      Effect.sync(() => {
        let nowMs = 0
        const events = steps.flatMap((step): ReadonlyArray<ReplayEvent> => {
          nowMs += step
          return [served({ tokensMs: [nowMs] }), timed([1, 1, nowMs + 7], [1, 2, nowMs + 20])]
        })
        const bound = byCount ? after(cut) : at(cut * 5)
        const [first, second] = [{ until: bound }, { from: bound }].map((bounds) => {
          const window = new MeasuredWindow(bounds)
          let taken = 0
          for (const event of events) {
            if (event._tag === "Request") window.takes(event)
            if (event._tag === "TokenGaps") taken += countOf(window.takeGaps(event))
          }
          return { requests: window.requests.within, gaps: taken + countOf(window.lastGaps()) }
        })
        assert.strictEqual((first?.requests ?? 0) + (second?.requests ?? 0), steps.length)
        assert.strictEqual((first?.gaps ?? 0) + (second?.gaps ?? 0), 3 * steps.length)
      })
  )

  it("has rates over its own length, and worker time of its own", () => {
    const builder = new ReportBuilder({ window: { from: at(1000), until: at(3000) }, serviceLevel: { ttftMs: 600 } })
    const events = [
      served({ tokensMs: [500, 600], promptTokens: 7 }),
      served({ arrivalMs: 1000, tokensMs: [1500, 2000], promptTokens: 10 }),
      served({ arrivalMs: 1000, tokensMs: [2500, 2600], promptTokens: 20 }),
      served({ arrivalMs: 1000, tokensMs: [2500, 4000], promptTokens: 40 }),
      timed([100, 1, 600], [500, 1, 2000], [100, 1, 2600], [1500, 1, 4000]),
      summary({ arrivedRequests: 4, endMs: 5000, workerSeconds: { prefill: 0, decode: 10 } })
    ]
    for (const event of events) builder.add(event)
    const report = builder.finish()
    assert.deepInclude(report, {
      num_requests: 2,
      completed_requests: 2,
      total_input_tokens: 30,
      total_output_tokens: 4,
      duration_ms: 2000,
      request_throughput_rps: 1,
      output_throughput_tok_s: 2,
      goodput_completed_requests: 1,
      goodput_request_throughput_rps: 0.5,
      decode_worker_seconds: 4,
      processed_tokens: 85,
      mean_ttft_ms: 1000,
      mean_itl_ms: 300,
      max_itl_ms: 500
    })
    assert.deepInclude(report.dynosim, { offered_requests: 4, completed_requests: 4 })
    assert.deepStrictEqual(report.dynosim.measured_window, {
      from_ms: 1000,
      until_ms: 3000,
      requests: 2,
      warm_up_requests: 1,
      drain_requests: 1
    })
  })

  it("says so when nothing ended in it, with figures that are 0", () => {
    const builder = new ReportBuilder({ window: { from: at(60_000) } })
    for (const event of [served({ tokensMs: [500] }), summary()]) builder.add(event)
    const report = builder.finish()
    assert.strictEqual(report.request_throughput_rps, 0)
    assert.strictEqual(report.duration_ms, 0)
    assert.match(
      report.dynosim.warnings[0] ?? "",
      /^no request ended in the measured window: .* the last token came at 0\.5 s/
    )
  })

  it("has the worker time of pools that change, by their sizes", () => {
    const sizes = [
      { timeMs: 0, pool: "aggregated" as const, ready: 1, starting: 0, draining: 0 },
      { timeMs: 4000, pool: "aggregated" as const, ready: 1, starting: 2, draining: 0 },
      { timeMs: 8000, pool: "aggregated" as const, ready: 2, starting: 0, draining: 1 }
    ]
    const scaling = { autoscaler: "test", ticks: 1, events: [], sizes, workerEvents: [] }
    const whole = summary({ endMs: 10_000, workerSeconds: { prefill: 0, decode: 22 }, scaling })
    assert.deepStrictEqual(workerSecondsWithin(whole, 0, 10_000), { prefill: 0, decode: 22 })
    assert.deepStrictEqual(workerSecondsWithin(whole, 3000, 9000), { prefill: 0, decode: 16 })
  })
})
