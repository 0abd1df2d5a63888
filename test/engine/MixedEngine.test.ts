/** Different workers in one pool: who is who, what they must have in common, what they cost, and who is added. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Autoscaler from "../../src/autoscaler/Autoscaler.ts"
import { mixProblem } from "../../src/engine/MixedEngine.ts"
import * as MixedEngine from "../../src/engine/MixedEngine.ts"
import * as VllmEngine from "../../src/engine/vllm/VllmEngine.ts"
import { SeriesProbe } from "../../src/observe/SeriesProbe.ts"
import * as KvRouter from "../../src/router/kv/KvRouter.ts"
import { defaultKvRouterOptions } from "../../src/router/kv/KvRouterOptions.ts"
import { RouterQueue } from "../../src/router/kv/RouterQueue.ts"
import { singleClassProfile } from "../../src/router/kv/PolicyProfile.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import * as Topology from "../../src/simulation/Topology.ts"
import * as PolynomialTiming from "../../src/timing/PolynomialTiming.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import * as PlainWorkload from "../support/PlainWorkload.ts"
import { replay } from "../support/Replays.ts"
import { request, row } from "../support/RequestBuilder.ts"

const large = engineArgs({ numGpuBlocks: 512, blockTokens: 16 })
const small = engineArgs({ numGpuBlocks: 64, blockTokens: 16, startupTimeS: 0.5, gpusPerWorker: 4 })

const mixed = MixedEngine.layer(
  { name: "large", workers: 1, engine: VllmEngine.layer(large) },
  { name: "small", workers: 2, engine: VllmEngine.layer(small) }
).pipe(Layer.provide(PolynomialTiming.layer))

const pools = (workers = 3) =>
  Topology.layerMulti({ workers }).pipe(Layer.provide(Layer.merge(mixed, RoundRobin.layer)))

const workload = PlainWorkload.layer({
  rows: Array.from({ length: 30 }, (_, index) =>
    row({ timestampMs: index * 100, promptTokens: 64, outputTokens: 20, hashIds: [index] }, index + 1)
  ),
  traceBlockTokens: 64,
  concurrency: undefined,
  chunkRows: 100
})

describe("a pool of different workers", () => {
  it.effect("runs each worker as its group says, and tells what each group cost", () =>
    Effect.gen(function* () {
      const series = new SeriesProbe(1000)
      const { summary } = yield* replay(pools(), workload, { check: true, probes: [series] })
      const rows = series.take().filter(({ scope, startMs }) => scope === "worker" && startMs === 0)
      assert.deepStrictEqual(
        rows.map(({ activeBlocks, cachedBlocks, freeBlocks, group }) => [
          group,
          activeBlocks + cachedBlocks + freeBlocks
        ]),
        [
          ["large", 512],
          ["small", 64],
          ["small", 64]
        ]
      )
      const seconds = summary.endMs / 1000
      const groups = summary.workerGroups ?? []
      assert.deepStrictEqual(
        groups.map(({ gpusPerWorker, group, pool, workers }) => [pool, group, workers, gpusPerWorker]),
        [
          ["aggregated", "large", 1, 1],
          ["aggregated", "small", 2, 4]
        ]
      )
      assert.closeTo(groups[0]!.workerSeconds, seconds, 1e-9)
      assert.closeTo(groups[1]!.workerSeconds, 2 * seconds, 1e-9)
      // A third of the time on one GPU, two thirds on four.
      assert.closeTo(summary.gpusPerWorker.decode, 3, 1e-9)
    })
  )

  it.effect("grows and shrinks at its end, in workers of the last group", () =>
    Effect.gen(function* () {
      const gpus: Array<number> = []
      const targets = [4, 4, 2, 1, 3]
      const script = Autoscaler.layer("script", ([pool]) => {
        assert.deepStrictEqual([pool!.gpus, pool!.gpusPerWorker, pool!.kvTokens], [9, 4, 1024])
        let tick = 0
        return {
          firstTickMs: 100,
          decide: ({ nowMs, pools: [size] }) =>
            Effect.sync(() => {
              gpus.push(size!.gpus)
              const target = targets[tick++]
              return {
                targets: target === undefined ? {} : { aggregated: target },
                nextTickMs: target === undefined ? undefined : nowMs + 300
              }
            })
        }
      })
      const joined: Array<readonly [index: number, group: string | undefined, nowMs: number]> = []
      yield* replay(pools(), workload, {
        check: true,
        probes: [{ joined: ({ group, workerIndex }, nowMs) => void joined.push([workerIndex, group, nowMs]) }]
      }).pipe(Effect.provide(script, { local: true }))
      assert.deepStrictEqual(gpus, [9, 13, 13, 5, 1, 9])
      // The large ones start at once, these in half a second.
      assert.deepStrictEqual(joined, [
        [3, "small", 600],
        [4, "small", 1800],
        [5, "small", 1800]
      ])
    })
  )

  it.effect("works behind the KV router, whose thresholds are those of each worker", () =>
    Effect.gen(function* () {
      const router = KvRouter.layer({ ...defaultKvRouterOptions, routerQueueThreshold: 1 })
      const topology = Topology.layerMulti({ workers: 3 }).pipe(Layer.provide(Layer.merge(mixed, router)))
      const { records } = yield* replay(topology, workload, { check: true })
      assert.isTrue(records.every(({ status }) => status === "completed"))
      const load = Float64Array.of(150, 150)
      const capacityOf = (worker: number) => ({ maxNumBatchedTokens: worker === 0 ? 100 : 200, kvBlocks: 1 })
      const queue = new RouterQueue(singleClassProfile("fcfs", 1), 100, load, capacityOf)
      const one = request({ promptTokens: 1, outputTokens: 1, blocks: [] })
      assert.isFalse(queue.park(one, Int32Array.of(0, 0), 0, 0), "the second one may still take it")
      load[1] = 201
      assert.isTrue(queue.park(one, Int32Array.of(0, 0), 0, 0))
    })
  )

  it("must agree on what routers and partners take for granted", () => {
    assert.isUndefined(mixProblem([large, small]))
    const problem = mixProblem([large, small, { ...small, blockTokens: 32 }])
    assert.strictEqual(problem?.message, "2.block_size: must be the same for all workers of a pool, got 16 and 32")
  })

  it("has one disk for all that share one", () => {
    const written = { kvBytesPerToken: 100, numG2Blocks: 10, offloadPolicy: "write_through" } as const
    const [one, other] = [
      { ...large, ...written, numG3Blocks: 5 },
      { ...small, ...written, numG3Blocks: 6 }
    ]
    assert.match(mixProblem([small, one, other])?.message ?? "", /^2.num_g3_blocks: must be the same for all workers/)
    assert.isUndefined(mixProblem([small, one, { ...other, numG3Blocks: 5 }]))
    assert.isUndefined(mixProblem([one, { ...other, g3Scope: "worker" as const }]))
  })

  it.effect("has as many workers as its groups", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.provide(Topology.Topology, pools(5)))
      assert.strictEqual(error.message, "workers: must be those of the engine's groups, 3, got 5")
    })
  )
})
