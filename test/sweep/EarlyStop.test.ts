/** Runs that can no longer win are ended, and only those: a proof against the reports of whole runs, and against sweeps without it. */
import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { judge, parseConditions } from "../../src/report/Condition.ts"
import { ReportBuilder } from "../../src/report/ReportBuilder.ts"
import { CellRunner } from "../../src/sweep/CellRunner.ts"
import { CellStore } from "../../src/sweep/CellStore.ts"
import { ConstraintWatch } from "../../src/sweep/ConstraintWatch.ts"
import { summarise } from "../../src/sweep/Summary.ts"
import * as Sweep from "../../src/sweep/Sweep.ts"
import { sweepMetrics } from "../../src/sweep/SweepMetrics.ts"
import { remarks, sweepCsv, sweepJson, tableRows } from "../../src/sweep/SweepText.ts"
import { record, summary } from "../report/Records.ts"
import { plan, planError } from "./Plans.ts"

const statistics = ["mean", "max", "median", "p75", "p90", "p95", "p99"]
const figures = ["ttft_ms", "e2e_latency_ms", "tpot_ms"]
const metrics = [
  ...statistics.flatMap((statistic) => figures.map((figure) => `${statistic}_${figure}`)),
  "dynosim.rejected_requests",
  "duration_ms",
  "max_itl_ms",
  "completed_requests",
  "request_throughput_rps",
  "goodput_completed_requests",
  "goodput_request_throughput_rps"
]
const serviceLevel = { ttftMs: 12, itlMs: 6 }

const Latency = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 }))
const Requests = Schema.Array(
  Schema.Tuple([Latency, Latency, Schema.Literals(["completed", "completed", "completed", "rejected"])])
).check(Schema.isMinLength(1), Schema.isMaxLength(30))
/** Requests that the run had promised and that never came to an end. */
const Missing = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))

describe("a constraint that is broken for good", () => {
  it.effect.prop(
    "is broken at the end, whatever came after",
    [Requests, Missing, Latency, Schema.Literals(metrics), Schema.Literals(["<", "<=", ">", ">="])],
    ([requests, missing, latency, metric, operator]) =>
      Effect.sync(() => {
        // Rates of requests that take milliseconds.
        const bound = metric.endsWith("_rps") ? latency * 100 : latency
        const [condition] = Result.getOrThrow(parseConditions([`${metric} ${operator} ${bound}`], sweepMetrics))
        const watch = new ConstraintWatch([condition!], { requests: requests.length + missing, serviceLevel })
        const report = new ReportBuilder({ serviceLevel })
        for (const [index, [ttft, decode, status]] of requests.entries()) {
          const ended = record({
            id: index,
            arrivalMs: index,
            firstAdmitMs: status === "completed" ? index : Number.NaN,
            firstTokenMs: index + ttft,
            secondTokenMs: index + ttft + decode / 2,
            lastTokenMs: index + ttft + decode,
            emittedTokens: status === "completed" ? 3 : 0,
            status
          })
          const gaps = {
            _tag: "TokenGaps",
            gapsMs: Float64Array.of(decode / 2),
            counts: Uint32Array.of(ended.emittedTokens === 0 ? 0 : 2)
          } as const
          for (const event of [gaps, ended]) {
            watch.add(event)
            report.add(event)
          }
        }
        report.add(summary({ arrivedRequests: requests.length + missing }))
        if (watch.broken !== undefined) assert.isFalse(judge(condition!, report.finish()).holds, watch.broken)
      })
  )

  const brokenAfter = (text: string, latencies: ReadonlyArray<number>, requests: number): number | undefined => {
    const conditions = Result.getOrThrow(parseConditions([text], sweepMetrics))
    const watch = new ConstraintWatch(conditions, { requests, serviceLevel: { ttftMs: 9 } })
    for (const [index, ms] of latencies.entries()) {
      watch.add(record({ arrivalMs: 0, firstAdmitMs: 0, firstTokenMs: ms, lastTokenMs: ms, emittedTokens: 1 }))
      if (watch.broken !== undefined) return index + 1
    }
    return undefined
  }
  const slow = Array.from({ length: 100 }, () => 10)

  it("is known as early as it can be", () => {
    // Of 100 values the report takes that of rank round(99 * 0.99) = 98, counted from 0.
    assert.strictEqual(brokenAfter("p99_ttft_ms < 10", slow, 100), 2)
    assert.strictEqual(brokenAfter("p99_ttft_ms <= 10", slow, 100), undefined)
    assert.strictEqual(brokenAfter("max_ttft_ms < 10", slow, 100), 1)
    assert.strictEqual(brokenAfter("median_ttft_ms < 10", slow, 100), 50)
    // 41 times 10 shared among 100 is more than 4.
    assert.strictEqual(brokenAfter("mean_ttft_ms < 4", slow, 100), 41)
    // None of these is a good one: after six, 94 are left.
    assert.strictEqual(brokenAfter("goodput_completed_requests >= 95", slow, 100), 6)
    assert.strictEqual(brokenAfter("goodput_completed_requests > 95", slow, 100), 5)
    // A hundredth of a second has passed with the first token: 94 good ones in that time are 9,400 a second.
    assert.strictEqual(brokenAfter("goodput_request_throughput_rps >= 9401", slow, 100), 6)
    assert.strictEqual(brokenAfter("request_throughput_rps > 9999", slow, 100), undefined)
    assert.strictEqual(brokenAfter("request_throughput_rps > 10000", slow, 100), 1)
    assert.strictEqual(brokenAfter("duration_ms < 10", slow, 100), 1)
  })

  it("is known from gaps between tokens as well", () => {
    const watch = new ConstraintWatch(Result.getOrThrow(parseConditions(["max_itl_ms < 5"])), { requests: 100 })
    watch.add({ _tag: "TokenGaps", gapsMs: Float64Array.of(4, 5), counts: Uint32Array.of(3, 0) })
    assert.isUndefined(watch.broken)
    watch.add({ _tag: "TokenGaps", gapsMs: Float64Array.of(4, 5), counts: Uint32Array.of(3, 1) })
    assert.strictEqual(watch.broken, "max_itl_ms < 5 is broken for good after 0 of 100 requests")
  })

  it("is not looked for where it cannot be known", () => {
    assert.strictEqual(brokenAfter("p99_ttft_ms > 20", slow, 100), undefined)
    assert.strictEqual(brokenAfter("p99_itl_ms < 1", slow, 100), undefined)
    assert.strictEqual(brokenAfter("goodput_completed_requests < 95", slow, 100), undefined)
    // So many that percentiles become estimates.
    assert.strictEqual(brokenAfter("max_ttft_ms < 1", slow, 2 ** 23), undefined)
  })
})

describe("stop_early", () => {
  const shape = (objective: string, more = "") =>
    "base: {input-tokens: 3000, output-tokens: 12, request-count: 20, arrival-interval-ms: 30}\n"
    + "axes: {num-workers: [1, 2, 3, 4, 5], extra-engine-args.max_num_seqs: [1, 8]}\n"
    + `constraints: [p95_ttft_ms < 600 ms]\n${objective}\n${more}`

  /** With a store of its own. */
  const services = () =>
    Layer.mergeAll(
      CellRunner.layer.pipe(Layer.provide(NodeServices.layer)),
      Layer.fresh(CellStore.layerMemory),
      NodeServices.layer
    )

  const swept = (text: string, shard?: Sweep.Shard) => Stream.run(Sweep.run(plan(text), shard), summarise(plan(text)))

  it.effect("ends with the best that all runs would have, and marks what it did not finish", () =>
    Effect.gen(function* () {
      for (const objective of ["objective: minimise total_gpus", "objective: minimise mean_ttft_ms"]) {
        const whole = yield* Effect.provide(swept(shape(objective)), services())
        const misses = whole.candidates.filter(({ isFeasible }) => !isFeasible).map(({ index }) => index)
        assert.isAbove(misses.length, 2)
        assert.isTrue(whole.best!.isFeasible)
        const text = shape(objective, "stop_early: true")
        const early = yield* Effect.provide(swept(text), services())
        assert.strictEqual(early.best!.index, whole.best!.index)
        assert.deepStrictEqual(early.best!.reports, whole.best!.reports)
        const stopped = early.stopped.map(({ index }) => index)
        assert.isAbove(stopped.length, 0)
        assert.includeMembers(misses, stopped)
        const marks = tableRows(plan(text), early).map(([mark]) => mark)
        assert.strictEqual(marks.filter((mark) => mark === "stopped").length, stopped.length)
        assert.include(sweepCsv(plan(text), early), "p95_ttft_ms < 600 ms is broken for good after")
        assert.strictEqual(JSON.parse(sweepJson(plan(text), early)).stopped.length, stopped.length)
        const seen = early.candidates.length + stopped.length
        // Where the fewest GPUs win, more of them than the best has are not even tried.
        if (objective.endsWith("total_gpus")) {
          assert.isBelow(seen, 10)
          assert.include(remarks(plan(text), early), `${10 - seen} combinations not run: with more GPUs than the best`)
        } else assert.strictEqual(seen, 10)
      }
    })
  )

  it.effect("comes to the verdict of whole runs, whatever is asked for", () =>
    Effect.gen(function* () {
      const asking = (constraint: string, more = "") =>
        shape("objective: minimise mean_ttft_ms", more)
          .replace("base: {", "base: {sla-ttft-ms: 400, ")
          .replace("p95_ttft_ms < 600 ms", constraint)
      const whole = yield* Effect.provide(swept(asking("p95_ttft_ms < 1 h")), services())
      assert.strictEqual(whole.candidates.length, 10)
      for (const text of [
        "goodput_completed_requests >= 15",
        "goodput_request_throughput_rps > 8",
        "request_throughput_rps >= 12",
        "duration_ms <= 1 s",
        "max_itl_ms < 20"
      ]) {
        const [condition] = Result.getOrThrow(parseConditions([text], sweepMetrics))
        const holding = whole.candidates.filter(({ reports }) => judge(condition!, reports[0]).holds)
        const early = yield* Effect.provide(swept(asking(text, "stop_early: true")), services())
        const feasible = early.candidates.filter(({ isFeasible }) => isFeasible)
        const indexes = (all: ReadonlyArray<{ readonly index: number }>) => all.map(({ index }) => index)
        assert.deepStrictEqual(indexes(feasible), indexes(holding), text)
        assert.isAbove(holding.length, 0, text)
        assert.isAbove(early.stopped.length, 0, text)
        assert.strictEqual(early.candidates.length + early.stopped.length, 10)
      }
    })
  )

  it.effect("keeps what it ended, and shards agree about it", () =>
    Effect.gen(function* () {
      const text = shape("objective: minimise mean_ttft_ms", "stop_early: true")
      const first = yield* swept(text)
      const again = yield* swept(text)
      assert.strictEqual(first.reused, 0)
      assert.strictEqual(again.evaluated, 0)
      assert.strictEqual(sweepJson(plan(text), again), sweepJson(plan(text), first))
      // The same runs under another constraint are not ended where these were.
      const looser = yield* swept(text.replace("600 ms", "1 h"))
      assert.strictEqual(looser.stopped.length, 0)
      assert.strictEqual(looser.candidates.length, 10)
      const parts = yield* Effect.gen(function* () {
        yield* swept(text, { index: 0, count: 2 })
        return yield* swept(text, { index: 1, count: 2 })
      }).pipe(Effect.provide(services()))
      assert.strictEqual(parts.elsewhere, 0)
      assert.strictEqual(sweepJson(plan(text), parts), sweepJson(plan(text), first))
    }).pipe(Effect.provide(services()))
  )

  it.effect("ends nothing where the mean of several runs is judged", () =>
    Effect.gen(function* () {
      const text = shape("objective: minimise mean_ttft_ms", "stop_early: true\nseeds: [1, 2]")
      const mean = yield* Effect.provide(swept(text), services())
      assert.strictEqual(mean.stopped.length, 0)
      const worst = yield* Effect.provide(swept(`${text}\njudge: worst`), services())
      assert.isAbove(worst.stopped.length, 0)
      assert.strictEqual(worst.stopped.length + worst.candidates.length, 10)
    })
  )

  it("is refused where the figures of all runs guide the search", () => {
    assert.include(
      planError("objective: minimise total_gpus\nstop_early: true\nsearch: descent"),
      "plan.yaml:2: stop_early: cannot be combined with search: descent"
    )
  })
})
