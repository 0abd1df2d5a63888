/** How one simulated engine is spread over GPUs. */
import * as Effect from "effect/Effect"
import { AicError } from "./AicError.ts"
import type { ModelShape } from "./ModelConfig.ts"
import type { Quantisation } from "./Quantisation.ts"

export interface ParallelSizes {
  readonly tp: number
  readonly moeTp: number
  readonly moeEp: number
  readonly attentionDp: number
}

const fail = (where: string, problem: string, advice?: string) =>
  Effect.fail(new AicError(advice === undefined ? { where, problem } : { where, problem, advice }))

const checkExperts = (
  shape: ModelShape,
  quant: Quantisation,
  { attentionDp, moeEp, moeTp, tp }: ParallelSizes
): Effect.Effect<void, AicError> => {
  if (shape.moe === undefined) return Effect.void
  if (tp * attentionDp !== moeTp * moeEp) {
    return fail(
      "aic_moe_tp_size, aic_moe_ep_size",
      `Parallelism width mismatch: tp_size(${tp}) * attention_dp_size(${attentionDp}) = ${tp * attentionDp}, `
        + `but moe_tp_size(${moeTp}) * moe_ep_size(${moeEp}) = ${moeTp * moeEp}. These must be equal.`
    )
  }
  if (moeEp > shape.moe.experts) {
    return fail("aic_moe_ep_size", `moe_ep_size ${moeEp} exceeds the ${shape.moe.experts} experts of ${shape.id}`)
  }
  const interPerGpu = Math.floor(shape.moe.inter / moeTp)
  return quant.moe === "fp8_block" && interPerGpu % quant.weightBlockRows !== 0
    ? fail(
        "aic_moe_tp_size",
        `experts of ${shape.moe.inter} columns over moe_tp_size ${moeTp} do not divide into quantisation blocks of `
          + `${quant.weightBlockRows}`,
        "use a smaller moe_tp_size"
      )
    : Effect.void
}

/** Fails where the sizes do not fit the model, with the reference's wording where it has one. */
export const checkParallelSizes = (
  shape: ModelShape,
  quant: Quantisation,
  sizes: ParallelSizes
): Effect.Effect<void, AicError> =>
  shape.heads % sizes.tp === 0
    ? checkExperts(shape, quant, sizes)
    : fail("aic_tp_size", `num_heads ${shape.heads} should be divisible by tp_size ${sizes.tp}`)
