/** Whatever is built from settings says what is wrong with them in the words of the command. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { parseEngineArgs, parseRouterConfig } from "../../src/config/DecodeSettings.ts"
import { Engine } from "../../src/engine/Engine.ts"
import * as EngineArgs from "../../src/engine/EngineArgs.ts"
import * as SglangEngine from "../../src/engine/sglang/SglangEngine.ts"
import * as VllmEngine from "../../src/engine/vllm/VllmEngine.ts"
import * as VllmV1Engine from "../../src/engine/vllm-v1/VllmV1Engine.ts"
import * as KvRouter from "../../src/router/kv/KvRouter.ts"
import { defaultKvRouterOptions } from "../../src/router/kv/KvRouterOptions.ts"
import * as RouterConfig from "../../src/router/kv/RouterConfig.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import type { SettingsError } from "../../src/settings/SettingsError.ts"
import * as Topology from "../../src/simulation/Topology.ts"
import * as PolynomialTiming from "../../src/timing/PolynomialTiming.ts"

const { defaultEngineArgs } = EngineArgs

const messageOf = <A, E extends { readonly message: string }>(layer: Layer.Layer<A, E>): Effect.Effect<string> =>
  Effect.scoped(
    Effect.match(Layer.build(layer), { onFailure: ({ message }) => message, onSuccess: () => "nothing is wrong" })
  )

const engineMessage = (changes: Partial<EngineArgs.EngineArgs>): Effect.Effect<string> => {
  const args = { ...defaultEngineArgs, ...changes }
  const layers = { vllm: VllmEngine.layer, trtllm: VllmEngine.layerTrtllm, sglang: SglangEngine.layer }
  return messageOf(Layer.provide(layers[args.engineType](args), PolynomialTiming.layer))
}

/** What the command says after the flag. */
const commandMessage = <A, E extends { readonly message: string }>(result: Result.Result<A, E>): string =>
  Result.getOrThrow(Result.flip(result)).message.replace(/^[^:]+: /, "")

const engines: ReadonlyArray<readonly [changes: Partial<EngineArgs.EngineArgs>, json: string]> = [
  [{ numGpuBlocks: 2.5 }, '{"num_gpu_blocks": 2.5}'],
  [{ numGpuBlocks: 0 }, '{"num_gpu_blocks": 0}'],
  [{ maxNumBatchedTokens: -1 }, '{"max_num_batched_tokens": -1}'],
  [{ speedupRatio: 1e-300 }, '{"speedup_ratio": 1e-300}'],
  [{ decodeSpeedupRatio: 5e-324 }, '{"decode_speedup_ratio": 5e-324}'],
  [
    { kvTransferBandwidthGbS: 1e-300, kvBytesPerToken: 1 },
    '{"kv_transfer_bandwidth": 1e-300, "kv_bytes_per_token": 1}'
  ],
  [{ blockTokens: 3 }, '{"block_size": 3}'],
  [{ engineType: "trtllm", blockTokens: 4096 }, '{"engine_type": "trtllm", "block_size": 4096}'],
  [
    { engineType: "sglang", blockTokens: 1, sglang: { ...defaultEngineArgs.sglang, maxPrefillTokens: 0.5 } },
    '{"engine_type": "sglang", "sglang": {"max_prefill_tokens": 0.5}}'
  ],
  [{ workerType: "prefill", kvTransferBandwidthGbS: 400 }, '{"worker_type": "prefill", "kv_transfer_bandwidth": 400}']
]

describe("layers built from settings that nothing can be built from", () => {
  for (const [changes, json] of engines) {
    it.effect(`an engine says what the command says of ${json}`, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* engineMessage(changes), commandMessage(parseEngineArgs(json)))
      })
    )
  }

  it.effect("an engine names values that no text can spell", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* engineMessage({ numGpuBlocks: Number.NaN }),
        "num_gpu_blocks: expected an integer from 1 to 67108864, got NaN"
      )
      assert.strictEqual(
        yield* engineMessage({ speedupRatio: Number.POSITIVE_INFINITY }),
        "speedup_ratio: expected 0 or a number from 1e-6 to 1e12, got Infinity"
      )
      assert.match(
        yield* engineMessage({ mtp: { acceptRates: [0.5, 2], seed: 1n } }),
        /^aic_nextn_accept_rates: entry 1 must be a number from 0 to 1, got 2$/
      )
    })
  )

  it.effect("an engine of a vLLM profile says the same, by whichever layer", () =>
    Effect.gen(function* () {
      const vllm = { ...defaultEngineArgs, engineProfile: "vllm-0.33" } as const
      const wrong: ReadonlyArray<readonly [changes: Partial<EngineArgs.EngineArgs>, json: string]> = [
        [{ numGpuBlocks: 2.5 }, '"num_gpu_blocks": 2.5'],
        [{ blockTokens: 3 }, '"block_size": 3'],
        [{ preemptionMode: "fifo" }, '"preemption_mode": "fifo"'],
        [{ maxNumBatchedTokens: 8, maxNumSeqs: 16 }, '"max_num_batched_tokens": 8, "max_num_seqs": 16'],
        [{ workerType: "prefill" }, '"worker_type": "prefill"']
      ]
      for (const [changes, json] of wrong) {
        const expected = commandMessage(parseEngineArgs(`{"engine_profile": "vllm-0.33", ${json}}`))
        for (const { layer } of [VllmEngine, VllmV1Engine]) {
          const engine = Layer.provide(layer({ ...vllm, ...changes }), PolynomialTiming.layer)
          assert.strictEqual(yield* messageOf(engine), expected)
        }
      }
      assert.strictEqual(
        yield* messageOf(Layer.provide(VllmV1Engine.layer(defaultEngineArgs), PolynomialTiming.layer)),
        'engine_profile: expected one of "vllm-0.33", "vllm-0.25", "vllm-0.17", got "dynamo-1.3.1"'
      )
    })
  )

  it.effect("an engine told of a vLLM profile alone has that profile's scheduler", () =>
    Effect.gen(function* () {
      const engine = VllmEngine.layer({ ...defaultEngineArgs, engineProfile: "vllm-0.33" })
      const { args } = yield* Effect.provide(Engine, Layer.provide(engine, PolynomialTiming.layer))
      assert.strictEqual(args.vllmScheduler?.asyncScheduling, true)
    })
  )

  it.effect("a topology wants workers", () =>
    Effect.gen(function* () {
      const parts = Layer.merge(
        Layer.provide(VllmEngine.layer(defaultEngineArgs), PolynomialTiming.layer),
        RoundRobin.layer
      )
      for (const workers of [0, 1.5, Number.NaN]) {
        assert.strictEqual(
          yield* messageOf(Layer.provide(Topology.layerMulti({ workers }), parts)),
          `workers: expected an integer from 1 to 65536, got ${workers}`
        )
      }
      const pools = Layer.provide(Layer.merge(Topology.PrefillPool.layer, Topology.DecodePool.layer), parts)
      const disaggregated = Topology.layerDisaggregated({ prefillWorkers: 1, decodeWorkers: 0 })
      assert.strictEqual(
        yield* messageOf(Layer.provide(disaggregated, pools)),
        "decode_workers: expected an integer from 1 to 65536, got 0"
      )
    })
  )

  it.effect("a router says what the command says", () =>
    Effect.gen(function* () {
      const router = (changes: object) => messageOf(KvRouter.layer({ ...defaultKvRouterOptions, ...changes }))
      assert.strictEqual(
        yield* router({ routerTemperature: 5e-324 }),
        commandMessage(parseRouterConfig('{"router_temperature": 5e-324}'))
      )
      assert.strictEqual(
        yield* router({ overlapScoreCredit: 2 }),
        commandMessage(parseRouterConfig('{"overlap_score_credit": 2}'))
      )
    })
  )
})

describe("settings made by a program", () => {
  it("have the defaults of the command", () => {
    assert.deepStrictEqual(EngineArgs.make(), Result.getOrThrow(parseEngineArgs("{}")))
    assert.deepStrictEqual(RouterConfig.make({}), Result.getOrThrow(parseRouterConfig("{}")))
  })

  it("come to what the same JSON comes to", () => {
    assert.deepStrictEqual(
      EngineArgs.make({
        engineType: "sglang",
        numGpuBlocks: 4096,
        maxNumSeqs: Number.POSITIVE_INFINITY,
        sglang: { pageTokens: 16, schedulePolicy: "lpm" },
        aic: { backend: "sglang", modelPath: "m", tpSize: 2 },
        aicNextn: 2
      }),
      Result.getOrThrow(
        parseEngineArgs(
          '{"engine_type": "sglang", "num_gpu_blocks": 4096, "max_num_seqs": null, "aic_nextn": 2, "aic_backend": "sglang", "aic_model_path": "m", "aic_tp_size": 2, "sglang": {"page_size": 16, "schedule_policy": "lpm"}}'
        )
      )
    )
  })

  it("are refused in the words of the command", () => {
    const refused = (given: EngineArgs.GivenEngineArgs): SettingsError =>
      Result.getOrThrow(Result.flip(EngineArgs.engineArgsOf(given)))
    assert.strictEqual(
      refused({ numGpuBlocks: 2.5 }).message,
      "num_gpu_blocks: expected an integer from 1 to 67108864, got 2.5"
    )
    assert.strictEqual(
      refused({ sglang: { pageTokens: 0 } }).message,
      "sglang.page_size: expected an integer from 1 to 2147483647, got 0"
    )
    assert.strictEqual(refused({ aic: { backend: "vllm" } }).message, "aic_backend: requires aic_model_path")
    assert.throws(() => EngineArgs.make({ dpSize: 0 }), "dp_size: expected an integer from 1 to 4294967295, got 0")
  })

  it("name a field that does not exist, and the one that was meant", () => {
    const mistaken: object = { numGpuBlock: 9 }
    const error = Result.getOrThrow(Result.flip(EngineArgs.engineArgsOf(mistaken)))
    assert.strictEqual(error.message, "num_gpu_block: unknown key")
    assert.match(error.hint ?? "", /^did you mean num_gpu_blocks\?/)
  })
})
