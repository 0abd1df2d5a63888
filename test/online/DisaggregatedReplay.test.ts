/** The online program in virtual time gives the offline result for disaggregated deployments, hand-off stamps included. */
import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as KvRouter from "../../src/router/kv/KvRouter.ts"
import { defaultKvRouterOptions } from "../../src/router/kv/KvRouterOptions.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import { openMooncake } from "../../src/trace/TraceSource.ts"
import { Workload } from "../../src/workload/Workload.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import { layer as plainWorkload } from "../support/PlainWorkload.ts"
import { row } from "../support/RequestBuilder.ts"
import { assertSame, disaggregated } from "./OnlineRuns.ts"

const routers = {
  round_robin: RoundRobin.layer,
  kv_router: KvRouter.layer(defaultKvRouterOptions),
  // Parks prefills from the first one on.
  queueing: KvRouter.layer({ ...defaultKvRouterOptions, routerQueueThreshold: 0.5 })
} as const
type RouterName = keyof typeof routers

/** Read once for all. */
const conversation = Effect.runSync(
  Effect.cached(
    Effect.gen(function* () {
      const source = yield* openMooncake({ file: "traces/conversation_trace.jsonl", traceBlockTokens: 512 })
      const rows = yield* Stream.runCollect(Stream.take(source.rows, 60))
      return { ...source, rows: Stream.fromIterable(rows, { chunkSize: 16 }) }
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )
)

const link = { kvBytesPerToken: 131_072, kvTransferBandwidthGbS: 20 }

const engines = {
  vllm: { prefill: engineArgs(), decode: engineArgs() },
  "vllm with a link": { prefill: engineArgs(link), decode: engineArgs() },
  "vllm with a tight decode pool": { prefill: engineArgs(link), decode: engineArgs({ numGpuBlocks: 1200 }) },
  sglang: { prefill: engineArgs({ engineType: "sglang" }), decode: engineArgs({ engineType: "sglang" }) },
  "sglang with a link": {
    prefill: engineArgs({ engineType: "sglang", ...link }),
    decode: engineArgs({ engineType: "sglang" })
  }
} as const

const sizes = { prefillWorkers: 2, decodeWorkers: 3 }

describe("a disaggregated run online, in virtual time", () => {
  for (const [engineName, { decode, prefill }] of Object.entries(engines)) {
    for (const [routerName, router] of Object.entries(routers)) {
      it.effect(`equals offline: ${engineName}, ${routerName}`, () =>
        Effect.gen(function* () {
          const trace = yield* conversation
          const workload = Workload.layerOpenLoop({ trace, arrivalSpeedup: 4 })
          const { records } = yield* assertSame(disaggregated(prefill, decode, router, sizes), workload)
          assert.strictEqual(records.length, 60)
          const completed = records.filter(({ status }) => status === "completed")
          assert.isAbove(completed.length, 40)
          assert.isTrue(completed.every(({ handoff }) => handoff !== null && handoff.sourceReleasedMs >= 0))
        })
      )
    }
  }

  it.effect("keeps a number of requests in flight like offline, with turns", () =>
    Effect.gen(function* () {
      const workload = Workload.layerSynthetic({
        inputTokens: 600,
        outputTokens: 30,
        requestCount: 30,
        blockTokens: 64,
        turnsPerSession: 3,
        interTurnDelayMs: 10,
        concurrency: 9
      })
      const wiring = disaggregated(engineArgs(link), engineArgs(), routers.kv_router, sizes)
      const { records } = yield* assertSame(wiring, workload)
      assert.strictEqual(records.length, 90)
    })
  )

  it.effect("rejects what never fits like offline, on either side", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 12 }, (_, index) =>
        row(
          {
            timestampMs: 5 * index,
            promptTokens: index % 3 === 0 ? 900 : 200,
            outputTokens: 4,
            hashIds: [index, 50 + index]
          },
          index + 1
        )
      )
      for (const [prefillBlocks, decodeBlocks] of [
        [10, 40],
        [40, 10]
      ] as const) {
        for (const concurrency of [undefined, 3]) {
          const { records } = yield* assertSame(
            disaggregated(
              engineArgs({ numGpuBlocks: prefillBlocks }),
              engineArgs({ numGpuBlocks: decodeBlocks }),
              routers.round_robin,
              sizes
            ),
            plainWorkload({ rows, traceBlockTokens: 512, concurrency })
          )
          assert.strictEqual(records.filter(({ status }) => status !== "completed").length, 4)
        }
      }
    })
  )

  const Row = Schema.Struct({
    waitMs: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 })),
    promptTokens: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 300 })),
    outputTokens: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 25 })),
    content: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))
  })

  const small = { blockTokens: 16, maxNumBatchedTokens: 128, maxNumSeqs: 8 }
  const instant = { speedupRatio: 1e12 }

  const loadOf = (specs: ReadonlyArray<typeof Row.Type>, concurrency: number) => {
    let timestampMs = 0
    const rows = specs.map(({ content, outputTokens, promptTokens, waitMs }, index) => {
      timestampMs += waitMs
      const hashIds = Array.from({ length: Math.ceil(promptTokens / 16) }, (_, id) => 100 * content + id)
      return row({ timestampMs, promptTokens, outputTokens, hashIds }, index + 1)
    })
    const limit = concurrency === 0 ? undefined : concurrency
    return plainWorkload({ rows, traceBlockTokens: 16, concurrency: limit, chunkRows: 3 })
  }

  // The third is preempted for room that the last two hold: their KV is about to come, or waits behind it.
  for (const [name, firstTokens, secondOutputTokens] of [
    ["preempts itself while others are about to come", 31, 1],
    ["waits in front of others, and nothing else happens", 33, 16]
  ] as const) {
    it.effect(`goes on like offline where somebody ${name}`, () =>
      Effect.gen(function* () {
        const specs = [
          { waitMs: 0, promptTokens: firstTokens, outputTokens: 1, content: 0 },
          { waitMs: 0, promptTokens: 1, outputTokens: secondOutputTokens, content: 0 },
          { waitMs: 0, promptTokens: 290, outputTokens: 22, content: 2 },
          { waitMs: 13, promptTokens: 249, outputTokens: 4, content: 1 }
        ]
        const args = { ...small, ...instant }
        const { records } = yield* assertSame(
          disaggregated(
            engineArgs({ ...args, numGpuBlocks: 64 }),
            engineArgs({ ...args, numGpuBlocks: 21 }),
            routers.kv_router,
            { prefillWorkers: 2, decodeWorkers: 1 }
          ),
          loadOf(specs, 3)
        )
        assert.isTrue(records.every(({ emittedTokens, outputTokens }) => emittedTokens === outputTokens))
      })
    )
  }

  it.effect.prop(
    "equals offline for any rows, pools, links and concurrency",
    [
      Schema.Array(Row).check(Schema.isMaxLength(24)),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3 })),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3 })),
      Schema.Literals(["vllm", "sglang"]),
      Schema.Literals(["round_robin", "kv_router", "queueing"]),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })),
      Schema.Literals([21, 30, 64]),
      Schema.Literals(["free", "slow", "instant"])
    ],
    ([specs, prefillWorkers, decodeWorkers, engineType, router, concurrency, decodeBlocks, pace]) => {
      const common = { ...small, engineType, ...(pace === "instant" ? instant : {}) }
      return assertSame(
        disaggregated(
          engineArgs({
            ...common,
            numGpuBlocks: 64,
            ...(pace === "slow" ? { ...link, kvTransferBandwidthGbS: 2 } : {})
          }),
          engineArgs({ ...common, numGpuBlocks: decodeBlocks }),
          routers[router satisfies RouterName],
          { prefillWorkers, decodeWorkers }
        ),
        loadOf(specs, concurrency)
      )
    },
    { arbitrary: { runs: 200, seed: 1 } }
  )
})
