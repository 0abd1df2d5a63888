/**
 * The operations of a prefill pass and of a decode step, in the order their prices are added.
 *
 * The order and the small irregularities (no LM head in the prefill list of mixtures of experts, one 8-byte
 * add-and-norm per hidden element) are those of the reference's performance model (ai-dynamo 1.3.1).
 */
import type { ExpertShape, ModelShape } from "./ModelConfig.ts"
import type { Op } from "./Op.ts"
import type { ParallelSizes } from "./ParallelSizes.ts"
import type { Quantisation } from "./Quantisation.ts"

export interface OpLists {
  readonly context: ReadonlyArray<Op>
  readonly generation: ReadonlyArray<Op>
}

interface Plan {
  readonly shape: ModelShape
  readonly quant: Quantisation
  readonly sizes: ParallelSizes
  readonly backend: string
}

type Phase = "context" | "generation"

const div = (value: number, by: number): number => Math.floor(value / by)

/** KV heads of one GPU; they are replicated where there are fewer than GPUs. */
export const kvHeadsPerGpu = (kvHeads: number, tp: number): number => Math.ceil(kvHeads / tp)

const attention = ({ quant, shape, sizes }: Plan, phase: Phase, count: number, window: number): Op => {
  const fields = {
    name: `${phase}_attention`,
    count,
    heads: div(shape.heads, sizes.tp),
    kvHeads: kvHeadsPerGpu(shape.kvHeads, sizes.tp),
    headDim: shape.headDim,
    window,
    kvCache: quant.kvCache
  }
  return phase === "context"
    ? { op: "context_attention", ...fields, fmha: quant.fmha, qkNorm: shape.qkNorm }
    : { op: "generation_attention", ...fields }
}

const addNorm = ({ shape }: Plan, phase: Phase, index: 1 | 2): Op => ({
  op: "elementwise",
  name: `${phase}_add_norm_${index}`,
  count: shape.layers,
  bytesPerToken: 8 * shape.hidden
})

const gemm = ({ shape }: Plan, name: string, n: number, k: number, quant: string): Op => ({
  op: "gemm",
  name,
  count: shape.layers,
  n,
  k,
  quant,
  rows: "tokens"
})

const allReduce = ({ shape, sizes }: Plan, name: string, count: number): Op => ({
  op: "all_reduce",
  name,
  count,
  hidden: shape.hidden,
  gpus: sizes.tp
})

const denseFeedForward = (plan: Plan, phase: Phase): ReadonlyArray<Op> => {
  const { quant, shape, sizes } = plan
  const gateColumns = div(2 * shape.inter, sizes.tp)
  const interColumns = div(shape.inter, sizes.tp)
  return [
    gemm(plan, `${phase}_gate_ffn1_gemm`, gateColumns, shape.hidden, quant.gemm),
    {
      op: "elementwise",
      name: `${phase}_act_gate`,
      count: shape.layers,
      bytesPerToken: 2 * gateColumns + 2 * interColumns
    },
    gemm(plan, `${phase}_ffn2_gemm`, shape.hidden, interColumns, quant.gemm)
  ]
}

const expertFeedForward = (plan: Plan, phase: Phase, moe: ExpertShape): ReadonlyArray<Op> => {
  const { backend, quant, shape, sizes } = plan
  const spread = { moeTp: sizes.moeTp, moeEp: sizes.moeEp }
  const dispatch = (stage: "pre" | "post"): Op => ({
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
      quant: quant.moe
    },
    dispatch("post")
  ]
}

const phaseOps = (plan: Plan, phase: Phase): ReadonlyArray<Op> => {
  const { quant, shape, sizes } = plan
  const headColumns = div(shape.heads * shape.headDim, sizes.tp)
  const kvColumns = 2 * shape.headDim * kvHeadsPerGpu(shape.kvHeads, sizes.tp)
  const windowed = shape.slidingWindowTokens > 0
  const fullLayers = windowed ? shape.layers / 2 : shape.layers
  const ops: Array<Op> = []
  if (windowed) ops.push(attention(plan, phase, shape.layers / 2, shape.slidingWindowTokens))
  ops.push(
    { op: "embedding", name: `${phase}_embedding`, count: 1, vocab: div(shape.vocab, sizes.tp), hidden: shape.hidden },
    addNorm(plan, phase, 1),
    gemm(plan, `${phase}_qkv_gemm`, headColumns + kvColumns, shape.hidden, quant.gemm),
    attention(plan, phase, fullLayers, 0),
    gemm(plan, `${phase}_proj_gemm`, shape.hidden, headColumns, quant.gemm),
    addNorm(plan, phase, 2),
    ...(shape.moe === undefined ? denseFeedForward(plan, phase) : expertFeedForward(plan, phase, shape.moe))
  )
  if (shape.moe === undefined || phase === "generation") ops.push(lmHead(plan, phase))
  ops.push(allReduce(plan, `${phase}_embedding_ar`, 1))
  if (shape.moe === undefined) {
    ops.push(allReduce(plan, `${phase}_ar_1`, shape.layers), allReduce(plan, `${phase}_ar_2`, shape.layers))
  }
  return ops
}

const lmHead = ({ shape, sizes }: Plan, phase: Phase): Op => ({
  op: "gemm",
  name: `${phase}_logits_gemm`,
  count: 1,
  n: div(shape.vocab, sizes.tp),
  k: shape.hidden,
  quant: "bfloat16",
  rows: "requests"
})

/** Both lists for one model on one backend; sizes must have passed the parallel-size check. */
export const opLists = (shape: ModelShape, quant: Quantisation, sizes: ParallelSizes, backend: string): OpLists => {
  const plan = { shape, quant, sizes, backend }
  return { context: phaseOps(plan, "context"), generation: phaseOps(plan, "generation") }
}
