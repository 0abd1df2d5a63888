/** The fewest GPUs on which a model can be timed in a slice, and how it is spread over them. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import * as Result from "effect/Result"
import type { AicError } from "./AicError.ts"
import { makeAicModel } from "./AicModel.ts"
import type { AicModelArgs } from "./AicArgs.ts"
import { aicSetup } from "./FindSetup.ts"
import { modelConfig } from "./KnownModels.ts"
import { blocksPerRank } from "./KvCapacity.ts"
import { modelShape } from "./ModelConfig.ts"
import type { ParallelSizes } from "./ParallelSizes.ts"
import { gpuCounts, spreads } from "./Spreads.ts"
import type { SliceName } from "./TableSlices.ts"

export interface Layout {
  readonly gpus: number
  readonly sizes: ParallelSizes
  /** KV pool of a worker with the backend's defaults, in tokens. */
  readonly kvTokens: number
}

/** Tokens per block and pass that the pool is sized for; the smallest block wastes nothing. */
const memory = {
  blockTokens: 1,
  maxNumBatchedTokens: 8192,
  gpuMemoryUtilization: undefined,
  memFractionStatic: undefined,
  freeGpuMemoryFraction: undefined,
  mtp: undefined
}

const argsFor = (slice: SliceName, modelPath: string, sizes: ParallelSizes): AicModelArgs => ({
  backend: slice.backend,
  system: slice.system,
  backendVersion: slice.version,
  modelPath,
  tpSize: sizes.tp,
  moeTpSize: sizes.moeTp,
  moeEpSize: sizes.moeEp,
  attentionDpSize: sizes.attentionDp,
  gemmDtype: undefined,
  moeDtype: undefined,
  fmhaDtype: undefined,
  kvCacheDtype: undefined,
  commDtype: undefined,
  moeTokens: undefined,
  nextnCost: undefined
})

/** The layout of one spread; fails where the model does not fit or something was not measured. */
const tryLayout = Effect.fnUntraced(function* (slice: SliceName, modelPath: string, sizes: ParallelSizes) {
  const setup = yield* aicSetup(argsFor(slice, modelPath, sizes))
  const blocks = yield* blocksPerRank(setup, memory)
  yield* makeAicModel(setup.lists, yield* setup.tables, setup.system)
  const layout: Layout = { gpus: sizes.tp * sizes.attentionDp, sizes, kvTokens: blocks * sizes.attentionDp }
  return layout
})

/** How much a reason tells: that something was not measured, more than a lack of memory, more than sizes that do not fit. */
const weight = ({ where }: AicError): number => (where === "num_gpu_blocks" ? 1 : where.startsWith("aic_") ? 0 : 2)

/** The smallest layout of up to 32 GPUs; fails with the most telling reason why there is none. */
export const smallestLayout = Effect.fnUntraced(function* (
  slice: SliceName,
  modelPath: string
): Effect.fn.Return<Layout, AicError, FileSystem.FileSystem | Path.Path> {
  const { config, id } = yield* modelConfig(modelPath)
  const shape = yield* modelShape(id, config)
  const reasons: Array<AicError> = []
  for (const sizes of gpuCounts.flatMap((gpus) => spreads(gpus, shape))) {
    const tried = yield* Effect.result(tryLayout(slice, modelPath, sizes))
    if (Result.isSuccess(tried)) return tried.success
    reasons.push(tried.failure)
  }
  return yield* Effect.fail(reasons.reduce((best, reason) => (weight(reason) > weight(best) ? reason : best)))
})
