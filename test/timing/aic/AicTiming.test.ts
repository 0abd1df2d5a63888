import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type { AicModelArgs } from "../../../src/timing/aic/AicArgs.ts"
import * as AicTiming from "../../../src/timing/aic/AicTiming.ts"
import { Timing, type TimingModel } from "../../../src/timing/Timing.ts"
import { assertClose } from "../../support/Assertions.ts"
import { aicArgs, readGolden, type RecordedSamples } from "./Recorded.ts"

const useModel = <A>(args: AicModelArgs, use: (model: TimingModel) => A) =>
  Effect.map(Timing, (timing) => use(timing.make())).pipe(Effect.provide(AicTiming.layer(args)))

const prefillOf = (changes: Partial<AicModelArgs>) => useModel(aicArgs(changes), (model) => model.prefillMs(1, 777, 0))

const failure = (args: AicModelArgs) => Effect.map(Effect.flip(useModel(args, () => 0)), (error) => error.message)

const expertArgs = aicArgs({ modelPath: "Qwen/Qwen3-30B-A3B", moeEpSize: 2, attentionDpSize: 2 })

layer(NodeServices.layer)("AicTiming", (it) => {
  describe("a pass", () => {
    it.effect("costs the model's price of its new tokens and of its context", () =>
      useModel(aicArgs(), (model) => {
        assertClose(model.prefillMs(1, 1000, 0), 22.377216523, "prefill")
        assertClose(model.decodeMs(1, 64_000, 1000, 1e6), 4.972881538, "decode")
      }).pipe(Effect.asVoid)
    )

    it.effect("without new tokens costs nothing", () =>
      useModel(aicArgs(), (model) => {
        assert.strictEqual(model.prefillMs(3, 64, 64), 0)
        assert.strictEqual(model.prefillMs(0, 64, 0), 0)
        assert.strictEqual(model.decodeMs(0, 0, 100, 1), 0)
      })
    )

    it.effect("is priced for the fullest attention-DP rank", () => {
      const samples = readGolden<RecordedSamples>("samples_qwen3_30b_a3b_h200_vllm_tp1_dp2_ep2.json.gz")
      return useModel(expertArgs, (model) => {
        for (const [batch, newTokens, prefix, ms] of samples.prefill) {
          assertClose(model.prefillMs(2 * batch, newTokens + prefix, prefix), ms, `prefill ${2 * batch}`)
          assertClose(model.prefillMs(2 * batch - 1, newTokens + prefix, prefix), ms, `prefill ${2 * batch - 1}`)
        }
        for (const [batch, context, ms] of samples.decode) {
          assertClose(model.decodeMs(2 * batch, 0, context, 1), ms, `decode ${2 * batch}`)
          assertClose(model.decodeMs(2 * batch - 1, 0, context, 1), ms, `decode ${2 * batch - 1}`)
        }
      })
    })
  })

  it.effect("counts calls, and those beyond the measured range, over all models of a layer", () =>
    Effect.gen(function* () {
      const timing = yield* Timing
      const [first, second] = [timing.make(), timing.make()]
      first.prefillMs(1, 1000, 0)
      second.decodeMs(8, 0, 1000, 1)
      second.decodeMs(512, 0, 40_000, 1)
      second.decodeMs(300, 0, 40_000, 1)
      first.prefillMs(1, 20_000, 0)
      assert.deepStrictEqual(timing.coverage?.(), {
        calls: 5,
        extrapolated: 3,
        beyond: [
          {
            phase: "prefill",
            quantity: "sequence tokens",
            direction: "above",
            calls: 1,
            farthest: 20_000,
            measured: 16_384
          },
          {
            phase: "decode",
            quantity: "sequence tokens",
            direction: "above",
            calls: 2,
            farthest: 40_001,
            measured: 32_768
          },
          { phase: "decode", quantity: "requests", direction: "above", calls: 2, farthest: 512, measured: 8 }
        ]
      })
      assert.include(timing.source, "h200_sxm vllm 0.19.0, meta-llama/Meta-Llama-3.1-8B")
    }).pipe(Effect.provide(AicTiming.layer(aicArgs())))
  )

  describe("draft tokens", () => {
    const withDrafts = (nextnCost: "modelled" | undefined) =>
      Effect.map(Timing, (timing) => ({ timing, model: timing.make() })).pipe(
        Effect.provide(AicTiming.layer(aicArgs({ nextnCost }), [], 2))
      )

    it.effect("cost nothing by default, as in the reference, and a notice says so", () =>
      Effect.gen(function* () {
        const { model, timing } = yield* withDrafts(undefined)
        assertClose(model.decodeMs(1, 0, 1000, 1), 4.972881538, "decode")
        assert.include(timing.notes?.join(), 'aic_nextn_cost "modelled"')
      })
    )

    it.effect("are verified as further requests, and run a layer each, where they are modelled", () =>
      Effect.gen(function* () {
        const { model, timing } = yield* withDrafts("modelled")
        const plain = yield* useModel(aicArgs(), (own) => own.decodeMs(12, 0, 1000, 1))
        assert.strictEqual(model.decodeMs(4, 0, 1000, 1), plain * (34 / 32))
        assert.deepStrictEqual(timing.notes, [])
      })
    )
  })

  it.effect("prices the experts of all ranks where asked to, and says where it does not", () =>
    Effect.gen(function* () {
      const args = aicArgs({ modelPath: "deepseek-ai/DeepSeek-V3", moeEpSize: 8, attentionDpSize: 8 })
      const look = (moeTokens: "all_ranks" | undefined) =>
        Effect.map(Timing, (timing) => ({ ms: timing.make().prefillMs(8, 2000, 0), notes: timing.notes ?? [] })).pipe(
          Effect.provide(AicTiming.layer({ ...args, moeTokens }))
        )
      const [one, all] = [yield* look(undefined), yield* look("all_ranks")]
      assert.isAbove(all.ms, 1.5 * one.ms)
      assert.include(one.notes.join(), 'aic_moe_tokens "all_ranks"')
      assert.deepStrictEqual(all.notes, [])
    })
  )

  it.effect("estimates the prefill of one request for the router, whatever the attention-DP size", () =>
    Effect.gen(function* () {
      const samples = readGolden<RecordedSamples>("samples_qwen3_30b_a3b_h200_vllm_tp1_dp2_ep2.json.gz")
      const estimate = yield* AicTiming.prefillEstimator(expertArgs)
      for (const [batch, newTokens, prefix, ms] of samples.prefill) {
        if (batch === 1) assertClose(estimate(newTokens, prefix) ?? 0, ms, `${newTokens} after ${prefix}`)
      }
      assert.isUndefined(estimate(0, 100))
    })
  )

  describe("a model", () => {
    it.effect("goes by its shipped id or another name, in any case", () =>
      Effect.gen(function* () {
        const expected = yield* prefillOf({ modelPath: "meta-llama/Meta-Llama-3.1-8B" })
        assert.strictEqual(yield* prefillOf({ modelPath: "meta-llama/Llama-3.1-8B-Instruct" }), expected)
        assert.strictEqual(yield* prefillOf({ modelPath: "META-LLAMA/llama-3.1-8b" }), expected)
        assert.notStrictEqual(yield* prefillOf({ modelPath: "nvidia/Llama-3.1-8B-Instruct-FP8" }), expected)
      })
    )

    it.effect("comes from a folder with a config.json", () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const path = yield* Path.Path
        const folder = yield* fs.makeTempDirectoryScoped()
        const config = {
          architectures: ["LlamaForCausalLM"],
          num_hidden_layers: 32,
          hidden_size: 4096,
          num_attention_heads: 32,
          num_key_value_heads: 8,
          head_dim: null,
          intermediate_size: 14336,
          vocab_size: 128256,
          rope_theta: 500000
        }
        yield* fs.writeFileString(path.join(folder, "config.json"), JSON.stringify(config))
        assert.strictEqual(
          yield* prefillOf({ modelPath: folder }),
          yield* prefillOf({ modelPath: "meta-llama/Meta-Llama-3.1-8B" })
        )
        const quant = { quantization: { quant_algo: "FP8", kv_cache_quant_algo: "FP8" } }
        yield* fs.writeFileString(path.join(folder, "hf_quant_config.json"), JSON.stringify(quant))
        assert.strictEqual(
          yield* prefillOf({ modelPath: folder }),
          yield* prefillOf({ modelPath: "nvidia/Llama-3.1-8B-Instruct-FP8" })
        )
        yield* fs.writeFileString(
          path.join(folder, "config.json"),
          JSON.stringify({ ...config, vocab_size: undefined })
        )
        assert.include(yield* failure(aicArgs({ modelPath: folder })), "config.json has no vocab_size")
        yield* fs.writeFileString(path.join(folder, "config.json"), "{")
        assert.include(yield* failure(aicArgs({ modelPath: folder })), "config.json")
      })
    )
  })

  describe("refuses, saying what there is,", () => {
    const cases: ReadonlyArray<readonly [string, Partial<AicModelArgs>, ReadonlyArray<string>]> = [
      ["an unknown model", { modelPath: "nobody/nothing" }, ["aic_model_path", "Qwen/Qwen3-32B", "local folder"]],
      ["a missing model", { modelPath: undefined }, ["aic_model_path"]],
      [
        "a model of another family",
        { modelPath: "deepseek-ai/DeepSeek-V3.2" },
        ["DeepseekV32ForCausalLM", "--aic-bundle"]
      ],
      ["an unknown system", { system: "h300" }, ["aic_system", "h100_sxm, h200_sxm", "--aic-bundle"]],
      ["an unknown version", { backendVersion: "9.9" }, ["h200_sxm-vllm-9.9", "h200_sxm-vllm-0.19.0"]],
      ["a path as version", { backendVersion: "../../x" }, ["no performance tables"]],
      ["a backend without tables", { backend: "trtllm" }, ["h200_sxm-trtllm-1.3.0rc10", "h200_sxm-vllm-0.19.0"]],
      ["an unknown backend", { backend: "tgi" }, ["aic_backend", "vllm, sglang, trtllm"]],
      [
        "heads that do not divide",
        { modelPath: "Qwen/Qwen3-32B", tpSize: 3 },
        ["num_heads 64 should be divisible by tp_size 3"]
      ],
      [
        "expert sizes that do not match",
        { modelPath: "Qwen/Qwen3-30B-A3B", tpSize: 2 },
        ["Parallelism width mismatch: tp_size(2) * attention_dp_size(1) = 2, but moe_tp_size(1) * moe_ep_size(1) = 1."]
      ],
      [
        "more expert ranks than experts",
        { modelPath: "mistralai/Mixtral-8x7B-v0.1", tpSize: 16, moeEpSize: 16 },
        ["exceeds the 8 experts"]
      ],
      [
        "experts cut through a quantisation block",
        { modelPath: "Qwen/Qwen3-30B-A3B-FP8", tpSize: 4, moeTpSize: 4 },
        ["quantisation blocks of 128"]
      ],
      [
        "a dtype that is none",
        { kvCacheDtype: " int4 " },
        ["unsupported AIC kvcache quant mode 'int4' (normalized to 'int4_wo'); supported values: bfloat16, int8, fp8"]
      ],
      ["a comm dtype that is none", { commDtype: "fp8" }, ["aic_comm_dtype", "half"]],
      ["a format without tables", { gemmDtype: "nvfp4" }, ["gemm/nvfp4", "gemm/bfloat16, gemm/fp8, gemm/fp8_block"]],
      [
        "statically quantised activations",
        { modelPath: "Qwen/Qwen3-32B-FP8-Static-PerTensor" },
        ["gemm/fp8_static", "gemm/fp8"]
      ],
      [
        "a group of GPUs that was not measured",
        { modelPath: "openai/gpt-oss-120b", attentionDpSize: 3, moeEpSize: 3 },
        ["'all_gather' was not measured among 3 GPUs", "measured: 2, 4, 8"]
      ],
      [
        "a window that was measured for one head count alone",
        { system: "b200_sxm", modelPath: "openai/gpt-oss-120b" },
        ["window 128", "dynosim aic list --model openai/gpt-oss-120b", "--aic-bundle"]
      ],
      [
        "experts without tables on a system",
        { system: "h100_sxm", modelPath: "openai/gpt-oss-20b" },
        ["moe/w4a16_mxfp4", "moe/bfloat16"]
      ]
    ]
    for (const [what, changes, wanted] of cases) {
      it.effect(what, () =>
        Effect.map(failure(aicArgs(changes)), (message) => {
          for (const part of wanted) assert.include(message, part)
        })
      )
    }
  })

  it.effect("takes auto, none and blanks for the model's own formats, and int4 for int4_wo", () =>
    Effect.gen(function* () {
      const own = yield* prefillOf({})
      assert.strictEqual(
        yield* prefillOf({ gemmDtype: " AUTO", fmhaDtype: "none", kvCacheDtype: "", commDtype: "null" }),
        own
      )
      assert.notStrictEqual(yield* prefillOf({ gemmDtype: "FP8 " }), own)
      const fp8Attention = yield* prefillOf({ fmhaDtype: "fp8" })
      assert.strictEqual(fp8Attention, own, "vLLM attends in bfloat16 all the same")
    })
  )
})
