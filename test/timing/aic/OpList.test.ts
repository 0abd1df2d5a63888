import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { aicSetup } from "../../../src/timing/aic/FindSetup.ts"
import type { Op } from "../../../src/timing/aic/Op.ts"
import { aicArgs, argsOf, breadthFolder, readGolden, type RecordedSamples } from "./Recorded.ts"

interface RecordedSpec {
  readonly engine: {
    readonly model_name: string
    readonly system_name: string
    readonly backend: string
    readonly tp_size: number
    readonly attention_dp_size: number
    readonly moe_tp_size: number
    readonly moe_ep_size: number
    readonly weight_dtype: string
    readonly moe_dtype: string
    readonly kv_cache_dtype: string
  }
  readonly context_ops: ReadonlyArray<RecordedOp>
  readonly generation_ops: ReadonlyArray<RecordedOp>
}

type RecordedOp = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** Our operation in the recording's words. */
const recorded = (op: Op): RecordedOp => {
  if (op.op === "fallback") {
    return { Fallback: { name: op.name, primary: recorded(op.primary), fallback: op.fallback.map(recorded) } }
  }
  if (op.op === "overlap") {
    return { Overlap: { name: op.name, group_a: op.first.map(recorded), group_b: op.second.map(recorded) } }
  }
  const common = { name: op.name, scale_factor: op.count }
  switch (op.op) {
    case "embedding":
      return { Embedding: { ...common, vocab_size: op.vocab, hidden_size: op.hidden } }
    case "elementwise":
      return { Elementwise: { ...common, bytes_per_token: op.bytesPerToken } }
    case "gemm":
      return { Gemm: { ...common, n: op.n, k: op.k, quant_mode: op.quant } }
    case "context_attention":
      return { ContextAttention: { ...common, ...attention(op), fmha_quant_mode: op.fmha, use_qk_norm: op.qkNorm } }
    case "generation_attention":
      return { GenerationAttention: { ...common, ...attention(op) } }
    case "moe_dispatch":
      return {
        MoeDispatch: {
          ...common,
          hidden_size: op.hidden,
          moe_tp_size: op.moeTp,
          moe_ep_size: op.moeEp,
          attention_dp_size: op.attentionDp,
          pre_dispatch: op.stage === "pre",
          backend: op.backend
        }
      }
    case "moe":
      return {
        Moe: {
          ...common,
          hidden_size: op.hidden,
          inter_size: op.inter,
          topk: op.topk,
          num_experts: op.experts,
          moe_tp_size: op.moeTp,
          moe_ep_size: op.moeEp,
          quant_mode: op.quant,
          workload_distribution: op.distribution ?? "power_law_1.2"
        }
      }
    case "mla_context_module":
      return { MlaModuleContext: { ...common, ...latent(op), fmha_quant_mode: op.fmha, gemm_quant_mode: op.gemm } }
    case "mla_generation_module":
      return { MlaModuleGeneration: { ...common, ...latent(op), fmha_quant_mode: op.fmha, gemm_quant_mode: op.gemm } }
    case "context_mla":
      return { ContextMla: { ...common, ...latent(op), fmha_quant_mode: op.fmha } }
    case "generation_mla":
      return { GenerationMla: { ...common, ...latent(op) } }
    case "mla_bmm":
      return { MlaBmm: { ...common, num_heads: op.heads, quant_mode: op.quant, is_pre: op.stage === "pre" } }
    case "all_reduce":
      return { CustomAllReduce: { ...common, hidden_size: op.hidden, tp_size: op.gpus } }
  }
}

const attention = (op: Op & { op: "context_attention" | "generation_attention" }) => ({
  n: op.heads,
  n_kv: op.kvHeads,
  head_size: op.headDim,
  window_size: op.window,
  kv_cache_dtype: op.kvCache
})

const latent = (op: { readonly heads: number; readonly kvCache: string }) => ({
  num_heads: op.heads,
  kv_cache_dtype: op.kvCache
})

/** A recorded operation without the fields that ours does not have. */
const keptFields = (ours: unknown, theirs: unknown): unknown => {
  if (Array.isArray(ours) && Array.isArray(theirs)) return theirs.map((item, i) => keptFields(ours[i], item))
  if (!isRecord(ours) || !isRecord(theirs)) return theirs
  return Object.fromEntries(
    Object.entries(theirs)
      .filter(([key]) => key in ours)
      .map(([key, value]) => [key, keptFields(ours[key], value)])
  )
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The recorded list without pipeline transfers, which cost nothing, and without fields that we do not carry. */
const comparable = (ours: ReadonlyArray<Op>, theirs: RecordedSpec["context_ops"]) => {
  const actual = ours.map(recorded)
  const expected = theirs.filter((op) => op["P2P"] === undefined).map((op, i) => keptFields(actual[i], op))
  return { actual, expected }
}

const specs = readGolden<Record<string, RecordedSpec>>("engine_specs.json.gz")

/** Configurations recorded with dtype arguments. */
const overrides: Readonly<Record<string, Partial<Parameters<typeof aicArgs>[0]>>> = {
  x_qwen3_32b_kvfp8_gemmfp8_h200_vllm_tp1: { gemmDtype: "fp8", kvCacheDtype: "fp8" }
}

const breadthSpecs = readGolden<Record<string, RecordedSpec>>("engine_specs.json.gz", breadthFolder)

describe("operation lists of latent attention and more systems", () => {
  for (const [name, { context_ops, engine, generation_ops }] of Object.entries(breadthSpecs)) {
    it.effect(`of ${name} are those of the reference`, () =>
      Effect.gen(function* () {
        const { config } = readGolden<RecordedSamples>(`samples_${name}.json.gz`, breadthFolder)
        // The reference takes fp8 attention where it then finds no measurements; see Quantisation.
        const fmha = name.endsWith("sglang_tp8_ep8_default") ? { fmhaDtype: "fp8" } : {}
        const setup = yield* aicSetup({ ...argsOf(config), ...fmha })
        const context = comparable(setup.lists.context, context_ops)
        assert.deepStrictEqual(context.actual, context.expected)
        const generation = comparable(setup.lists.generation, generation_ops)
        assert.deepStrictEqual(generation.actual, generation.expected)
        assert.strictEqual(setup.kvCacheQuant, engine.kv_cache_dtype)
      }).pipe(Effect.provide(NodeServices.layer))
    )
  }
})

describe("operation lists", () => {
  for (const [name, { context_ops, engine, generation_ops }] of Object.entries(specs)) {
    it.effect(`of ${name} are those of the reference`, () =>
      Effect.gen(function* () {
        const setup = yield* aicSetup(
          aicArgs({
            backend: engine.backend,
            system: engine.system_name,
            modelPath: engine.model_name,
            tpSize: engine.tp_size,
            attentionDpSize: engine.attention_dp_size,
            moeTpSize: engine.moe_tp_size,
            moeEpSize: engine.moe_ep_size,
            ...overrides[name]
          })
        )
        const context = comparable(setup.lists.context, context_ops)
        assert.deepStrictEqual(context.actual, context.expected)
        const generation = comparable(setup.lists.generation, generation_ops)
        assert.deepStrictEqual(generation.actual, generation.expected)
        assert.strictEqual(setup.kvCacheQuant, engine.kv_cache_dtype)
      }).pipe(Effect.provide(NodeServices.layer))
    )
  }
})
