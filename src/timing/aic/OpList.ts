/**
 * The operations of a prefill pass and of a decode step, in the order their prices are added.
 *
 * The order and the small irregularities (no LM head in the prefill list of mixtures of experts, one 8-byte
 * add-and-norm per hidden element) are those of the reference's performance model (ai-dynamo 1.3.1).
 */
import { latentPhaseOps } from "./MlaOpList.ts"
import type { Op, SingleOp } from "./Op.ts"
import {
  addNorm,
  allReduce,
  div,
  expertBlock,
  gatedBlock,
  gemm,
  lmHead,
  type OpLists,
  type Phase,
  type Plan
} from "./OpPlan.ts"

/** KV heads of one GPU; they are replicated where there are fewer than GPUs. */
export const kvHeadsPerGpu = (kvHeads: number, tp: number): number => Math.ceil(kvHeads / tp)

const attention = ({ quant, shape, sizes }: Plan, phase: Phase, count: number, window: number): SingleOp => {
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

const feedForward = (plan: Plan, phase: Phase): ReadonlyArray<SingleOp> =>
  plan.shape.moe === undefined
    ? gatedBlock(plan, plan.shape.inter, [`${phase}_gate_ffn1_gemm`, `${phase}_act_gate`, `${phase}_ffn2_gemm`])
    : expertBlock(plan, phase, plan.shape.moe)

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
    ...feedForward(plan, phase)
  )
  if (shape.moe === undefined || phase === "generation") ops.push(lmHead(plan, phase))
  ops.push(allReduce(plan, `${phase}_embedding_ar`, 1))
  if (shape.moe === undefined) {
    ops.push(allReduce(plan, `${phase}_ar_1`, shape.layers), allReduce(plan, `${phase}_ar_2`, shape.layers))
  }
  return ops
}

/** Both lists for one model on one backend; sizes must have passed the parallel-size check. */
export const opLists = (plan: Plan): OpLists => {
  const { latent, moe } = plan.shape
  const ops = (phase: Phase) =>
    latent === undefined || moe === undefined ? phaseOps(plan, phase) : latentPhaseOps(plan, phase, latent, moe)
  return { context: ops("context"), generation: ops("generation") }
}
