/** Conditions on reports: what may be written, what it means, and what is said about everything else. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Condition from "../../src/report/Condition.ts"
import { reportMetrics } from "../../src/report/Metric.ts"
import { Report } from "../../src/report/Report.ts"
import { emptyReport } from "./EmptyReport.ts"

const parsed = (text: string) => Result.getOrThrow(Condition.parseCondition(text))

const refusal = (text: string): string => {
  const { hint, message } = Result.getOrThrow(Result.flip(Condition.parseCondition(text)))
  return hint === undefined ? message : `${message}; ${hint}`
}

const holds = (text: string, figures: Partial<Report>): boolean =>
  Condition.judge(parsed(text), { ...emptyReport, ...figures }).holds

describe("conditions", () => {
  it("compares a figure of the report with a number", () => {
    const report = { p99_ttft_ms: 2000 }
    assert.isFalse(holds("p99_ttft_ms < 2000", report))
    assert.isTrue(holds("p99_ttft_ms<=2000", report))
    assert.isFalse(holds("p99_ttft_ms > 2e3", report))
    assert.isTrue(holds("p99_ttft_ms >= 2000.0", report))
    assert.isTrue(holds("p99_ttft_ms == 2000", report))
    assert.isFalse(holds("p99_ttft_ms != 2000", report))
  })

  it("finds figures of classes and sessions by their path", () => {
    const statistics = { mean: 5, min: 1, max: 900, median: 4, p75: 6, p90: 7, p95: 8, p99: 700, std: 1 }
    const empty = { mean: 0, min: 0, max: 0, median: 0, p75: 0, p90: 0, p95: 0, p99: 0, std: 0 }
    const figures = {
      offered_requests: 9,
      completed_requests: 9,
      rejected_requests: 0,
      failed_requests: 0,
      in_flight_requests: 0,
      input_tokens: 1,
      output_tokens: 1,
      request_throughput_rps: 3,
      output_throughput_tok_s: 1,
      prefix_cache_reused_ratio: 0,
      ttft_ms: statistics,
      tpot_ms: statistics,
      e2e_latency_ms: statistics,
      goodput: { completed_requests: 8, ratio: 0.8, request_throughput_rps: 1, output_throughput_tok_s: 1 }
    }
    const dynosim = {
      ...emptyReport.dynosim,
      classes: { "chat-1": figures, none: { ...figures, completed_requests: 0, ttft_ms: empty } },
      fairness: { index: "jain", output_tokens_per_latency_second: 0.9 },
      sessions: {
        ended_sessions: 2,
        mean_turns: 2,
        duration_ms: statistics,
        first_turns: 2,
        cold_ttft_ms: statistics,
        later_turns: 0,
        warm_ttft_ms: empty
      }
    } as const
    assert.isTrue(holds("dynosim.classes.chat-1.ttft_ms.p99 < 0.8 s", { dynosim }))
    assert.isFalse(holds("dynosim.classes.chat-1.goodput.ratio >= 99 %", { dynosim }))
    assert.isTrue(holds("dynosim.classes.chat-1.request_throughput_rps >= 3 rps", { dynosim }))
    assert.isTrue(holds("dynosim.fairness.output_tokens_per_latency_second > 0.8", { dynosim }))
    assert.isTrue(holds("dynosim.sessions.cold_ttft_ms.median < 5 ms", { dynosim }))
    // Nothing was seen of these.
    for (const text of ["dynosim.classes.none.ttft_ms.p99 < 5", "dynosim.classes.other.ttft_ms.p99 < 5"]) {
      assert.isFalse(holds(text, { dynosim }), text)
    }
    assert.isFalse(holds("dynosim.sessions.warm_ttft_ms.mean < 5", { dynosim }))
    for (const text of [
      "dynosim.classes.chat-1.ttft_ms < 5",
      "dynosim.classes.chat-1.ttft_ms.p98 < 5",
      "dynosim.classes.chat-1.ttft < 5",
      "dynosim.classes.chat-1 < 5",
      "dynosim.classes.chat-1.goodput.sla_ttft_ms < 5",
      "dynosim.fairness.index < 5",
      "dynosim.class.a.ttft_ms.p99 < 5"
    ]) {
      assert.match(refusal(text), /is not a number in the report/, text)
    }
  })

  it("converts units of the same quantity", () => {
    assert.strictEqual(parsed("p99_ttft_ms < 2 s").bound, 2000)
    assert.strictEqual(parsed("p99_ttft_ms < 2000ms").bound, 2000)
    assert.strictEqual(parsed("duration_ms < 1 h").bound, 3_600_000)
    assert.strictEqual(parsed("gpu_hours <= 90 min").bound, 1.5)
    assert.strictEqual(parsed("prefix_cache_reused_ratio > 40%").bound, 0.4)
    assert.strictEqual(parsed("output_throughput_tok_s >= 1000 tok/s").bound, 1000)
    assert.strictEqual(parsed("decode_worker_seconds < 2 h").bound, 7200)
    assert.strictEqual(parsed("dynosim.rejected_requests == 0 requests").bound, 0)
  })

  it("refuses units of another quantity", () => {
    assert.strictEqual(
      refusal("p99_ttft_ms < 5 tok/s"),
      '"p99_ttft_ms < 5 tok/s": p99_ttft_ms is not measured in tok/s; write the number alone, or with one of us, ms, s, min, h'
    )
    assert.include(refusal("output_throughput_tok_s > 5 ms"), "is not measured in ms")
    assert.include(refusal("p99_ttft_ms < 5 constructor"), "is not measured in constructor")
  })

  it("names the key that was meant", () => {
    assert.strictEqual(
      refusal("p99_tfft_ms < 1"),
      '"p99_tfft_ms < 1": p99_tfft_ms is not a number in the report; did you mean p99_ttft_ms?'
    )
    assert.include(refusal("rejected_requests == 0"), "did you mean dynosim.rejected_requests?")
    for (const name of ["p99_ttft", "ttft_p99", "ttft_ms_p99"]) {
      assert.include(refusal(`${name} < 1`), "did you mean p99_ttft_ms?")
    }
    assert.include(refusal("ttft < 1"), "docs/report.md lists the keys")
    assert.include(refusal("toString > 0"), "docs/report.md lists the keys")
  })

  it("says how a condition is written", () => {
    for (const text of ["", "p99_ttft_ms", "p99_ttft_ms <", "< 5", "p99_ttft_ms < x", "1 < p99_ttft_ms", "a < 1 b c"]) {
      assert.include(refusal(text), 'is not a condition; write it like "p99_ttft_ms < 2000"')
    }
    assert.include(refusal("p99_ttft_ms =< 5"), "=< does not compare; use one of <, <=, >, >=, ==, !=")
    assert.include(refusal("p99_ttft_ms < 1e999"), "too large a number")
  })

  it("takes several, joined or listed, and tells the first problem", () => {
    const texts = ["p99_ttft_ms < 2 s and mean_itl_ms <= 30", "num_requests > 0"]
    const all = Result.getOrThrow(Condition.parseConditions(texts))
    assert.deepStrictEqual(
      all.map(({ text }) => text),
      ["p99_ttft_ms < 2 s", "mean_itl_ms <= 30", "num_requests > 0"]
    )
    const problem = Result.getOrThrow(Result.flip(Condition.parseConditions(["x < 1 and y < 1", "z < 1"])))
    assert.include(problem.message, "x is not a number in the report")
  })

  it("does not hold where the report has no such figure", () => {
    const judgement = Condition.judge(parsed("goodput_completed_requests >= 0"), emptyReport)
    assert.isFalse(judgement.holds)
    assert.strictEqual(Condition.violation(judgement), Number.POSITIVE_INFINITY)
    assert.strictEqual(
      Condition.describeJudgement(judgement),
      "goodput_completed_requests: this run has no such figure"
    )
  })

  it("measures by how much it is missed", () => {
    const missed = (text: string, figures: Partial<Report>) =>
      Condition.violation(Condition.judge(parsed(text), { ...emptyReport, ...figures }))
    assert.strictEqual(missed("p99_ttft_ms < 2 s", { p99_ttft_ms: 3000 }), 0.5)
    assert.strictEqual(missed("p99_ttft_ms < 2 s", { p99_ttft_ms: 1000 }), 0)
    assert.isAbove(missed("p99_ttft_ms < 2 s", { p99_ttft_ms: 2000 }), 0)
    assert.strictEqual(missed("completed_requests == 0", { completed_requests: 3 }), 3)
  })

  it("says what a run made of it", () => {
    const judgement = Condition.judge(parsed("p99_ttft_ms < 2 s"), { ...emptyReport, p99_ttft_ms: 2310.5 })
    assert.strictEqual(Condition.describeJudgement(judgement), "p99_ttft_ms is 2310.5, not < 2 s")
  })

  it("knows every number of a report, with its unit", () => {
    const names = Object.keys(Report.fields).filter((name) => name !== "dynosim")
    assert.deepStrictEqual([...reportMetrics.keys()].slice(0, names.length), names)
    const plain = [...reportMetrics.values()].filter(({ unit }) => unit === "count")
    assert.deepStrictEqual(plain, [], "each has a unit")
    assert.deepStrictEqual(
      [...reportMetrics.values()].filter(({ isWallClock }) => isWallClock).map(({ name }) => name),
      ["wall_time_ms", "processed_tokens_per_s", "processed_output_tokens_per_s"]
    )
  })

  it.effect.prop("reads back what it writes", [Schema.Finite], ([bound]) =>
    Effect.sync(() => {
      const condition = parsed(`p99_ttft_ms < ${bound}`)
      assert.strictEqual(condition.bound, bound)
      assert.deepStrictEqual(parsed(condition.text), condition)
    })
  )
})
