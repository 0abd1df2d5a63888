/**
 * The parts of a Hugging Face `config.json` that decide the cost of a model, and the families of models whose operations
 * are known: dense decoders (Llama, Qwen2, Qwen3, MiMo), mixtures of experts (Mixtral, Qwen-MoE, MiniMax-M2, gpt-oss), and
 * mixtures of experts with multi-head latent attention (DeepSeek-V3, Kimi-K2). Of multimodal models the text part counts.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { AicError } from "./AicError.ts"

const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))
const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))

/** Quantisation as written into `config.json`; checkpoint tools disagree on the keys, so all are read. */
const QuantizationConfig = Schema.Struct({
  quant_algo: optional(Schema.String),
  quant_method: optional(Schema.String),
  quantization_method: optional(Schema.String),
  activation_scheme: optional(Schema.String),
  weight_block_size: optional(Schema.Array(Schema.Number)),
  kv_cache_quant_algo: optional(Schema.String),
  kv_cache_quant_method: optional(Schema.String),
  kv_cache_dtype: optional(Schema.String),
  kv_cache_scheme: optional(Schema.Unknown),
  config_groups: optional(Schema.Record(Schema.String, Schema.Unknown)),
  ignore: optional(Schema.Array(Schema.String))
})
export type QuantizationConfig = typeof QuantizationConfig.Type

/** The separate `hf_quant_config.json` of some checkpoints. */
const HfQuantConfig = Schema.Struct({
  quantization: optional(
    Schema.Struct({ quant_algo: optional(Schema.String), kv_cache_quant_algo: optional(Schema.String) })
  )
})

const decoderFields = {
  architectures: optional(Schema.Array(Schema.String)),
  num_hidden_layers: optional(Count),
  hidden_size: optional(Count),
  num_attention_heads: optional(Count),
  num_key_value_heads: optional(Count),
  head_dim: optional(Count),
  attention_head_dim: optional(Count),
  v_head_dim: optional(Count),
  kv_lora_rank: optional(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
  qk_rope_head_dim: optional(Count),
  intermediate_size: optional(Count),
  moe_intermediate_size: optional(Count),
  vocab_size: optional(Count),
  num_experts_per_tok: optional(Count),
  top_k_experts: optional(Count),
  num_local_experts: optional(Count),
  n_routed_experts: optional(Count),
  num_experts: optional(Count),
  quantization_config: optional(QuantizationConfig)
}
const DecoderConfig = Schema.Struct(decoderFields)
type DecoderConfig = typeof DecoderConfig.Type

/** A `config.json` with its `hf_quant_config.json` under `hf_quant_config`. */
export const ModelConfig = Schema.Struct({
  ...decoderFields,
  text_config: optional(DecoderConfig),
  hf_quant_config: optional(HfQuantConfig)
})
export type ModelConfig = typeof ModelConfig.Type

export type ModelFamily = "dense" | "moe" | "mla"

/** Which coefficients size a model's activations. */
export type ActivationClass = "dense" | "moe" | "multimodal"

interface Architecture {
  readonly family: ModelFamily
  readonly activations: ActivationClass
  /** Queries and keys are normalised per head. */
  readonly qkNorm: boolean
  /** Every other layer attends to a window of this many tokens; 0 for none. */
  readonly slidingWindowTokens: number
}

const architecture = (family: ModelFamily, details: Partial<Architecture> = {}): Architecture => ({
  family,
  activations: family === "dense" ? "dense" : "moe",
  qkNorm: false,
  slidingWindowTokens: 0,
  ...details
})

const architectures: ReadonlyMap<string, Architecture> = new Map([
  ["LlamaForCausalLM", architecture("dense")],
  ["Qwen2ForCausalLM", architecture("dense")],
  ["Qwen3ForCausalLM", architecture("dense", { qkNorm: true })],
  ["MiMoForCausalLM", architecture("dense")],
  ["MixtralForCausalLM", architecture("moe")],
  ["Qwen2MoeForCausalLM", architecture("moe")],
  ["Qwen3MoeForCausalLM", architecture("moe", { qkNorm: true })],
  ["MiniMaxM2ForCausalLM", architecture("moe", { qkNorm: true })],
  ["GptOssForCausalLM", architecture("moe", { slidingWindowTokens: 128 })],
  ["Qwen3VLForConditionalGeneration", architecture("dense", { activations: "multimodal" })],
  ["Qwen3VLMoeForConditionalGeneration", architecture("moe", { activations: "multimodal" })],
  ["DeepseekV3ForCausalLM", architecture("mla")],
  ["DeepSeekForCausalLM", architecture("mla")],
  ["KimiK25ForConditionalGeneration", architecture("mla")]
])

/** Architectures with known operations, for messages. */
export const supportedArchitectures: ReadonlyArray<string> = [...architectures.keys()]

export interface ExpertShape {
  readonly topk: number
  readonly experts: number
  readonly inter: number
}

/** What multi-head latent attention adds. */
export interface LatentShape {
  /** Head dimension of values. */
  readonly valueDim: number
  /** Elements that a token occupies in the KV cache of each layer: its latent vector and the rotary part of its key. */
  readonly kvDim: number
}

/** Dimensions of a decoder, all counts of elements. */
export interface ModelShape extends Architecture {
  readonly id: string
  readonly layers: number
  readonly hidden: number
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly inter: number
  readonly vocab: number
  /** Present in the `moe` and `mla` families only. */
  readonly moe: ExpertShape | undefined
  /** Present in the `mla` family only. */
  readonly latent: LatentShape | undefined
}

const missing = (id: string, field: string) =>
  Effect.fail(new AicError({ where: id, problem: `config.json has no ${field}` }))

const required = (id: string, field: string, ...values: ReadonlyArray<number | null | undefined>) => {
  const value = values.find((candidate) => typeof candidate === "number")
  return typeof value === "number" ? Effect.succeed(value) : missing(id, field)
}

const expertShape = Effect.fnUntraced(function* (id: string, config: DecoderConfig) {
  return {
    topk: yield* required(id, "num_experts_per_tok", config.num_experts_per_tok, config.top_k_experts),
    experts: yield* required(id, "num_experts", config.num_local_experts, config.n_routed_experts, config.num_experts),
    inter: yield* required(id, "moe_intermediate_size", config.moe_intermediate_size, config.intermediate_size)
  }
})

const defaultKvRank = 512
const defaultRopeDim = 64

const latentShape = (config: DecoderConfig, headDim: number): LatentShape => ({
  valueDim: config.v_head_dim ?? headDim,
  kvDim: (config.kv_lora_rank || defaultKvRank) + (config.qk_rope_head_dim ?? defaultRopeDim)
})

const knownArchitecture = (id: string, name: string | undefined): Effect.Effect<Architecture, AicError> => {
  const known = name === undefined ? undefined : architectures.get(name)
  return known === undefined
    ? Effect.fail(
        new AicError({
          where: id,
          problem: `the operations of architecture '${name ?? "(none)"}' are not known`,
          advice: `known: ${supportedArchitectures.join(", ")}; other models need a bundle (--aic-bundle)`
        })
      )
    : Effect.succeed(known)
}

/** The decoder's own part of a config: the text model of a multimodal wrapper, else the config itself. */
export const decoderConfig = (config: ModelConfig): DecoderConfig => config.text_config ?? config

/** Dimensions from a config; `id` names the model in errors. */
export const modelShape = Effect.fnUntraced(function* (id: string, config: ModelConfig) {
  const decoder = decoderConfig(config)
  const known = yield* knownArchitecture(id, decoder.architectures?.[0] ?? config.architectures?.[0])
  const hidden = yield* required(id, "hidden_size", decoder.hidden_size)
  const heads = yield* required(id, "num_attention_heads", decoder.num_attention_heads)
  const moe = known.family === "dense" ? undefined : yield* expertShape(id, decoder)
  const headDim = decoder.head_dim ?? decoder.attention_head_dim ?? Math.floor(hidden / heads)
  const shape: ModelShape = {
    ...known,
    id,
    layers: yield* required(id, "num_hidden_layers", decoder.num_hidden_layers),
    hidden,
    heads,
    kvHeads: decoder.num_key_value_heads ?? heads,
    headDim,
    inter: yield* required(id, "intermediate_size", decoder.intermediate_size, moe?.inter),
    vocab: yield* required(id, "vocab_size", decoder.vocab_size),
    moe,
    latent: known.family === "mla" ? latentShape(decoder, headDim) : undefined
  }
  return shape
})
