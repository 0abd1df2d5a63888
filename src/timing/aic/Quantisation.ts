/**
 * Which numeric formats a checkpoint runs in: read from its config, overridden by the user, bent by the backend.
 */
import * as Effect from "effect/Effect"
import { AicError } from "./AicError.ts"
import { decoderConfig, type ModelConfig, type ModelShape, type QuantizationConfig } from "./ModelConfig.ts"
import { parseQuant } from "./QuantMode.ts"

/** Formats of one configuration; names as in the tables. */
export interface Quantisation {
  readonly gemm: string
  readonly moe: string
  readonly fmha: string
  readonly kvCache: string
  /** Rows per scale block of an `fp8_block` checkpoint. */
  readonly weightBlockRows: number
  /** Where a choice differs from the reference's. */
  readonly notes: ReadonlyArray<string>
}

/** The user's `aic_*_dtype` arguments. */
export interface QuantOverrides {
  readonly gemmDtype: string | undefined
  readonly moeDtype: string | undefined
  readonly fmhaDtype: string | undefined
  readonly kvCacheDtype: string | undefined
  readonly commDtype: string | undefined
}

const defaultWeightBlockRows = 128

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)

const field = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? Object.getOwnPropertyDescriptor(value, key)?.value : undefined

/** A `kv_cache_scheme`: a name, or a description with `type` and `num_bits`. */
const kvOfScheme = (scheme: unknown): string | undefined => {
  if (typeof scheme === "string") return scheme
  const type = text(field(scheme, "type"))?.toLowerCase() ?? ""
  const bits = field(scheme, "num_bits")
  if (type.includes("fp8") || (type === "float" && typeof bits === "number" && bits <= 8)) return "fp8"
  return typeof bits === "number" && bits >= 16 ? "bfloat16" : undefined
}

/**
 * Activation scales fixed at calibration time, by either of the two ways a config says so: a scheme, or groups none of
 * which is dynamic.
 */
const hasStaticActivations = (config: QuantizationConfig | undefined): boolean => {
  if (typeof config?.activation_scheme === "string") return config.activation_scheme === "static"
  const dynamic = Object.values(config?.config_groups ?? {})
    .flatMap((group) => [
      field(field(group, "input_activations"), "dynamic"),
      field(field(group, "weights"), "dynamic")
    ])
    .filter((value) => typeof value === "boolean")
  return dynamic.length > 0 && !dynamic.includes(true)
}

type WeightModes = Pick<Quantisation, "gemm" | "moe">

interface CheckpointFormat {
  /** Lower-case algorithm name, `undefined` for an unquantised checkpoint. */
  readonly algo: string | undefined
  readonly kv: string | undefined
  readonly staticActivations: boolean
  readonly weightBlockRows: number
  /** What a `compressed-tensors` checkpoint holds. */
  readonly compressed: WeightModes | undefined
}

/** Weight format of the first group of a `compressed-tensors` checkpoint that has one we know. */
const compressedFormat = (config: QuantizationConfig | undefined): string | undefined =>
  Object.values(config?.config_groups ?? {})
    .map((group) => {
      const weights = field(group, "weights")
      const type = text(field(weights, "type"))
      const bits = field(weights, "num_bits")
      if (type === "int" && bits === 4) return "int4_wo"
      if (type === "int" && bits === 8) return "int8_wo"
      return type === "float" && bits === 8 ? "fp8" : undefined
    })
    .find((format) => format !== undefined)

const attentionPatterns = ["self_attn", "q_proj", "k_proj", "v_proj", "o_proj"]

/** Attention and routed experts stay in bfloat16 where a pattern leaves them out. */
const compressedModes = (config: QuantizationConfig | undefined): WeightModes | undefined => {
  const format = compressedFormat(config)
  if (format === undefined) return undefined
  const ignored = (config?.ignore ?? []).map((pattern) => pattern.toLowerCase())
  const attention = ignored.some((pattern) => attentionPatterns.some((part) => pattern.includes(part)))
  const routed = ignored.some(
    (pattern) =>
      pattern.includes("expert")
      && !pattern.includes("shared_expert")
      && !attentionPatterns.some((part) => pattern.includes(part))
  )
  return { gemm: attention ? "bfloat16" : format, moe: routed ? "bfloat16" : format }
}

const checkpointFormat = (config: ModelConfig): CheckpointFormat => {
  const hf = config.hf_quant_config?.quantization
  const own = config.quantization_config ?? decoderConfig(config).quantization_config ?? undefined
  const named = hf?.quant_algo ?? own?.quant_algo ?? own?.quant_method ?? own?.quantization_method ?? undefined
  const blockSize = own?.weight_block_size ?? []
  const algo = named?.toLowerCase()
  const kv =
    hf?.kv_cache_quant_algo
    ?? own?.kv_cache_quant_algo
    ?? own?.kv_cache_quant_method
    ?? own?.kv_cache_dtype
    ?? kvOfScheme(own?.kv_cache_scheme)
  return {
    algo: algo === "fp8" && blockSize.length > 0 ? "fp8_block" : algo,
    kv: kv?.toLowerCase(),
    staticActivations: hasStaticActivations(own),
    weightBlockRows: blockSize[0] ?? defaultWeightBlockRows,
    compressed: compressedModes(own)
  }
}

const weightModes = ({ algo, compressed, staticActivations }: CheckpointFormat): WeightModes | undefined => {
  switch (algo) {
    case undefined:
      return { gemm: "bfloat16", moe: "bfloat16" }
    case "fp8":
      return { gemm: staticActivations ? "fp8_static" : "fp8", moe: "fp8" }
    case "fp8_block":
    case "nvfp4":
      return { gemm: algo, moe: algo }
    case "mxfp4":
      return { gemm: "bfloat16", moe: "w4a16_mxfp4" }
    case "compressed-tensors":
      return compressed
    default:
      return undefined
  }
}

/** The user's word for an algorithm that says nothing to us. */
const overriddenModes = (gemm: string | undefined, moe: string | undefined): WeightModes | undefined =>
  gemm !== undefined && moe !== undefined ? { gemm, moe } : undefined

const eightBitAlgos: ReadonlySet<string> = new Set(["fp8", "fp8_block", "nvfp4"])

const noEightBitAttention =
  "latent attention is priced in bfloat16 over an fp8 KV cache: fp8 attention was not measured under sglang "
  + "(aic_fmha_dtype names another format)"

/**
 * Formats of a checkpoint with the user's overrides applied. An 8-bit or 4-bit float checkpoint, or one with an fp8 KV
 * cache, attends in fp8 and caches in fp8 whatever else its config says; vLLM attends in bfloat16 all the same, and so does
 * latent attention under SGLang, of which nothing else was measured (the reference asks for `aic_fmha_dtype` there).
 */
export const quantisation = Effect.fnUntraced(function* (
  shape: ModelShape,
  config: ModelConfig,
  overrides: QuantOverrides,
  backend: string
) {
  const checkpoint = checkpointFormat(config)
  const gemm = yield* parseQuant("gemm", overrides.gemmDtype)
  const moe = yield* parseQuant("moe", overrides.moeDtype)
  const fmha = yield* parseQuant("fmha", overrides.fmhaDtype)
  const kvCache = yield* parseQuant("kvcache", overrides.kvCacheDtype)
  yield* parseQuant("comm", overrides.commDtype)
  const modes = weightModes(checkpoint) ?? overriddenModes(gemm, shape.moe === undefined ? gemm : moe)
  if (modes === undefined) {
    return yield* new AicError({
      where: shape.id,
      problem: `Unsupported quant algorithm '${checkpoint.algo}'`,
      advice: `give aic_gemm_dtype${shape.moe === undefined ? "" : " and aic_moe_dtype"}`
    })
  }
  const eightBit = checkpoint.kv === "fp8" || (checkpoint.algo !== undefined && eightBitAlgos.has(checkpoint.algo))
  const unmeasured = eightBit && fmha === undefined && shape.family === "mla" && backend === "sglang"
  const attention = fmha ?? (eightBit && !unmeasured ? "fp8" : "bfloat16")
  const chosen: Quantisation = {
    gemm: gemm ?? modes.gemm,
    moe: moe ?? modes.moe,
    fmha: backend === "vllm" && attention === "fp8" ? "bfloat16" : attention,
    kvCache: kvCache ?? (eightBit ? "fp8" : "bfloat16"),
    weightBlockRows: checkpoint.weightBlockRows,
    notes: unmeasured ? [noEightBitAttention] : []
  }
  return chosen
})
