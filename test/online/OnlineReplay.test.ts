/** The online program in virtual time gives the offline result: same tokens, same reuse, same workers, same times. */
import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Router } from "../../src/router/Router.ts"
import * as KvRouter from "../../src/router/kv/KvRouter.ts"
import { defaultKvRouterOptions } from "../../src/router/kv/KvRouterOptions.ts"
import { openMooncake } from "../../src/trace/TraceSource.ts"
import { Workload } from "../../src/workload/Workload.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import { layer as plainWorkload } from "../support/PlainWorkload.ts"
import { row } from "../support/RequestBuilder.ts"
import { assertSameRun, engineOf, type Setup, virtual } from "./OnlineRuns.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"

const kvRouter = KvRouter.layer(defaultKvRouterOptions)
const routers: Readonly<Record<string, Layer.Layer<Router>>> = { round_robin: RoundRobin.layer, kv_router: kvRouter }

/** A trace file as rows in memory: real reading would not hold virtual time back. */
const inMemory = (file: string, rows?: number) =>
  Effect.gen(function*() {
    const source = yield* openMooncake({ file, traceBlockTokens: 512 })
    const all = yield* Stream.runCollect(rows === undefined ? source.rows : Stream.take(source.rows, rows))
    return { ...source, rows: Stream.fromIterable(all, { chunkSize: 64 }) }
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

const engines = {
  vllm: engineArgs(),
  "vllm under pressure": engineArgs({ numGpuBlocks: 1200 }),
  "vllm with bursts": engineArgs({ mtp: { acceptRates: [0.7, 0.4], seed: 3n } }),
  trtllm: engineArgs({ engineType: "trtllm", numGpuBlocks: 1500 }),
  sglang: engineArgs({ engineType: "sglang" })
} as const

describe("online in virtual time", () => {
  for (const [engineName, args] of Object.entries(engines)) {
    for (const [routerName, router] of Object.entries(routers)) {
      it.effect(`replays a trace like offline: ${engineName}, ${routerName}`, () =>
        Effect.gen(function*() {
          const trace = yield* inMemory("traces/conversation_trace.jsonl", 80)
          const setup: Setup = { engine: engineOf(args), router, workload: Workload.layerOpenLoop({ trace, arrivalSpeedup: 2 }), workers: 3 }
          const { records } = yield* assertSameRun(setup)
          assert.strictEqual(records.length, 80)
        }))
    }
  }

  it.effect("keeps a number of requests in flight like offline", () =>
    Effect.gen(function*() {
      const workload = Workload.layerSynthetic({
        inputTokens: 700, outputTokens: 40, requestCount: 120, blockTokens: 64, concurrency: 17
      })
      const { records } = yield* assertSameRun({ engine: engineOf(engineArgs()), router: RoundRobin.layer, workload, workers: 4 })
      assert.strictEqual(records.length, 120)
    }))

  it.effect("holds turns back for their session like offline, in both loops", () =>
    Effect.gen(function*() {
      const trace = yield* inMemory("traces/multi_turn_sample.jsonl")
      for (const workload of [Workload.layerOpenLoop({ trace }), Workload.layerClosedLoop({ trace, concurrency: 2 })]) {
        yield* assertSameRun({ engine: engineOf(engineArgs()), router: kvRouter, workload, workers: 2 })
      }
    }))

  it.effect("makes sessions up like offline", () =>
    Effect.gen(function*() {
      for (const concurrency of [undefined, 5]) {
        const workload = Workload.layerSynthetic({
          inputTokens: 512, outputTokens: 30, requestCount: 20, blockTokens: 64, turnsPerSession: 3, sharedPrefixRatio: 0.5,
          prefixGroups: 2, interTurnDelayMs: 25, ...(concurrency === undefined ? {} : { concurrency })
        })
        const { records } = yield* assertSameRun({ engine: engineOf(engineArgs()), router: kvRouter, workload, workers: 3 })
        assert.strictEqual(records.length, 60)
      }
    }))

  it.effect("lets the kv router work with one worker", () =>
    Effect.gen(function*() {
      const workload = plainWorkload({
        rows: Array.from({ length: 9 }, (_, index) =>
          row({ timestampMs: 400 * index, promptTokens: 1000, outputTokens: 5, hashIds: [index % 3, 7] }, index + 1)),
        traceBlockTokens: 512
      })
      const { records } = yield* virtual({ engine: engineOf(engineArgs()), router: kvRouter, workload, workers: 1 })
      assert.deepStrictEqual(records.map(({ routeOverlapTokens }) => routeOverlapTokens), [0, 0, 0, 960, 960, 960, 960, 960, 960])
      assert.deepStrictEqual(records.map(({ reusedTokens }) => reusedTokens), [0, 0, 0, 960, 960, 960, 960, 960, 960])
    }))

  const Rows = Schema.Array(Schema.Struct({
    waitMs: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 })),
    promptTokens: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 300 })),
    outputTokens: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 25 })),
    content: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))
  })).check(Schema.isMaxLength(24))

  it.effect.prop("equals offline for any rows, workers and concurrency", [
    Rows,
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 })),
    Schema.Literals(["vllm", "trtllm", "sglang"]),
    Schema.Literals(["round_robin", "kv_router"]),
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 }))
  ], ([specs, workers, engineType, router, concurrency]) => {
    let timestampMs = 0
    const rows = specs.map(({ content, outputTokens, promptTokens, waitMs }, index) => {
      timestampMs += waitMs
      const hashIds = Array.from({ length: Math.ceil(promptTokens / 16) }, (_, id) => 100 * content + id)
      return row({ timestampMs, promptTokens, outputTokens, hashIds }, index + 1)
    })
    // One worker behind a kv router exists online only, but the loop is the same.
    return assertSameRun({
      engine: engineOf(engineArgs({ engineType, blockTokens: 16, numGpuBlocks: 64, maxNumBatchedTokens: 128, maxNumSeqs: 8 })),
      router: routers[router]!,
      workload: plainWorkload({
        rows, traceBlockTokens: 16, concurrency: concurrency === 0 ? undefined : concurrency, chunkRows: 3
      }),
      workers
    })
  }, { arbitrary: { runs: 120, seed: 1 } })
})
