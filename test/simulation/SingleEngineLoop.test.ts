/** How many requests stand in the queue of a lone engine that many more than it can serve come to at once. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Engine } from "../../src/engine/Engine.ts"
import * as VllmEngine from "../../src/engine/vllm/VllmEngine.ts"
import type { WorkerCore } from "../../src/engine/WorkerCore.ts"
import * as Topology from "../../src/simulation/Topology.ts"
import * as PolynomialTiming from "../../src/timing/PolynomialTiming.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import * as PlainWorkload from "../support/PlainWorkload.ts"
import { replay } from "../support/Replays.ts"
import { row } from "../support/RequestBuilder.ts"

const arriving = 700

/** An engine whose workers say whether they read their whole queue, and note how long it is at each pass. */
const watched = (readsWholeQueue: boolean, queued: Array<number>) =>
  Layer.effect(Engine)(
    Effect.map(Engine, (engine) =>
      Engine.of({
        ...engine,
        spawn: (context): WorkerCore => {
          const worker = engine.spawn(context)
          const pass = worker.pass.bind(worker)
          const noting = Object.assign(worker, {
            pass: (nowMs: number) => {
              queued.push(worker.queued)
              return pass(nowMs)
            }
          })
          return Object.defineProperty(noting, "readsWholeQueue", { value: readsWholeQueue })
        }
      })
    )
  ).pipe(Layer.provide(VllmEngine.layer(engineArgs({ maxNumSeqs: 4 })).pipe(Layer.provide(PolynomialTiming.layer))))

const longestQueue = (readsWholeQueue: boolean) =>
  Effect.gen(function* () {
    const queued: Array<number> = []
    const rows = Array.from({ length: arriving }, (_, index) =>
      row({ timestampMs: 0, promptTokens: 64, outputTokens: 1, hashIds: [index] }, index + 1)
    )
    const topology = Layer.provide(Topology.layerSingle, watched(readsWholeQueue, queued))
    const { records } = yield* replay(topology, PlainWorkload.layer({ rows, traceBlockTokens: 64 }))
    assert.strictEqual(records.length, arriving)
    return Math.max(...queued)
  })

describe("the queue of a lone engine", () => {
  it.effect("leaves arrivals that cannot be reached yet in the workload", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* longestQueue(false), 512)
    })
  )

  it.effect("takes them all for an engine that looks at its whole queue", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* longestQueue(true), arriving)
    })
  )
})
