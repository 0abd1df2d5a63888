/**
 * How many KV blocks a worker has room for: GPU memory less weights, activations and what libraries hold.
 * Formula and coefficients of the reference (ai-dynamo 1.3.1).
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import type { AicBundle } from "../bundle/AicBundle.ts"
import type { AicArgs } from "./AicArgs.ts"
import { AicError } from "./AicError.ts"
import type { AicSetup } from "./AicSetup.ts"
import { aicSetup } from "./FindSetup.ts"
import type { ActivationClass } from "./ModelConfig.ts"
import { kvHeadsPerGpu } from "./OpList.ts"
import type { Op } from "./Op.ts"
import { attentionBytes, weightFormat } from "./QuantMode.ts"

/** What the user may say about the memory of an engine; `undefined` takes the backend's default. */
export interface MemoryArgs {
  readonly blockTokens: number
  readonly maxNumBatchedTokens: number
  readonly gpuMemoryUtilization: number | undefined
  readonly memFractionStatic: number | undefined
  readonly freeGpuMemoryFraction: number | undefined
  /** Multi-token prediction, with a rate per draft token; `undefined` without. */
  readonly mtp: { readonly acceptRates: ReadonlyArray<number> } | undefined
}

/** Arguments of an engine whose KV pool may be sized. */
interface SizedArgs extends MemoryArgs {
  readonly aic: AicArgs | undefined
  readonly kvBytesPerToken: number | undefined
  readonly numGpuBlocks: number
}

const mebibyte = 2 ** 20
/** Where the token budget of a pass is unlimited, activations are sized for the default one. */
const defaultBatchedTokens = 8192

/** Activation bytes per token and head element, by tensor-parallel size. */
type Coefficients = Readonly<Record<number, number>>

interface ActivationModel {
  readonly coefficients: Readonly<Record<ActivationClass, Coefficients>>
  readonly minBytes: number
  readonly factor: number
}

const sglangActivations: ActivationModel = {
  coefficients: {
    dense: { 1: 14, 2: 8.5, 4: 6.5, 8: 6.5 },
    moe: { 1: 28, 2: 17, 4: 13, 8: 13 },
    multimodal: { 1: 13, 2: 8, 4: 6.5, 8: 6.5 }
  },
  minBytes: 90 * mebibyte,
  factor: 1.15
}

const otherActivations: ActivationModel = {
  coefficients: {
    dense: { 1: 11, 2: 6.5, 4: 5, 8: 5 },
    moe: { 1: 22, 2: 13, 4: 10, 8: 10 },
    multimodal: { 1: 10, 2: 6, 4: 5, 8: 5 }
  },
  minBytes: 70 * mebibyte,
  factor: 1
}

const weightBytes = (op: Op): number => {
  switch (op.op) {
    case "embedding":
      return op.vocab * op.hidden * 2
    case "gemm":
      return op.n * op.k * weightFormat(op.quant).bytesPerElement * op.count
    case "moe": {
      const { bytesPerElement } = weightFormat(op.quant)
      const perRank = Math.floor((op.hidden * op.inter * op.experts * bytesPerElement * 3) / op.moeEp)
      return Math.floor(perRank / op.moeTp) * op.count
    }
    case "fallback":
      return op.fallback.reduce((sum, each) => sum + weightBytes(each), 0)
    case "overlap":
      return [...op.first, ...op.second].reduce((sum, each) => sum + weightBytes(each), 0)
    default:
      return 0
  }
}

/** Tokens on their way to and from the experts of a model with latent attention; the reference adds it for these alone. */
const dispatchBytes = ({ backend, shape, sizes }: AicSetup, batchedTokens: number): number => {
  const { latent } = shape
  if (latent === undefined) return 0
  const width = backend === "sglang" ? latent.hidden : shape.heads * shape.headDim
  return ((batchedTokens * width * sizes.attentionDp * latent.experts * latent.topk) / sizes.moeEp / 128) * 4
}

/** Elements that a token occupies in the KV cache of one GPU, over all layers. */
const kvElements = ({ shape, sizes }: AicSetup): number =>
  shape.latent === undefined
    ? kvHeadsPerGpu(shape.kvHeads, sizes.tp) * shape.headDim * shape.layers * 2
    : shape.layers * shape.latent.kvDim

const nonKvBytes = Effect.fnUntraced(function* (setup: AicSetup, batchedTokens: number, draftTokens: number) {
  const { backend, lists, shape, sizes, system } = setup
  const width = Math.min(sizes.tp, 8)
  const model = backend === "sglang" ? sglangActivations : otherActivations
  const coefficient = model.coefficients[shape.activations][width]
  const ncclBytes = system.ncclMemBytes[String(width)]
  if (coefficient === undefined || ncclBytes === undefined) {
    return yield* new AicError({
      where: "aic_tp_size",
      problem: `KV capacity cannot be estimated for tensor-parallel size ${sizes.tp}`,
      advice: `known sizes: ${Object.keys(model.coefficients.dense).join(", ")} and more than 8; or give num_gpu_blocks`
    })
  }
  const weights = lists.context.reduce((sum, op) => sum + weightBytes(op), 0)
  const perStep = 2 * batchedTokens * shape.heads * shape.headDim * coefficient + dispatchBytes(setup, batchedTokens)
  const activations = Math.max(perStep * (draftTokens + 1), model.minBytes)
  const others = system.otherMemBytes * (backend === "sglang" ? 1.2 : 1)
  return weights + activations * model.factor + others + ncclBytes
})

/** Bytes left for KV; negative where the model does not fit. */
const budgetBytes = (setup: AicSetup, memory: MemoryArgs, taken: number): number => {
  const capacity = setup.system.memCapacityBytes
  switch (setup.backend) {
    case "sglang":
      return capacity * (memory.memFractionStatic ?? 0.88) - taken
    case "trtllm":
      return (capacity - taken) * (memory.freeGpuMemoryFraction ?? 0.9)
    default:
      return capacity * (memory.gpuMemoryUtilization ?? 0.9) - taken
  }
}

/** KV bytes of a token on each GPU that holds it or a part of it: keys and values of all layers, or their latents. */
const gpuBytesPerToken = (setup: AicSetup): number => attentionBytes(setup.kvCacheQuant) * kvElements(setup)

/** KV blocks of one attention-DP rank. */
export const blocksPerRank = Effect.fnUntraced(function* (setup: AicSetup, memory: MemoryArgs) {
  const batchedTokens = Number.isFinite(memory.maxNumBatchedTokens) ? memory.maxNumBatchedTokens : defaultBatchedTokens
  const draftTokens = setup.countsDrafts ? (memory.mtp?.acceptRates.length ?? 0) : 0
  const taken = yield* nonKvBytes(setup, batchedTokens, draftTokens)
  const budget = budgetBytes(setup, memory, taken)
  const blocks = Math.floor(Math.floor(budget / gpuBytesPerToken(setup)) / memory.blockTokens)
  if (budget <= 0 || blocks < 1) {
    return yield* new AicError({
      where: "num_gpu_blocks",
      problem:
        `no KV budget: non-KV memory (${Math.round(taken)} bytes) meets/exceeds the KV-cache memory limit `
        + `(capacity=${setup.system.memCapacityBytes} bytes)`,
      advice: "use more GPUs per worker (aic_tp_size), a smaller max_num_batched_tokens, or give num_gpu_blocks"
    })
  }
  return blocks
})

/** A KV pool as it is really deployed. */
export interface SizedPool<Args> {
  readonly args: Args
  /** KV bytes of a token over all GPUs that hold it or a part of it; `undefined` where neither a model nor the arguments tell. */
  readonly kvBytesPerToken: number | undefined
}

/** As {@link sizedPool}, for a setup that is known. */
export const poolOf = Effect.fnUntraced(function* <Args extends SizedArgs>(
  setup: AicSetup,
  args: Args,
  { sizesKvPool }: AicArgs
): Effect.fn.Return<SizedPool<Args>, AicError> {
  const kvBytesPerToken = gpuBytesPerToken(setup) * setup.sizes.tp
  if (!sizesKvPool) return { args, kvBytesPerToken }
  const blocks = yield* blocksPerRank(setup, args)
  return { args: { ...args, numGpuBlocks: blocks * setup.sizes.attentionDp }, kvBytesPerToken }
})

/** The KV pool sized by AIC where the arguments ask for it, else as given. */
export const sizedPool = Effect.fnUntraced(function* <Args extends SizedArgs>(
  args: Args,
  bundles: ReadonlyArray<AicBundle> = []
): Effect.fn.Return<SizedPool<Args>, AicError, FileSystem.FileSystem | Path.Path> {
  if (args.aic === undefined) return { args, kvBytesPerToken: args.kvBytesPerToken }
  return yield* poolOf(yield* aicSetup(args.aic, bundles), args, args.aic)
})

/** Engine arguments with the KV pool sized by AIC where they ask for it, else unchanged. */
export const withSizedPool = <Args extends SizedArgs>(
  args: Args,
  bundles: ReadonlyArray<AicBundle> = []
): Effect.Effect<Args, AicError, FileSystem.FileSystem | Path.Path> =>
  args.aic?.sizesKvPool === true ? Effect.map(sizedPool(args, bundles), (pool) => pool.args) : Effect.succeed(args)
