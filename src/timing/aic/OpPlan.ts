/** What operation lists are built from, and the operations that those of several families share. */
import type { ExpertShape, ModelShape } from "./ModelConfig.ts"
import type { Op, SingleOp } from "./Op.ts"
import type { ParallelSizes } from "./ParallelSizes.ts"
import type { Quantisation } from "./Quantisation.ts"

export interface OpLists {
  readonly context: ReadonlyArray<Op>
  readonly generation: ReadonlyArray<Op>
}

/** Whose tokens the expert layers are priced for: those of one attention-parallel rank, as the reference does, or of all. */
export const expertTokens = ["one_rank", "all_ranks"] as const
export type ExpertTokens = (typeof expertTokens)[number]

export interface Plan {
  readonly shape: ModelShape
  readonly quant: Quantisation
  readonly sizes: ParallelSizes
  readonly backend: string
  readonly expertTokens: ExpertTokens
}

export type Phase = "context" | "generation"

export const div = (value: number, by: number): number => Math.floor(value / by)

export const elementwise = ({ shape }: Plan, name: string, bytesPerToken: number): SingleOp => ({
  op: "elementwise",
  name,
  count: shape.layers,
  bytesPerToken
})

export const addNorm = (plan: Plan, phase: Phase, index: 1 | 2): SingleOp =>
  elementwise(plan, `${phase}_add_norm_${index}`, 8 * plan.shape.hidden)

export const gemm = ({ shape }: Plan, name: string, n: number, k: number, quant: string): SingleOp => ({
  op: "gemm",
  name,
  count: shape.layers,
  n,
  k,
  quant,
  rows: "tokens"
})

export const lmHead = ({ shape, sizes }: Plan, phase: Phase): SingleOp => ({
  op: "gemm",
  name: `${phase}_logits_gemm`,
  count: 1,
  n: div(shape.vocab, sizes.tp),
  k: shape.hidden,
  quant: "bfloat16",
  rows: "requests"
})

export const allReduce = ({ shape, sizes }: Plan, name: string, count: number): SingleOp => ({
  op: "all_reduce",
  name,
  count,
  hidden: shape.hidden,
  gpus: sizes.tp
})

/** A gated feed-forward block of `inter` columns, named by its parts. */
export const gatedBlock = (
  plan: Plan,
  inter: number,
  [up, act, down]: readonly [up: string, act: string, down: string]
): ReadonlyArray<SingleOp> => {
  const { quant, shape, sizes } = plan
  const gateColumns = div(2 * inter, sizes.tp)
  const interColumns = div(inter, sizes.tp)
  return [
    gemm(plan, up, gateColumns, shape.hidden, quant.gemm),
    elementwise(plan, act, 2 * gateColumns + 2 * interColumns),
    gemm(plan, down, shape.hidden, interColumns, quant.gemm)
  ]
}

/** Router, dispatch, experts and combination. */
export const expertBlock = (
  plan: Plan,
  phase: Phase,
  moe: ExpertShape,
  distribution?: "power_law_1.01"
): ReadonlyArray<SingleOp> => {
  const { backend, expertTokens, quant, shape, sizes } = plan
  const spread = { moeTp: sizes.moeTp, moeEp: sizes.moeEp }
  const dispatch = (stage: "pre" | "post"): SingleOp => ({
    op: "moe_dispatch",
    name: `${phase}_moe_${stage}_dispatch`,
    count: shape.layers,
    hidden: shape.hidden,
    ...spread,
    attentionDp: sizes.attentionDp,
    stage,
    backend
  })
  return [
    gemm(plan, `${phase}_router_gemm`, moe.experts, shape.hidden, "bfloat16"),
    dispatch("pre"),
    {
      op: "moe",
      name: `${phase}_moe`,
      count: shape.layers,
      hidden: shape.hidden,
      ...moe,
      ...spread,
      quant: quant.moe,
      ...(distribution === undefined ? {} : { distribution }),
      ...(expertTokens === "all_ranks" ? { ranks: sizes.attentionDp } : {})
    },
    dispatch("post")
  ]
}
