/**
 * The operations of models with multi-head latent attention: DeepSeek-V3 and its descendants, Kimi-K2.
 *
 * Attention with its projections is one measured module where the tables have it, else its parts. As in the reference
 * (ai-dynamo 1.3.1) every layer is an expert layer with one shared expert, modules and projections are those of DeepSeek-V3
 * (128 heads, whatever the model has), and the output projection of a decode step has the width of the model.
 */
import type { ExpertShape, LatentShape } from "./ModelConfig.ts"
import type { FallbackOp, Op, OverlapOp, SingleOp } from "./Op.ts"
import { addNorm, allReduce, div, expertBlock, gatedBlock, gemm, lmHead, type Phase, type Plan } from "./OpPlan.ts"

/** Heads of the measured modules. */
const moduleHeads = 128
/** Columns of the projections of DeepSeek-V3: down to the latents, up to the queries, up to keys and values. */
const downColumns = 2112
const queryRank = 1536
const queryColumns = 24_576
const kvRank = 512
const kvColumns = 32_768
/** Columns of all values together. */
const valueColumns = 16_384

const ownAttention = ({ quant, shape, sizes }: Plan, latent: LatentShape) => ({
  count: shape.layers,
  heads: div(shape.heads, sizes.tp),
  kvHeads: div(shape.kvHeads, sizes.tp),
  headDim: latent.valueDim,
  window: 0,
  kvCache: quant.kvCache
})

const contextAttention = (plan: Plan, latent: LatentShape): SingleOp => {
  const { backend, quant, shape, sizes } = plan
  const name = "context_attention"
  return backend === "vllm"
    ? { op: "context_attention", name, ...ownAttention(plan, latent), fmha: quant.fmha, qkNorm: false }
    : {
        op: "context_mla",
        name,
        count: shape.layers,
        heads: div(moduleHeads, sizes.tp),
        kvCache: quant.kvCache,
        fmha: quant.fmha
      }
}

const generationAttention = (plan: Plan, latent: LatentShape): ReadonlyArray<SingleOp> => {
  const { backend, quant, shape, sizes } = plan
  const name = "generation_attention"
  if (backend === "vllm") return [{ op: "generation_attention", name, ...ownAttention(plan, latent) }]
  const absorb = (stage: "pre" | "post"): SingleOp => ({
    op: "mla_bmm",
    name: `generation_bmm_${stage}`,
    count: shape.layers,
    heads: div(shape.heads, sizes.tp),
    quant: quant.gemm === "bfloat16" ? "bfloat16" : "fp8",
    stage
  })
  const heads = div(moduleHeads, sizes.tp)
  const kernel: SingleOp = { op: "generation_mla", name, count: shape.layers, heads, kvCache: quant.kvCache }
  return [absorb("pre"), kernel, absorb("post")]
}

const attentionBlock = (plan: Plan, phase: Phase, latent: LatentShape): FallbackOp => {
  const { quant, shape, sizes } = plan
  const common = {
    name: `${phase}_mla_module`,
    count: shape.layers,
    heads: div(moduleHeads, sizes.tp),
    kvCache: quant.kvCache,
    fmha: quant.fmha,
    gemm: quant.gemm
  }
  const project = (name: string, n: number, k: number) => gemm(plan, `${phase}_${name}_gemm`, n, k, quant.gemm)
  const down = project("downscale", downColumns, shape.hidden)
  const query = project("q_b_proj", div(queryColumns, sizes.tp), queryRank)
  return phase === "context"
    ? {
        op: "fallback",
        name: "context_mla_block",
        primary: { op: "mla_context_module", ...common },
        fallback: [
          down,
          query,
          project("kv_b_proj", div(kvColumns, sizes.tp), kvRank),
          contextAttention(plan, latent),
          project("proj", shape.hidden, div(valueColumns, sizes.tp))
        ]
      }
    : {
        op: "fallback",
        name: "generation_mla_block",
        primary: { op: "mla_generation_module", ...common },
        fallback: [
          down,
          query,
          ...generationAttention(plan, latent),
          project("proj", shape.hidden, div(shape.hidden, sizes.tp))
        ]
      }
}

const expertsAndShared = (plan: Plan, phase: Phase, moe: ExpertShape): ReadonlyArray<Op> => {
  const experts = expertBlock(plan, phase, moe, "power_law_1.01")
  const shared = gatedBlock(plan, moe.inter, [
    `${phase}_shared_gate_up_gemm`,
    `${phase}_shared_act_gate`,
    `${phase}_shared_ffn2_gemm`
  ])
  if (phase === "context") return [...shared, ...experts]
  const overlap: OverlapOp = { op: "overlap", name: "generation_moe_overlap", first: experts, second: shared }
  return [overlap]
}

/** One list of a model with latent attention. */
export const latentPhaseOps = (plan: Plan, phase: Phase, latent: LatentShape, moe: ExpertShape): ReadonlyArray<Op> => {
  const { backend, shape } = plan
  const ops: Array<Op> = [
    { op: "embedding", name: `${phase}_embedding`, count: 1, vocab: shape.vocab, hidden: shape.hidden },
    addNorm(plan, phase, 1),
    attentionBlock(plan, phase, latent),
    addNorm(plan, phase, 2),
    ...expertsAndShared(plan, phase, moe),
    lmHead(plan, phase)
  ]
  if (backend === "vllm") ops.push(allReduce(plan, `${phase}_tp_allreduce`, 2 * shape.layers))
  return ops
}
