/** Results by class and by session, by hand-checked figures. */
import { assert, describe, it } from "@effect/vitest"
import { jainIndex } from "../../src/report/ClassReport.ts"
import type { ReplayEvent } from "../../src/report/ReplayEvent.ts"
import type { Report } from "../../src/report/Report.ts"
import { ReportBuilder } from "../../src/report/ReportBuilder.ts"
import { requestColumns } from "../../src/report/RequestColumns.ts"
import { requestLine } from "../../src/report/RequestLines.ts"
import type { ReportOptions } from "../../src/report/ReportOptions.ts"
import { record, served, summary } from "./Records.ts"

const report = (events: ReadonlyArray<ReplayEvent>, options?: ReportOptions): Report => {
  const builder = new ReportBuilder(options)
  for (const event of [...events, summary({ arrivedRequests: events.length })]) builder.add(event)
  return builder.finish()
}

const [chat, batch] = [{ className: "chat" }, { className: "batch" }]

describe("classes in a report", () => {
  it("have figures of their own", () => {
    const { classes, fairness } = report(
      [
        served({ ...chat, promptTokens: 100, reusedTokens: 40, tokensMs: [10, 20] }),
        served({ ...chat, promptTokens: 100, arrivalMs: 100, tokensMs: [130, 140, 200] }),
        served({ ...batch, promptTokens: 700, tokensMs: [400, 1000] }),
        record({ ...batch, status: "rejected" }),
        record({ ...batch, status: "in_flight" })
      ],
      { serviceLevel: { e2eMs: 500 }, classLevels: new Map([["chat", { ttftMs: 20 }]]) }
    ).dynosim
    const figures = classes?.["chat"]
    assert.deepInclude(figures, {
      offered_requests: 2,
      completed_requests: 2,
      input_tokens: 200,
      output_tokens: 5,
      request_throughput_rps: 2,
      output_throughput_tok_s: 5,
      prefix_cache_reused_ratio: 0.2
    })
    assert.deepInclude(figures?.ttft_ms, { mean: 20, min: 10, max: 30 })
    assert.deepInclude(figures?.tpot_ms, { min: 10, max: 35 })
    assert.deepInclude(figures?.e2e_latency_ms, { min: 20, max: 100 })
    assert.deepStrictEqual(figures?.goodput, {
      sla_ttft_ms: 20,
      sla_e2e_ms: 500,
      completed_requests: 1,
      ratio: 0.5,
      request_throughput_rps: 1,
      output_throughput_tok_s: 2
    })
    assert.deepInclude(classes?.["batch"], {
      offered_requests: 3,
      completed_requests: 1,
      rejected_requests: 1,
      in_flight_requests: 1
    })
    assert.strictEqual(classes?.["batch"]?.goodput?.ratio, 0)
    // Good shares 1/2 and 0; 5 tokens in 0.12 s of latency, 2 in 1 s.
    assert.deepStrictEqual(fairness, {
      index: "jain",
      goodput_ratio: jainIndex([0.5, 0]),
      output_tokens_per_latency_second: jainIndex([5 / 0.12, 2])
    })
  })

  it("that nobody asked for in this run are shown empty, and finite", () => {
    const { classes, fairness } = report([served({ ...chat, tokensMs: [10] })], {
      classLevels: new Map([
        ["chat", {}],
        ["silent", { ttftMs: 5 }]
      ])
    }).dynosim
    assert.deepInclude(classes?.["silent"], { offered_requests: 0, request_throughput_rps: 0 })
    assert.deepInclude(classes?.["silent"]?.goodput, { ratio: 0 })
    assert.notProperty(classes?.["chat"], "goodput")
    assert.notProperty(fairness, "goodput_ratio")
  })

  it("beyond a hundred come together, with a word", () => {
    const events = Array.from({ length: 120 }, (_, index) => served({ className: `c${index}`, tokensMs: [10] }))
    const { classes = {}, warnings } = report(events).dynosim
    assert.strictEqual(Object.keys(classes).length, 101)
    assert.strictEqual(classes["(other classes)"]?.offered_requests, 20)
    assert.match(warnings.join(), /more than 100 classes/)
  })

  it("are not there where nobody names one, nor are sessions", () => {
    const { dynosim } = report([served({ tokensMs: [10, 20] })])
    for (const key of ["classes", "fairness", "sessions"]) assert.notProperty(dynosim, key)
    const line = served({ tokensMs: [10] })
    assert.notInclude(requestLine(line), '"class"')
    assert.include(requestLine({ ...line, className: 'a"b' }), ',"class":"a\\"b"')
    assert.include(
      requestLine({ ...line, className: "c", annotations: { class: "x" } }),
      ',"class":"c","trace_class":"x"'
    )
    const names = (hasClasses: boolean) =>
      requestColumns({ engineProfile: undefined, window: undefined, hasClasses }).map(({ name }) => name)
    assert.deepStrictEqual(
      names(true).filter((name) => !names(false).includes(name)),
      ["class"]
    )
  })

  it("count what ends in a measured window", () => {
    const { classes, sessions } = report(
      [
        served({ ...chat, sessionId: "a", isLastTurn: false, tokensMs: [10] }),
        served({ ...chat, sessionId: "a", turnIndex: 1, isLastTurn: true, arrivalMs: 20, tokensMs: [60] })
      ],
      { window: { from: { _tag: "Time", ms: 50 } } }
    ).dynosim
    assert.strictEqual(classes?.["chat"]?.offered_requests, 1)
    assert.deepInclude(sessions, { ended_sessions: 1, first_turns: 0, later_turns: 1 })
    assert.strictEqual(sessions?.duration_ms.mean, 60)
  })
})

describe("sessions in a report", () => {
  it("last from their first arrival to their last token; first turns are cold, later ones warm", () => {
    const turn = (sessionId: string, turnIndex: number, isLastTurn: boolean, arrivalMs: number, tokenMs: number) =>
      served({ sessionId, turnIndex, isLastTurn, arrivalMs, tokensMs: [tokenMs] })
    const { sessions } = report([
      turn("a", 0, false, 0, 40),
      turn("b", 0, true, 10, 30),
      turn("a", 1, false, 100, 110),
      turn("c", 0, false, 120, 200),
      record({ sessionId: "a", turnIndex: 2, isLastTurn: true, arrivalMs: 500, status: "rejected" }),
      record({ sessionId: "c", turnIndex: 1, isLastTurn: true, arrivalMs: 300, status: "in_flight" }),
      served({ sessionId: "graph", isLastTurn: null, tokensMs: [7] })
    ]).dynosim
    assert.deepInclude(sessions, { ended_sessions: 2, mean_turns: 2, first_turns: 3, later_turns: 1 })
    assert.deepInclude(sessions?.duration_ms, { min: 20, max: 500 })
    assert.deepInclude(sessions?.cold_ttft_ms, { min: 20, max: 80 })
    assert.deepInclude(sessions?.warm_ttft_ms, { min: 10, max: 10 })
  })
})

describe("jainIndex", () => {
  it("is 1 for equal shares, and one part where one has everything", () => {
    assert.strictEqual(jainIndex([3, 3, 3]), 1)
    assert.strictEqual(jainIndex([0, 5, 0, 0]), 0.25)
    assert.strictEqual(jainIndex([0, 0]), 1)
    assert.strictEqual(jainIndex([1, 3]), 0.8)
  })
})
