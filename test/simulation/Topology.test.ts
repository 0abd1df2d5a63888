import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { EngineArgs } from "../../src/engine/EngineArgs.ts"
import * as SglangEngine from "../../src/engine/sglang/SglangEngine.ts"
import * as VllmEngine from "../../src/engine/vllm/VllmEngine.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import * as Topology from "../../src/simulation/Topology.ts"
import * as PolynomialTiming from "../../src/timing/PolynomialTiming.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"

type EngineType = EngineArgs["engineType"]

const engines = { vllm: VllmEngine.layer, sglang: SglangEngine.layer, trtllm: VllmEngine.layerTrtllm }

const pool = (engineType: EngineType) =>
  Layer.merge(
    engines[engineType](engineArgs({ engineType })).pipe(Layer.provide(PolynomialTiming.layer)),
    RoundRobin.layer
  )

/** `undefined` when the two pools work together. */
const problemOf = (prefill: EngineType, decode: EngineType) =>
  Layer.build(Topology.layerDisaggregated({ prefillWorkers: 1, decodeWorkers: 1 })).pipe(
    Effect.provide(
      Layer.merge(
        Layer.provide(Topology.PrefillPool.layer, pool(prefill)),
        Layer.provide(Topology.DecodePool.layer, pool(decode))
      )
    ),
    Effect.scoped,
    Effect.match({ onFailure: ({ problem }) => problem, onSuccess: () => undefined })
  )

describe("a disaggregated topology", () => {
  it.effect("takes two pools of one type that can hand over", () =>
    Effect.gen(function* () {
      assert.isUndefined(yield* problemOf("vllm", "vllm"))
      assert.isUndefined(yield* problemOf("sglang", "sglang"))
    })
  )

  it.effect("names the types of two pools that cannot work together", () =>
    Effect.gen(function* () {
      const pairs = [
        ["vllm", "sglang"],
        ["sglang", "vllm"],
        ["vllm", "trtllm"],
        ["trtllm", "vllm"],
        ["trtllm", "trtllm"]
      ] as const
      for (const [prefill, decode] of pairs) {
        assert.include(yield* problemOf(prefill, decode), `got ${prefill} and ${decode}`)
      }
    })
  )
})
