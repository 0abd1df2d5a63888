/** How many requests stand in the queue of a lone engine that many more than it can serve come to at once, and that it makes no difference. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Engine } from "../../src/engine/Engine.ts"
import { defaultEngineArgs } from "../../src/engine/EngineArgs.ts"
import * as SglangEngine from "../../src/engine/sglang/SglangEngine.ts"
import * as VllmEngine from "../../src/engine/vllm/VllmEngine.ts"
import * as VllmV1Engine from "../../src/engine/vllm-v1/VllmV1Engine.ts"
import type { WorkerCore } from "../../src/engine/WorkerCore.ts"
import * as Topology from "../../src/simulation/Topology.ts"
import * as PolynomialTiming from "../../src/timing/PolynomialTiming.ts"
import type { Timing } from "../../src/timing/Timing.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import * as PlainWorkload from "../support/PlainWorkload.ts"
import { replay } from "../support/Replays.ts"
import { row } from "../support/RequestBuilder.ts"

/** As much of its queue as the engine says it reads, or all of it. */
type Reads = "its own" | "all"

/** An engine whose workers say how far they look along their queue, and note how long it is at each pass. */
const watched = (engine: Layer.Layer<Engine>, reads: Reads, queued: Array<number>) =>
  Layer.effect(Engine)(
    Effect.map(Engine, (service) =>
      Engine.of({
        ...service,
        spawn: (context): WorkerCore => {
          const worker = service.spawn(context)
          const pass = worker.pass.bind(worker)
          const noting = Object.assign(worker, {
            pass: (nowMs: number) => {
              queued.push(worker.queued)
              return pass(nowMs)
            }
          })
          return reads === "all" ? Object.defineProperty(noting, "queueReach", { value: undefined }) : noting
        }
      })
    )
  ).pipe(Layer.provide(engine))

const blockTokens = 64
const args = engineArgs({ blockTokens, numGpuBlocks: 4096, maxNumBatchedTokens: 100_000 })
const vllm = (changes = {}) => VllmEngine.layer({ ...args, ...changes })
const sglang = (schedulePolicy: "fcfs" | "lpm") =>
  SglangEngine.layer({
    ...args,
    engineType: "sglang",
    maxNumSeqs: 4,
    sglang: { ...defaultEngineArgs.sglang, schedulePolicy }
  })

const arriving = 700

/** Requests that all come at once; such a share of the first 64 ask for more than fits. */
const crowd = (oversizedShare: number) =>
  Array.from({ length: arriving }, (_, index) => {
    const isOversized = index < 64 && index % 8 < 8 * oversizedShare
    return row(
      {
        timestampMs: 0,
        promptTokens: blockTokens,
        outputTokens: isOversized ? 1_000_000 : 1 + (index % 3),
        hashIds: [index]
      },
      index + 1
    )
  })

const runOf = (engine: Layer.Layer<Engine, unknown, Timing>, reads: Reads, oversizedShare = 0) =>
  Effect.gen(function* () {
    const queued: Array<number> = []
    const layer = engine.pipe(Layer.provide(PolynomialTiming.layer), Layer.orDie)
    const topology = Layer.provide(Topology.layerSingle, watched(layer, reads, queued))
    const workload = PlainWorkload.layer({ rows: crowd(oversizedShare), traceBlockTokens: blockTokens })
    const { records, summary } = yield* replay(topology, workload)
    assert.strictEqual(records.length, arriving)
    return { records, endMs: summary.endMs, longest: Math.max(...queued) }
  })

describe("the queue of a lone engine", () => {
  it.effect("leaves arrivals that cannot be reached yet in the workload", () =>
    Effect.gen(function* () {
      const { longest } = yield* runOf(vllm({ maxNumSeqs: 4 }), "its own")
      assert.strictEqual(longest, 4)
    })
  )

  it.effect("takes them all for an engine that looks at its whole queue", () =>
    Effect.gen(function* () {
      const { longest } = yield* runOf(vllm({ maxNumSeqs: 4 }), "all")
      assert.strictEqual(longest, arriving)
    })
  )

  const engines = {
    "vLLM-style": vllm({ maxNumSeqs: 4 }),
    "vLLM-style with a seat for almost everybody": vllm({ maxNumSeqs: 650 }),
    "TensorRT-LLM-style": VllmEngine.layerTrtllm({ ...args, engineType: "trtllm", maxNumSeqs: 4 }),
    "vLLM itself": VllmV1Engine.layer({ ...args, engineProfile: "vllm-0.33", maxNumSeqs: 4 }),
    "SGLang-style": sglang("fcfs"),
    "SGLang-style that puts short queues in order": sglang("lpm")
  }
  /** The others generate as much as fits. */
  const sendsAway = (name: string): boolean => name.startsWith("vLLM-style") || name.startsWith("SGLang-style")
  for (const [name, engine] of Object.entries(engines)) {
    for (const share of sendsAway(name) ? [0, 7 / 8] : [0]) {
      const which = share === 0 ? "" : ", many of which fit nowhere"
      it.effect(`runs the same whether they wait here or there: ${name}${which}`, () =>
        Effect.gen(function* () {
          const left = yield* runOf(engine, "its own", share)
          const taken = yield* runOf(engine, "all", share)
          assert.deepStrictEqual(left.records, taken.records)
          assert.strictEqual(left.endMs, taken.endMs)
          assert.isAtMost(left.longest, taken.longest)
        })
      )
    }
  }
})
