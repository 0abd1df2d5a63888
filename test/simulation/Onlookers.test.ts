/**
 * Requests in steady decode are not looked at one by one, and passes in which nothing happens are computed ahead of time, unless somebody
 * watches tokens or passes: results are the same.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type { EngineArgs } from "../../src/engine/EngineArgs.ts"
import type { OffloadPolicy } from "../../src/engine/tiers/TierArgs.ts"
import { defaultKvRouterOptions, type KvRouterOptions } from "../../src/router/kv/KvRouterOptions.ts"
import * as KvRouter from "../../src/router/kv/KvRouter.ts"
import type { RunProbe } from "../../src/simulation/RunProbe.ts"
import type { Topology } from "../../src/simulation/Topology.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import { row, type RowSpec } from "../support/RequestBuilder.ts"
import * as PlainWorkload from "../support/PlainWorkload.ts"
import { disaggregatedTopology, gapCounts, multiTopology, replay, topology } from "../support/Replays.ts"
import { type RandomRun, randomRun, sglangArgs, tiered } from "./RandomRun.ts"

const runs = { arbitrary: { runs: 80, size: 40 } }

/** Watches every token: everybody is served one by one. */
const everyToken = (): { readonly probe: RunProbe; readonly tokens: () => number } => {
  let tokens = 0
  const emitted = (_request: unknown, count: number): void => void (tokens += count)
  return { probe: { worker: () => ({ emitted }) }, tokens: () => tokens }
}

/** Sees that something happens, but no single token. */
const everyPass: RunProbe = { pass: () => {} }

/** Copies last for some passes, and room is short: whether the end of one is noticed matters. */
const slowlyCopied = (run: RandomRun, policy: OffloadPolicy): EngineArgs => ({
  ...tiered(run, policy),
  mtp: undefined,
  enablePrefixCaching: true,
  enableChunkedPrefill: true,
  speedupRatio: 1,
  numG2Blocks: 200,
  numG3Blocks: 0,
  enableG4Storage: false,
  deviceToHostGbS: 0.05,
  hostToDeviceGbS: 0.05
})

/** Evicted blocks are copied at once, within a pass, or for some passes. */
const copiedWhenEvicted = (run: RandomRun): EngineArgs => ({
  ...slowlyCopied(run, "on_evict"),
  deviceToHostGbS: [0, 0.05, 2][run.rows.length % 3]!
})

const assertSame = (run: RandomRun, pools: Layer.Layer<Topology>, maxSimTimeMs = Number.POSITIVE_INFINITY) =>
  Effect.gen(function* () {
    const watch = everyToken()
    const started = (probes: ReadonlyArray<RunProbe>) =>
      Effect.result(replay(pools, PlainWorkload.layer(run), { probes, maxSimTimeMs }))
    const watched = yield* started([watch.probe])
    for (const unwatched of [yield* started([]), yield* started([everyPass])]) {
      if (Result.isFailure(watched) || Result.isFailure(unwatched)) {
        assert(Result.isFailure(watched) && Result.isFailure(unwatched))
        assert.strictEqual(unwatched.failure.message, watched.failure.message)
        continue
      }
      assert.deepStrictEqual(unwatched.success.records, watched.success.records)
      assert.deepStrictEqual(gapCounts(unwatched.success), gapCounts(watched.success))
      assert.strictEqual(unwatched.success.summary.endMs, watched.success.summary.endMs)
      assert.deepStrictEqual(unwatched.success.summary.workerSeconds, watched.success.summary.workerSeconds)
      assert.deepStrictEqual(unwatched.success.summary.tiers, watched.success.summary.tiers)
    }
    const records = Result.isSuccess(watched) ? watched.success.records : []
    const emitted = records.reduce((sum, { emittedTokens }) => sum + emittedTokens, 0)
    assert.isAtLeast(watch.tokens(), emitted)
  })

interface Decision {
  readonly nowMs: number
  readonly request: number
  readonly costs: ReadonlyArray<number>
}

/** What a KV router sees when it decides: the costs of all workers, and so what it believes each of them to have cached. */
const routed = (
  load: ReturnType<typeof PlainWorkload.layer>,
  args: EngineArgs,
  workers: number,
  probes: ReadonlyArray<RunProbe>,
  options: Partial<KvRouterOptions> = {},
  script: ReadonlyArray<number> = []
) =>
  Effect.gen(function* () {
    const decisions: Array<Decision> = []
    const router = KvRouter.layer({ ...defaultKvRouterOptions, ...options }, ({ costs, nowMs, request }) => {
      decisions.push({ nowMs, request: request.id, costs })
      return script[request.id]
    })
    const outcome = yield* Effect.result(replay(multiTopology(args, workers, router), load, { probes }))
    return { decisions, outcome: Result.isFailure(outcome) ? outcome.failure.message : outcome.success.records }
  })

describe("whoever looks on", () => {
  it.effect.prop(
    "sees what happens without",
    [randomRun],
    ([run]) => assertSame(run, topology(run.args, run.workers)),
    runs
  )

  it.effect.prop(
    "sees what happens without, up to a limit of time",
    [randomRun],
    ([run]) => assertSame(run, topology(run.args, run.workers), run.limitMs),
    runs
  )

  it.effect.prop(
    "routes as without, though evicted blocks are told when it is asked",
    [randomRun],
    ([run]) =>
      Effect.gen(function* () {
        const kvEventsAt = run.rows.length % 3 === 0 ? "pass_end" : "pass_start"
        const options = { routerQueueThreshold: run.rows.length % 2 === 0 ? 0.5 : null }
        const plain = { ...run.args, kvEventsAt, mtp: undefined } as const
        for (const args of [plain, { ...copiedWhenEvicted(run), kvEventsAt } as const, sglangArgs(run)]) {
          const seenBy = (...probes: ReadonlyArray<RunProbe>) =>
            routed(PlainWorkload.layer(run), args, 1 + run.workers, probes, options)
          assert.deepStrictEqual(yield* seenBy(), yield* seenBy(everyPass))
        }
      }),
    runs
  )

  it.effect("routes as without at the very instant at which a pass evicts a block", () =>
    Effect.gen(function* () {
      const args = engineArgs({ blockTokens: 4, numGpuBlocks: 6 })
      const rowOf = (promptTokens: number, outputTokens: number, firstId: number): RowSpec => ({
        timestampMs: 0,
        promptTokens,
        outputTokens,
        hashIds: Array.from({ length: promptTokens / 4 }, (_, index) => firstId + index)
      })
      const cached = 100
      // Two workers in step. When the first one is done with its four tokens, the second one's fifth evicts the last cached block.
      const rows = [rowOf(8, 2, cached), rowOf(8, 2, 200), rowOf(12, 4, 300), rowOf(12, 10, 400)]
      const workers = [1, 0, 0, 1]
      const tooLong = rowOf(80, 2, 500)
      const last = rowOf(8, 2, cached)
      // What is refused takes no time, but gives everybody their turn at that instant.
      const seenBy = (between: ReadonlyArray<RowSpec>, probes: ReadonlyArray<RunProbe>) => {
        const all = [...rows, ...between, last].map((each, index) => row(each, index + 1))
        const load = PlainWorkload.layer({ rows: all, traceBlockTokens: 4, concurrency: 2 })
        return routed(load, args, 2, probes, {}, [...workers, ...between.map(() => 0), 0])
      }
      const before = yield* seenBy([], [])
      assert.deepStrictEqual(before, yield* seenBy([], [everyPass]))
      const after = yield* seenBy([tooLong], [])
      assert.deepStrictEqual(after, yield* seenBy([tooLong], [everyPass]))
      const [sees, misses] = [before, after].map(({ decisions }) => decisions.at(-1)!)
      assert.strictEqual(sees!.nowMs, misses!.nowMs)
      assert.strictEqual(sees!.costs[1]! + 1, misses!.costs[1])
    })
  )

  it.effect.prop(
    "sees what happens without, on SGLang-style workers",
    [randomRun],
    ([run]) => assertSame(run, topology(sglangArgs(run), run.workers)),
    runs
  )

  it.effect.prop(
    "sees what happens without, between pools of SGLang-style workers",
    [randomRun],
    ([run]) =>
      assertSame(run, disaggregatedTopology(sglangArgs(run), { prefillWorkers: run.workers, decodeWorkers: 2 })),
    runs
  )

  it.effect.prop(
    "sees what happens without, where blocks are copied when they are evicted",
    [randomRun],
    ([run]) => assertSame(run, topology(tiered(run, "on_evict"), run.workers)),
    runs
  )

  it.effect("sees in which order requests of two workers end that wait for the end of a copy, at one instant", () => {
    const args = engineArgs({
      numGpuBlocks: 14,
      blockTokens: 8,
      maxNumSeqs: 2,
      maxNumBatchedTokens: 16,
      enablePrefixCaching: false,
      preemptionMode: "fifo",
      speedupRatio: 1e9,
      mtp: { acceptRates: [1], seed: 42n },
      kvBytesPerToken: 131_072,
      numG2Blocks: 1,
      deviceToHostGbS: 0.1,
      offloadBatchSize: 4,
      offloadPolicy: "on_evict"
    })
    const specs: ReadonlyArray<RowSpec> = [
      { timestampMs: 5, promptTokens: 16, outputTokens: 25, hashIds: [0] },
      { timestampMs: 10, promptTokens: 4, outputTokens: 5, hashIds: [0] },
      { timestampMs: 10, promptTokens: 76, outputTokens: 6, hashIds: [0, 0, 2, 0, 2] },
      { timestampMs: 60, promptTokens: 8, outputTokens: 31, hashIds: [2] },
      { timestampMs: 60, promptTokens: 77, outputTokens: 3, hashIds: [0, 2, 1, 1, 2] },
      { timestampMs: 65, promptTokens: 68, outputTokens: 5, hashIds: [1, 1, 1, 1, 0] },
      { timestampMs: 65, promptTokens: 67, outputTokens: 40, hashIds: [0, 2, 2, 2, 2] },
      { timestampMs: 65, promptTokens: 31, outputTokens: 2, hashIds: [2, 0] }
    ]
    const rows = specs.map((spec, index) => row(spec, index + 1))
    const run = { args, rows, workers: 5, traceBlockTokens: 16, concurrency: undefined, chunkRows: 1, limitMs: 1 }
    return assertSame(run, topology(args, run.workers))
  })

  it.effect.prop(
    "sees what happens without, where blocks are copied when they are computed",
    [randomRun],
    ([run]) => {
      const workers = topology(tiered(run, "write_through"), run.workers)
      return Effect.andThen(assertSame(run, workers), assertSame(run, workers, run.limitMs))
    },
    runs
  )

  it.effect.prop(
    "sees what happens without, where pages are copied when they are computed",
    [randomRun],
    ([run]) => {
      const args = sglangArgs({ ...run, args: tiered(run, "write_through") })
      const sizes = { prefillWorkers: run.workers, decodeWorkers: 2 }
      return assertSame(
        run,
        run.rows.length % 3 === 0 ? disaggregatedTopology(args, sizes) : topology(args, run.workers)
      )
    },
    runs
  )

  it.effect.prop(
    "sees what happens without, where copies last",
    [randomRun],
    ([run]) => assertSame(run, topology(slowlyCopied(run, "write_through"), 1 + run.workers)),
    runs
  )

  it.effect.prop(
    "sees what happens without, where copies of evicted blocks last",
    [randomRun],
    ([run]) => {
      const limitMs = run.rows.length % 4 < 2 ? run.limitMs : Number.POSITIVE_INFINITY
      return assertSame(run, topology(copiedWhenEvicted(run), run.workers), limitMs)
    },
    runs
  )

  it.effect.prop(
    "sees what happens without, between pools with KV tiers",
    [randomRun],
    ([run]) => {
      const args = tiered(run, run.rows.length % 2 === 0 ? "on_evict" : "write_through")
      const sizes = { prefillWorkers: run.workers, decodeWorkers: 2 }
      return assertSame(run, disaggregatedTopology({ ...args, engineType: "vllm" }, sizes), run.limitMs)
    },
    runs
  )

  it.effect.prop(
    "sees what happens without, between two pools",
    [randomRun],
    ([{ workers, ...run }]) => {
      const sizes = { prefillWorkers: workers, decodeWorkers: 2 }
      return assertSame({ workers, ...run }, disaggregatedTopology({ ...run.args, engineType: "vllm" }, sizes))
    },
    runs
  )
})
