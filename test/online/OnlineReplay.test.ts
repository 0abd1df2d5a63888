/** The online program in virtual time gives the offline result: same tokens, same reuse, same workers, same times. */
import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import type { Router } from "../../src/router/Router.ts"
import * as KvRouter from "../../src/router/kv/KvRouter.ts"
import { defaultKvRouterOptions } from "../../src/router/kv/KvRouterOptions.ts"
import type { SettingsError } from "../../src/settings/SettingsError.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import type { TraceError } from "../../src/trace/TraceError.ts"
import { openAgenticMooncake, openMooncake, openMooncakeDelta, type TraceSource } from "../../src/trace/TraceSource.ts"
import { Workload } from "../../src/workload/Workload.ts"
import { make } from "../../src/engine/EngineArgs.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import { layer as plainWorkload } from "../support/PlainWorkload.ts"
import { row } from "../support/RequestBuilder.ts"
import { assertSameRun, engineOf, type Setup, virtual } from "./OnlineRuns.ts"

const kvRouter = KvRouter.layer(defaultKvRouterOptions)
const routers: Readonly<Record<string, Layer.Layer<Router, SettingsError>>> = {
  round_robin: RoundRobin.layer,
  kv_router: kvRouter
}

/** A trace with its rows in memory: real reading would not hold virtual time back. */
const inMemory = (
  opened: Effect.Effect<TraceSource, TraceError, FileSystem.FileSystem | Stdio.Stdio | Scope.Scope>,
  rows = Number.POSITIVE_INFINITY
) =>
  Effect.gen(function* () {
    const source = yield* opened
    const all = yield* Stream.runCollect(Stream.take(source.rows, rows))
    return { ...source, rows: Stream.fromIterable(all, { chunkSize: 64 }) }
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

const mooncake = (file: string, rows?: number) => inMemory(openMooncake({ file, traceBlockTokens: 512 }), rows)

/** The first requests of the conversation trace, read once for all. */
const conversation = Effect.runSync(Effect.cached(mooncake("traces/conversation_trace.jsonl", 80)))

/** A trace of these rows, opened from a file. */
const writtenTrace = (rows: ReadonlyArray<object>, open: (file: string) => Parameters<typeof inMemory>[0]) =>
  inMemory(
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const file = yield* files.makeTempFileScoped({ suffix: ".jsonl" })
      yield* Effect.orDie(files.writeFileString(file, rows.map((row) => JSON.stringify(row)).join("\n")))
      return yield* open(file)
    }).pipe(Effect.catchTag("PlatformError", Effect.die))
  )

const engines = {
  vllm: engineArgs(),
  "vllm under pressure": engineArgs({ numGpuBlocks: 1200 }),
  "vllm with bursts": engineArgs({ mtp: { acceptRates: [0.7, 0.4], seed: 3n } }),
  "a vLLM profile": make({ engineProfile: "vllm-0.33", blockTokens: 64 }),
  "a vLLM profile under pressure": make({
    engineProfile: "vllm-0.17",
    blockTokens: 64,
    numGpuBlocks: 2000,
    maxNumBatchedTokens: 4096
  }),
  trtllm: engineArgs({ engineType: "trtllm", numGpuBlocks: 1500 }),
  sglang: engineArgs({ engineType: "sglang" })
} as const

describe("online in virtual time", () => {
  for (const [engineName, args] of Object.entries(engines)) {
    for (const [routerName, router] of Object.entries(routers)) {
      it.effect(`replays a trace like offline: ${engineName}, ${routerName}`, () =>
        Effect.gen(function* () {
          const trace = yield* conversation
          const setup: Setup = {
            engine: engineOf(args),
            router,
            workload: Workload.layerOpenLoop({ trace, arrivalSpeedup: 2 }),
            workers: 3
          }
          const { records } = yield* assertSameRun(setup)
          assert.strictEqual(records.length, 80)
        })
      )
    }
  }

  it.effect("keeps a number of requests in flight like offline", () =>
    Effect.gen(function* () {
      const workload = Workload.layerSynthetic({
        inputTokens: 700,
        outputTokens: 40,
        requestCount: 120,
        blockTokens: 64,
        concurrency: 17
      })
      const { records } = yield* assertSameRun({
        engine: engineOf(engineArgs()),
        router: RoundRobin.layer,
        workload,
        workers: 4
      })
      assert.strictEqual(records.length, 120)
    })
  )

  it.effect("holds turns back for their session like offline, in both loops", () =>
    Effect.gen(function* () {
      const trace = yield* mooncake("traces/multi_turn_sample.jsonl")
      for (const workload of [Workload.layerOpenLoop({ trace }), Workload.layerClosedLoop({ trace, concurrency: 2 })]) {
        yield* assertSameRun({ engine: engineOf(engineArgs()), router: kvRouter, workload, workers: 2 })
      }
    })
  )

  it.effect("makes sessions up like offline", () =>
    Effect.gen(function* () {
      for (const concurrency of [undefined, 5]) {
        const workload = Workload.layerSynthetic({
          inputTokens: 512,
          outputTokens: 30,
          requestCount: 20,
          blockTokens: 64,
          turnsPerSession: 3,
          sharedPrefixRatio: 0.5,
          prefixGroups: 2,
          interTurnDelayMs: 25,
          ...(concurrency === undefined ? {} : { concurrency })
        })
        const { records } = yield* assertSameRun({
          engine: engineOf(engineArgs()),
          router: kvRouter,
          workload,
          workers: 3
        })
        assert.strictEqual(records.length, 60)
      }
    })
  )

  it.effect("follows a graph of requests, and prompts that accumulate, like offline", () =>
    Effect.gen(function* () {
      const graph = Array.from({ length: 40 }, (_, index) => ({
        request_id: `r${index}`,
        timestamp: index < 8 ? index * 13 : undefined,
        wait_for: index < 8 ? undefined : [`r${index - 8}`, ...(index % 5 === 0 ? [`r${index - 3}`] : [])],
        delay: index % 7,
        input_length: 600 + 37 * index,
        output_length: 5 + (index % 20),
        hash_ids: Array.from({ length: Math.ceil((600 + 37 * index) / 512) }, (_, block) =>
          block === 0 ? index % 4 : 100 * index + block
        )
      }))
      const agentic = yield* writtenTrace(graph, (file) => openAgenticMooncake({ file, traceBlockTokens: 512 }))
      const turns = Array.from({ length: 30 }, (_, index) => ({
        session_id: `s${index % 6}`,
        timestamp: 20 * index,
        input_length: 512,
        output_length: 3 + (index % 9),
        hash_ids: [index]
      }))
      const delta = yield* writtenTrace(turns, (file) => openMooncakeDelta({ file, traceBlockTokens: 512 }))
      for (const trace of [agentic, delta]) {
        const workload = Workload.layerOpenLoop({ trace })
        const { records } = yield* assertSameRun({
          engine: engineOf(engineArgs()),
          router: kvRouter,
          workload,
          workers: 3
        })
        assert.isAtLeast(records.length, 30)
        assert.isTrue(records.every(({ status }) => status === "completed"))
      }
    })
  )

  it.effect("lets the kv router work with one worker", () =>
    Effect.gen(function* () {
      const workload = plainWorkload({
        rows: Array.from({ length: 9 }, (_, index) =>
          row({ timestampMs: 400 * index, promptTokens: 1000, outputTokens: 5, hashIds: [index % 3, 7] }, index + 1)
        ),
        traceBlockTokens: 512
      })
      const { records } = yield* virtual({ engine: engineOf(engineArgs()), router: kvRouter, workload, workers: 1 })
      assert.deepStrictEqual(
        records.map(({ routeOverlapTokens }) => routeOverlapTokens),
        [0, 0, 0, 960, 960, 960, 960, 960, 960]
      )
      assert.deepStrictEqual(
        records.map(({ reusedTokens }) => reusedTokens),
        [0, 0, 0, 960, 960, 960, 960, 960, 960]
      )
    })
  )

  const Rows = Schema.Array(
    Schema.Struct({
      waitMs: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 })),
      promptTokens: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 300 })),
      outputTokens: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 25 })),
      content: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))
    })
  ).check(Schema.isMaxLength(24))

  it.effect.prop(
    "equals offline for any rows, workers and concurrency",
    [
      Rows,
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 })),
      Schema.Literals(["vllm", "trtllm", "sglang"]),
      Schema.Literals(["round_robin", "kv_router"]),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })),
      Schema.Literals(["usual", "instant", "tight"])
    ],
    ([specs, workers, engineType, router, concurrency, pace]) => {
      let timestampMs = 0
      const rows = specs.map(({ content, outputTokens, promptTokens, waitMs }, index) => {
        timestampMs += waitMs
        const hashIds = Array.from({ length: Math.ceil(promptTokens / 16) }, (_, id) => 100 * content + id)
        return row({ timestampMs, promptTokens, outputTokens, hashIds }, index + 1)
      })
      // One worker behind a kv router exists online only, but the loop is the same.
      return assertSameRun({
        engine: engineOf(
          engineArgs({
            engineType,
            blockTokens: 16,
            // Prompts of more than 192 tokens never fit.
            numGpuBlocks: pace === "tight" && engineType !== "sglang" ? 12 : 64,
            maxNumBatchedTokens: 128,
            maxNumSeqs: 8,
            ...(pace === "instant" ? { speedupRatio: 1e12 } : {})
          })
        ),
        router: routers[router]!,
        workload: plainWorkload({
          rows,
          traceBlockTokens: 16,
          concurrency: concurrency === 0 ? undefined : concurrency,
          chunkRows: 3
        }),
        workers
      })
    },
    { arbitrary: { runs: 120, seed: 1 } }
  )
})
