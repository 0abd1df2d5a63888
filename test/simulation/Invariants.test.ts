/** What holds in every run, whatever it is given (docs/invariants.md). */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { RequestRecord } from "../../src/request/SimRequest.ts"
import * as PlainWorkload from "../support/PlainWorkload.ts"
import { disaggregatedTopology, multiTopology, type Outcome, replay, topology } from "../support/Replays.ts"
import { type RandomRun, randomRun } from "./RandomRun.ts"

const runs = { arbitrary: { runs: 150, size: 40 } }

const started = (run: RandomRun, maxSimTimeMs = Number.POSITIVE_INFINITY) =>
  Effect.result(replay(topology(run.args, run.workers), PlainWorkload.layer(run), { check: true, maxSimTimeMs }))

/** Output tokens that the engine will produce at most: the TensorRT-LLM style cuts them to what the pool can hold. */
const producible = ({ args }: RandomRun, { outputTokens, promptTokens }: RequestRecord): number =>
  args.engineType === "trtllm"
    ? Math.min(outputTokens, args.numGpuBlocks * args.blockTokens - promptTokens)
    : outputTokens

const fits = ({ args }: RandomRun, { outputTokens, promptTokens }: RequestRecord): boolean => {
  const capacityTokens = args.numGpuBlocks * args.blockTokens
  return args.engineType === "trtllm" ? promptTokens < capacityTokens : promptTokens + outputTokens <= capacityTokens
}

/** Whether the run may end in an error, and in which. */
const mayFail = ({ args, rows }: RandomRun, reason: string): boolean =>
  reason === "stalled"
    ? args.preemptionMode === "fifo" && args.engineType === "vllm"
    : reason === "dead-end"
      && !args.enableChunkedPrefill
      && rows.some(({ promptTokens }) => promptTokens > args.maxNumBatchedTokens)

const checkRecords = (run: RandomRun, { records, summary }: Outcome): void => {
  assert.deepStrictEqual(
    records.map(({ id }) => id).toSorted((a, b) => a - b),
    run.rows.map((_, id) => id)
  )
  assert.strictEqual(summary.arrivedRequests, run.rows.length)
  assert.strictEqual(summary.ended, "drained")
  for (const record of records) {
    assert.strictEqual(record.status, fits(run, record) ? "completed" : "rejected", `request ${record.id}`)
    assert.strictEqual(
      record.emittedTokens,
      record.status === "completed" ? producible(run, record) : 0,
      `request ${record.id}`
    )
    assert.isAtLeast(record.reusedTokens, record.firstAdmissionReusedTokens)
    assert.isAtMost(record.reusedTokens, run.args.enablePrefixCaching ? record.promptTokens : 0)
    if (record.status === "completed") assert.isAtMost(record.lastTokenMs, summary.endMs)
  }
}

/** Every token but a request's first has a gap, and the gaps of a request add up to the time between its first and last. */
const checkGaps = ({ gaps, records }: Outcome): void => {
  let tokens = 0
  let gapsMs = 0
  for (const batch of gaps) {
    batch.counts.forEach((count, pair) => {
      tokens += count
      gapsMs += count * batch.gapsMs[pair]!
      assert.isAtLeast(batch.gapsMs[pair]!, 0)
    })
  }
  const emitted = records.filter(({ emittedTokens }) => emittedTokens > 0)
  const spans = emitted.reduce((sum, { firstTokenMs, lastTokenMs }) => sum + lastTokenMs - firstTokenMs, 0)
  assert.strictEqual(
    tokens,
    emitted.reduce((sum, { emittedTokens }) => sum + emittedTokens - 1, 0)
  )
  assert.approximately(gapsMs, spans, 1e-6 + 1e-9 * spans)
}

describe("in any run", () => {
  it.effect.prop(
    "requests, tokens, gaps and KV blocks are conserved, and it comes to an end",
    [randomRun],
    ([run]) =>
      Effect.gen(function* () {
        const result = yield* started(run)
        if (Result.isSuccess(result)) {
          checkRecords(run, result.success)
          checkGaps(result.success)
          return
        }
        const error = result.failure
        assert(error._tag === "ReplayError")
        assert.isTrue(mayFail(run, error.reason), error.message)
      }),
    runs
  )

  it.effect.prop(
    "the same inputs give the same results",
    [randomRun],
    ([run]) =>
      Effect.gen(function* () {
        const first = yield* started(run)
        const second = yield* started(run)
        if (Result.isFailure(first) || Result.isFailure(second)) {
          assert(Result.isFailure(first) && Result.isFailure(second))
          assert.strictEqual(first.failure.message, second.failure.message)
          return
        }
        assert.deepStrictEqual(first.success.records, second.success.records)
        assert.deepStrictEqual(first.success.gaps, second.success.gaps)
        assert.strictEqual(first.success.summary.endMs, second.success.summary.endMs)
      }),
    { arbitrary: { runs: 60, size: 40 } }
  )

  it.effect.prop(
    "recycling block identities at every opportunity changes nothing",
    [randomRun],
    ([run]) =>
      Effect.gen(function* () {
        const kept = yield* started(run)
        const recycled = yield* Effect.result(
          replay(topology(run.args, run.workers), PlainWorkload.layer({ ...run, recyclesAlways: true }), {
            check: true
          })
        )
        if (Result.isFailure(kept) || Result.isFailure(recycled)) {
          assert.strictEqual(Result.isFailure(kept), Result.isFailure(recycled))
          return
        }
        assert.deepStrictEqual(recycled.success.records, kept.success.records)
        assert.deepStrictEqual(recycled.success.gaps, kept.success.gaps)
      }),
    runs
  )

  it.effect.prop(
    "a time limit cuts off, but loses nobody",
    [randomRun],
    ([run]) =>
      Effect.gen(function* () {
        const result = yield* started(run, run.limitMs)
        if (Result.isFailure(result)) return
        const { records, summary } = result.success
        assert.strictEqual(records.length, summary.arrivedRequests)
        assert.strictEqual(new Set(records.map(({ id }) => id)).size, records.length)
        checkGaps(result.success)
      }),
    runs
  )

  // In a closed loop a pass that takes no time (a rejection) lets the next pass start before or after the next arrival.
  it.effect.prop(
    "one worker behind a router is one worker alone, in an open loop",
    [randomRun],
    ([{ concurrency: _, ...run }]) =>
      Effect.gen(function* () {
        const workload = PlainWorkload.layer(run)
        const alone = yield* Effect.result(replay(topology(run.args), workload, { check: true }))
        const routed = yield* Effect.result(replay(multiTopology(run.args, 1), workload, { check: true }))
        if (Result.isFailure(alone) || Result.isFailure(routed)) {
          assert.strictEqual(Result.isFailure(alone), Result.isFailure(routed))
          return
        }
        assert.deepStrictEqual(alone.success.records, routed.success.records)
      }),
    runs
  )
})

describe("in any disaggregated run", () => {
  const split = ({ workers, ...run }: RandomRun, maxSimTimeMs = Number.POSITIVE_INFINITY) => {
    const pools = disaggregatedTopology(
      { ...run.args, engineType: "vllm" },
      { prefillWorkers: workers, decodeWorkers: 2 }
    )
    return Effect.result(replay(pools, PlainWorkload.layer(run), { check: true, maxSimTimeMs }))
  }

  it.effect.prop(
    "requests, tokens, gaps and KV blocks are conserved",
    [randomRun],
    ([run]) =>
      Effect.gen(function* () {
        const result = yield* split(run)
        if (Result.isFailure(result)) {
          const error = result.failure
          assert(error._tag === "ReplayError")
          assert.isTrue(mayFail({ ...run, args: { ...run.args, engineType: "vllm" } }, error.reason), error.message)
          return
        }
        const { records } = result.success
        assert.deepStrictEqual(
          records.map(({ id }) => id).toSorted((a, b) => a - b),
          run.rows.map((_, id) => id)
        )
        for (const { emittedTokens, outputTokens, status } of records) {
          assert.strictEqual(emittedTokens, status === "completed" ? outputTokens : 0)
        }
        checkGaps(result.success)
      }),
    runs
  )

  it.effect.prop(
    "a time limit cuts off, but loses nobody",
    [randomRun],
    ([run]) =>
      Effect.gen(function* () {
        const result = yield* split(run, run.limitMs)
        if (Result.isFailure(result)) return
        const { records, summary } = result.success
        assert.strictEqual(records.length, summary.arrivedRequests)
        assert.strictEqual(new Set(records.map(({ id }) => id)).size, records.length)
        checkGaps(result.success)
      }),
    runs
  )
})
