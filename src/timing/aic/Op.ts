/**
 * The operations whose prices add up to a pass: what a model does once per token batch, with the shapes of one GPU.
 *
 * These schemas are also the file format of a bundle, hence plain JSON values. `count` is how often the operation
 * runs in a pass (layers, as a rule); all sizes are elements unless a name says otherwise.
 */
import * as Schema from "effect/Schema"

const Size = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Positive = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))
const common = {
  name: Schema.String,
  count: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)).annotate({
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
  bytesPerToken: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
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
  quant: Schema.String
})

export const AllReduceOp = Schema.Struct({
  op: Schema.Literal("all_reduce"),
  ...common,
  hidden: Positive,
  gpus: Positive
})

export const Op = Schema.Union([
  EmbeddingOp,
  ElementwiseOp,
  GemmOp,
  ContextAttentionOp,
  GenerationAttentionOp,
  MoeDispatchOp,
  MoeOp,
  AllReduceOp
])

export type EmbeddingOp = typeof EmbeddingOp.Type
export type ElementwiseOp = typeof ElementwiseOp.Type
export type GemmOp = typeof GemmOp.Type
export type ContextAttentionOp = typeof ContextAttentionOp.Type
export type GenerationAttentionOp = typeof GenerationAttentionOp.Type
export type MoeDispatchOp = typeof MoeDispatchOp.Type
export type MoeOp = typeof MoeOp.Type
export type AllReduceOp = typeof AllReduceOp.Type
export type Op = typeof Op.Type
