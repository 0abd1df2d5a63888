/**
 * The operations whose prices add up to a pass: what a model does once per token batch, with the shapes of one GPU.
 *
 * These schemas are also the file format of a bundle, hence plain JSON values. `count` is how often the operation
 * runs in a pass (layers, as a rule); all sizes are elements unless a name says otherwise.
 */
import { maxInt32 } from "../../structures/Int32.ts"
import * as Schema from "effect/Schema"

const largest = maxInt32
const Size = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: largest }))
const Positive = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: largest }))
const common = {
  name: Schema.String,
  count: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: largest })).annotate({
    description: "How often the operation runs in a pass."
  })
}

export const EmbeddingOp = Schema.Struct({
  op: Schema.Literal("embedding"),
  ...common,
  vocab: Positive,
  hidden: Positive
})

export const ElementwiseOp = Schema.Struct({
  op: Schema.Literal("elementwise"),
  ...common,
  bytesPerToken: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: largest }))
})

export const GemmOp = Schema.Struct({
  op: Schema.Literal("gemm"),
  ...common,
  n: Positive,
  k: Positive,
  quant: Schema.String,
  rows: Schema.Literals(["tokens", "requests"]).annotate({
    description: "Rows of the activation: every token of the pass, or one per request (the LM head)."
  })
})

const attentionFields = {
  heads: Positive,
  kvHeads: Positive,
  headDim: Positive,
  window: Size.annotate({ description: "Sliding window in tokens, 0 for full attention." }),
  kvCache: Schema.String
}

export const ContextAttentionOp = Schema.Struct({
  op: Schema.Literal("context_attention"),
  ...common,
  ...attentionFields,
  fmha: Schema.String,
  qkNorm: Schema.Boolean
})

export const GenerationAttentionOp = Schema.Struct({
  op: Schema.Literal("generation_attention"),
  ...common,
  ...attentionFields
})

export const MoeDispatchOp = Schema.Struct({
  op: Schema.Literal("moe_dispatch"),
  ...common,
  hidden: Positive,
  moeTp: Positive,
  moeEp: Positive,
  attentionDp: Positive,
  stage: Schema.Literals(["pre", "post"]),
  backend: Schema.String
})

export const MoeOp = Schema.Struct({
  op: Schema.Literal("moe"),
  ...common,
  hidden: Positive,
  inter: Positive,
  topk: Positive,
  experts: Positive,
  moeTp: Positive,
  moeEp: Positive,
  quant: Schema.String,
  distribution: Schema.optionalKey(Schema.Literals(["power_law_1.2", "power_law_1.01"])).annotate({
    description: "How unevenly tokens fall on experts in the measurements; power_law_1.2 if absent."
  }),
  ranks: Schema.optionalKey(Positive).annotate({
    description: "Attention-parallel ranks whose tokens these experts serve; 1 if absent."
  })
})

export const AllReduceOp = Schema.Struct({
  op: Schema.Literal("all_reduce"),
  ...common,
  hidden: Positive,
  gpus: Positive
})

export const MlaContextModuleOp = Schema.Struct({
  op: Schema.Literal("mla_context_module"),
  ...common,
  heads: Positive,
  kvCache: Schema.String,
  fmha: Schema.String,
  gemm: Schema.String
})

export const MlaGenerationModuleOp = Schema.Struct({
  op: Schema.Literal("mla_generation_module"),
  ...common,
  heads: Positive,
  kvCache: Schema.String,
  fmha: Schema.String,
  gemm: Schema.String
})

export const ContextMlaOp = Schema.Struct({
  op: Schema.Literal("context_mla"),
  ...common,
  heads: Positive,
  kvCache: Schema.String,
  fmha: Schema.String
})

export const GenerationMlaOp = Schema.Struct({
  op: Schema.Literal("generation_mla"),
  ...common,
  heads: Positive,
  kvCache: Schema.String
})

export const MlaBmmOp = Schema.Struct({
  op: Schema.Literal("mla_bmm"),
  ...common,
  heads: Positive,
  quant: Schema.String,
  stage: Schema.Literals(["pre", "post"])
})

/** Operations that are looked up or computed on their own. */
export const SingleOp = Schema.Union([
  EmbeddingOp,
  ElementwiseOp,
  GemmOp,
  ContextAttentionOp,
  GenerationAttentionOp,
  MoeDispatchOp,
  MoeOp,
  AllReduceOp,
  MlaContextModuleOp,
  MlaGenerationModuleOp,
  ContextMlaOp,
  GenerationMlaOp,
  MlaBmmOp
]).annotate({ identifier: "SingleOp" })

/** The price of `primary` where it was measured, else the sum of the others. */
export const FallbackOp = Schema.Struct({
  op: Schema.Literal("fallback"),
  name: Schema.String,
  primary: SingleOp,
  fallback: Schema.Array(SingleOp)
})

/** Two sequences at the same time: the price of the longer one. */
export const OverlapOp = Schema.Struct({
  op: Schema.Literal("overlap"),
  name: Schema.String,
  first: Schema.Array(SingleOp),
  second: Schema.Array(SingleOp)
})

export const Op = Schema.Union([SingleOp, FallbackOp, OverlapOp])

export type EmbeddingOp = typeof EmbeddingOp.Type
export type ElementwiseOp = typeof ElementwiseOp.Type
export type GemmOp = typeof GemmOp.Type
export type ContextAttentionOp = typeof ContextAttentionOp.Type
export type GenerationAttentionOp = typeof GenerationAttentionOp.Type
export type MoeDispatchOp = typeof MoeDispatchOp.Type
export type MoeOp = typeof MoeOp.Type
export type AllReduceOp = typeof AllReduceOp.Type
export type MlaContextModuleOp = typeof MlaContextModuleOp.Type
export type MlaGenerationModuleOp = typeof MlaGenerationModuleOp.Type
export type ContextMlaOp = typeof ContextMlaOp.Type
export type GenerationMlaOp = typeof GenerationMlaOp.Type
export type MlaBmmOp = typeof MlaBmmOp.Type
export type SingleOp = typeof SingleOp.Type
export type FallbackOp = typeof FallbackOp.Type
export type OverlapOp = typeof OverlapOp.Type
export type Op = typeof Op.Type
