/** Searches against naive evaluations, shards against the whole, and what is kept of runs. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { bestOf, compareCandidates } from "../../src/sweep/Candidate.ts"
import { halfWidth95, mean } from "../../src/report/Interval.ts"
import { sweepCsv, sweepJson } from "../../src/sweep/SweepText.ts"
import { answering, base, plan, reportWith, summaryOf } from "./Plans.ts"

const Level = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))
/** TTFT, throughput and GPUs of each of nine combinations. */
const Surface = Schema.Array(Schema.Tuple([Level, Level])).check(Schema.isMinLength(9), Schema.isMaxLength(9))

const axes = "axes: {num-workers: [1, 2, 3], extra-engine-args.max_num_seqs: [8, 16, 32]}"
const workers = [1, 2, 3]
const seqs = [8, 16, 32]

const runnerOf = (surface: typeof Surface.Type) =>
  answering(({ deployment }) => {
    if (deployment._tag !== "Aggregated") return { _tag: "Failed", reason: "not aggregated" }
    const place = workers.indexOf(deployment.workers) * 3 + seqs.indexOf(deployment.engine.maxNumSeqs ?? 0)
    const [ttft, throughput] = surface[place]!
    return { _tag: "Done", report: reportWith({ p99_ttft_ms: ttft, output_throughput_tok_s: throughput }) }
  })

describe("sweeps", () => {
  it.effect.prop("a grid finds what a naive evaluation finds", [Surface], ([surface]) =>
    Effect.gen(function* () {
      const read = plan(
        `base: ${base}\n${axes}\nconstraints: [p99_ttft_ms < 5]\npareto: [minimise p99_ttft_ms, maximise output_throughput_tok_s]`
      )
      const { asked, layer } = runnerOf(surface)
      const { best, candidates, pareto } = yield* summaryOf(read, layer)
      assert.strictEqual(asked.length, 9)
      assert.strictEqual(candidates.length, 9)
      const feasible = surface.map((cell, index) => ({ cell, index })).filter(({ cell: [ttft] }) => ttft < 5)
      const expected = feasible.filter(
        ({ cell: [ttft, throughput] }) =>
          !feasible.some(
            ({ cell: [otherTtft, other] }) =>
              otherTtft <= ttft && other >= throughput && (otherTtft < ttft || other > throughput)
          )
      )
      assert.deepStrictEqual(
        [...pareto].map(({ index }) => index).toSorted((a, b) => a - b),
        expected.map(({ index }) => index)
      )
      if (feasible.length > 0) {
        const lowest = Math.min(...feasible.map(({ cell: [ttft] }) => ttft))
        const most = Math.max(...feasible.filter(({ cell }) => cell[0] === lowest).map(({ cell }) => cell[1]))
        assert.deepStrictEqual(surface[best!.index], [lowest, most])
      } else assert.isFalse(best!.isFeasible)
    })
  )

  it.effect.prop(
    "a descent visits no point twice for nothing, and never prefers an infeasible one",
    [Surface],
    ([surface]) =>
      Effect.gen(function* () {
        const read = plan(
          `base: ${base}\n${axes}\nconstraints: [p99_ttft_ms < 5]\nobjective: maximise output_throughput_tok_s\nsearch: descent`
        )
        const { asked, layer } = runnerOf(surface)
        const { best, candidates } = yield* summaryOf(read, layer)
        assert.isAtMost(asked.length, 9)
        assert.strictEqual(
          best!.isFeasible,
          candidates.some(({ isFeasible }) => isFeasible)
        )
        assert.strictEqual(best, bestOf(candidates))
        // No single axis improves on where it stopped.
        const [row, column] = [Math.floor(best!.index / 3), best!.index % 3]
        const neighbours = candidates.filter(({ index }) => Math.floor(index / 3) === row || index % 3 === column)
        assert.strictEqual(neighbours.length, 5)
        for (const other of neighbours) assert.isAtMost(compareCandidates(best!, other), 0)
      })
  )

  it.effect("a descent over deployments goes sizes, split, router within the budget", () =>
    Effect.gen(function* () {
      const presets = [1, 2, 4].flatMap((prefillTp) =>
        [1, 2].flatMap((decodeTp) =>
          [1, 2, 3, 4, 5].flatMap((prefill) =>
            [1, 2, 3, 4, 5].map(
              (decode) => `{prefill: ${prefill}, decode: ${decode}, prefill_tp: ${prefillTp}, decode_tp: ${decodeTp}}`
            )
          )
        )
      )
      const read = plan(
        `base: ${base}\nmax_gpus: 12\nsearch: descent\nobjective: maximise output_throughput_tok_s\n`
          + `axes:\n  deployment: [${presets.join(", ")}]\n  router-mode: [round_robin, kv_router]`
      )
      const { asked, layer } = answering(({ deployment, routing }) => {
        if (deployment._tag === "Aggregated") return { _tag: "Failed", reason: "aggregated" }
        const { decodeWorkers, prefillWorkers } = deployment
        const value =
          100 - Math.abs(prefillWorkers - 4) - Math.abs(decodeWorkers - 2) + (routing.mode === "kv_router" ? 1 : 0)
        return { _tag: "Done", report: reportWith({ output_throughput_tok_s: value }) }
      })
      const { best } = yield* summaryOf(read, layer)
      assert.isBelow(asked.length, 60)
      assert.isTrue(best!.isFeasible)
      assert.include(best!.values, "kv_router")
    })
  )

  it.effect("shards do not overlap and together are the whole, byte for byte", () =>
    Effect.gen(function* () {
      const read = plan(`base: ${base}\n${axes}\nobjective: minimise p99_ttft_ms\nseeds: [1, 2]`)
      const surface = workers.flatMap((a) => seqs.map((b) => [a, b % 10] as const))
      const whole = yield* summaryOf(read, runnerOf(surface).layer)
      const asked = []
      for (const index of [0, 1, 2, 3]) {
        const part = runnerOf(surface)
        const { elsewhere } = yield* summaryOf(read, part.layer, { index, count: 4 })
        assert.strictEqual(elsewhere + part.asked.length, 18)
        asked.push(...part.asked.map((options) => JSON.stringify(options.deployment) + options.seed))
      }
      assert.strictEqual(asked.length, 18)
      assert.strictEqual(new Set(asked).size, 18)
      const again = yield* summaryOf(read, runnerOf(surface).layer)
      assert.strictEqual(sweepCsv(read, again), sweepCsv(read, whole))
      assert.strictEqual(sweepJson(read, again), sweepJson(read, whole))
    })
  )

  it.effect("skips impossible combinations with a count and a reason, and names failed runs", () =>
    Effect.gen(function* () {
      const read = plan(
        `base: ${base}\nobjective: minimise p99_ttft_ms\nmax_gpus: 4\n`
          + "axes: {num-workers: [1, 2, 3, 5], router-mode: [round_robin, kv_router]}"
      )
      const { layer } = answering(({ deployment }) =>
        deployment._tag === "Aggregated" && deployment.workers === 3
          ? { _tag: "Failed", reason: "it broke" }
          : { _tag: "Done", report: reportWith({}) }
      )
      const { candidates, failed, impossible } = yield* summaryOf(read, layer)
      assert.deepStrictEqual(
        candidates.map(({ values }) => values.join()),
        ["1,round_robin", "2,round_robin", "2,kv_router"]
      )
      assert.deepStrictEqual(
        failed.map(({ cell, reason }) => [cell.values[0], reason]),
        [
          ["3", "it broke"],
          ["3", "it broke"]
        ]
      )
      const reasons = [...impossible]
      assert.deepStrictEqual(
        reasons.find(([reason]) => reason.includes("max_gpus")),
        ["needs more GPUs than max_gpus, 4", 2]
      )
      assert.isTrue(reasons.some(([reason, count]) => reason.includes("kv_router needs --num-workers") && count === 1))
    })
  )

  it.effect("judges the mean over seeds, or the worst of them", () =>
    Effect.gen(function* () {
      const text = `base: ${base}\nobjective: minimise p99_ttft_ms\nconstraints: [p99_ttft_ms < 5]\nseeds: [0, 2, 4]`
      const runner = () =>
        answering(({ seed }) => ({ _tag: "Done", report: reportWith({ p99_ttft_ms: seed + 2 }) })).layer
      const mean = yield* summaryOf(plan(text), runner())
      assert.isTrue(mean.candidates[0]!.isFeasible)
      const worst = yield* summaryOf(plan(`${text}\njudge: worst`), runner())
      assert.isFalse(worst.candidates[0]!.isFeasible)
    })
  )

  it.effect("does not take a run without completed requests for a fast one", () =>
    Effect.gen(function* () {
      const { layer } = answering(() => ({ _tag: "Done", report: reportWith({ completed_requests: 0 }) }))
      const { best } = yield* summaryOf(
        plan(`base: ${base}\nobjective: minimise total_gpus\nconstraints: [p99_ttft_ms < 5]`),
        layer
      )
      assert.isFalse(best!.isFeasible)
    })
  )

  it("knows Student's t", () => {
    assert.isUndefined(halfWidth95([1]))
    for (const value of [0.1, 1.862371, 675.389, 1 / 3]) {
      assert.strictEqual(halfWidth95([value, value, value]), 0)
      assert.strictEqual(mean([value, value, value]), value)
    }
    // Mean 2, standard error 1 / sqrt 3, quantile 4.302653.
    assert.approximately(halfWidth95([1, 2, 3])!, 4.302653 / Math.sqrt(3), 1e-9)
    const forty = Array.from({ length: 41 }, (_, index) => index)
    const deviation = Math.sqrt(forty.reduce((sum, value) => sum + (value - 20) ** 2, 0) / 40)
    assert.approximately(halfWidth95(forty)!, (2.021075 * deviation) / Math.sqrt(41), 1e-3)
  })
})
