/**
 * Numeric formats of weights, experts, attention and KV cache: what a name may be, what it weighs and how fast it
 * computes. Factors as the reference's performance model has them (ai-dynamo 1.3.1).
 */
import * as Effect from "effect/Effect"
import { AicError } from "./AicError.ts"

/** What a format is chosen for. */
export type QuantRole = "gemm" | "moe" | "fmha" | "kvcache" | "comm"

/** Allowed names per role, in the order an error lists them. */
export const quantNames: Readonly<Record<QuantRole, ReadonlyArray<string>>> = {
  gemm: ["bfloat16", "int8_wo", "int4_wo", "fp8", "fp8_static", "sq", "fp8_block", "fp8_ootb", "nvfp4"],
  moe: ["bfloat16", "fp8", "int4_wo", "fp8_block", "w4afp8", "nvfp4", "w4a16_mxfp4", "w4a8_mxfp4_mxfp8"],
  fmha: ["bfloat16", "fp8", "fp8_block"],
  kvcache: ["bfloat16", "int8", "fp8"],
  comm: ["half"]
}

interface WeightFormat {
  readonly bytesPerElement: number
  /** Tensor-core throughput relative to bfloat16. */
  readonly computeFactor: number
}

const format = (bytesPerElement: number, computeFactor: number): WeightFormat => ({ bytesPerElement, computeFactor })

const weightFormats: ReadonlyMap<string, WeightFormat> = new Map([
  ["bfloat16", format(2, 1)],
  ["fp8", format(1, 2)],
  ["fp8_static", format(1, 2)],
  ["fp8_block", format(1, 2)],
  ["sq", format(1, 2)],
  ["fp8_ootb", format(1, 2)],
  ["int8_wo", format(1, 1)],
  ["int4_wo", format(0.5, 1)],
  ["nvfp4", format(9 / 16, 4)],
  ["w4afp8", format(0.5, 2)],
  ["w4a16_mxfp4", format(0.5, 1)],
  ["w4a8_mxfp4_mxfp8", format(0.5, 2)]
])

/** Weight format of a GEMM or MoE mode; names outside {@link quantNames} count as bfloat16. */
export const weightFormat = (quant: string): WeightFormat => weightFormats.get(quant) ?? format(2, 1)

/** Bytes of one attention operand (`fmha`) or one KV element (`kvcache`): 2 for bfloat16, else 1. */
export const attentionBytes = (mode: string): number => (mode === "bfloat16" ? 2 : 1)

const unsetNames: ReadonlySet<string> = new Set(["", "auto", "none", "null"])

/**
 * A dtype as the user wrote it, normalised: trimmed, in lower case, `int4` for `int4_wo`. `auto`, `none`, `null` and
 * empty mean "the model's own": `undefined`.
 */
export const normalisedQuant = (value: string | undefined): string | undefined => {
  const name = value?.trim().toLowerCase() ?? ""
  if (unsetNames.has(name)) return undefined
  return name === "int4" ? "int4_wo" : name
}

/** A normalised dtype; fails on a name that the role does not know. */
export const parseQuant = (role: QuantRole, value: string | undefined): Effect.Effect<string | undefined, AicError> => {
  const name = normalisedQuant(value)
  if (name === undefined || quantNames[role].includes(name)) return Effect.succeed(name)
  const given = value?.trim() ?? ""
  const normalised = name === given ? "" : ` (normalized to '${name}')`
  return Effect.fail(
    new AicError({
      where: argumentOf[role],
      problem: `unsupported AIC ${role} quant mode '${given}'${normalised}`,
      advice: `supported values: ${quantNames[role].join(", ")}`
    })
  )
}

const argumentOf: Readonly<Record<QuantRole, string>> = {
  gemm: "aic_gemm_dtype",
  moe: "aic_moe_dtype",
  fmha: "aic_fmha_dtype",
  kvcache: "aic_kv_cache_dtype",
  comm: "aic_comm_dtype"
}
