/** The usual ways to spread a model over GPUs. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import type { AicError } from "./AicError.ts"
import { modelConfig } from "./KnownModels.ts"
import { modelShape, type ModelShape } from "./ModelConfig.ts"
import type { ParallelSizes } from "./ParallelSizes.ts"

/** GPUs of a worker that are looked at. */
export const gpuCounts: ReadonlyArray<number> = [1, 2, 4, 8, 16, 32]

/** In words. */
export const spreadText = ({ attentionDp, moeEp, moeTp, tp }: ParallelSizes): string =>
  [
    `tp ${tp}`,
    ...(attentionDp > 1 ? [`attention dp ${attentionDp}`] : []),
    ...(moeTp > 1 ? [`expert tp ${moeTp}`] : []),
    ...(moeEp > 1 ? [`ep ${moeEp}`] : [])
  ].join(", ")

/** Factors of a power of two. */
const factorsOf = (gpus: number): ReadonlyArray<number> => gpuCounts.filter((factor) => factor <= gpus)

/**
 * Ways to spread a model over some GPUs, the usual one first: experts in parallel, each split like the rest, beside data-parallel
 * attention, then partly in parallel and partly split.
 */
export const spreads = (gpus: number, { moe }: ModelShape): ReadonlyArray<ParallelSizes> => {
  if (moe === undefined || gpus === 1) return [{ tp: gpus, moeTp: 1, moeEp: 1, attentionDp: 1 }]
  const mixed = factorsOf(gpus).filter((factor) => factor > 1 && factor < gpus)
  return [
    { tp: gpus, moeTp: 1, moeEp: gpus, attentionDp: 1 },
    { tp: gpus, moeTp: gpus, moeEp: 1, attentionDp: 1 },
    { tp: 1, moeTp: 1, moeEp: gpus, attentionDp: gpus },
    ...mixed.map((moeTp) => ({ tp: gpus, moeTp, moeEp: gpus / moeTp, attentionDp: 1 }))
  ]
}

/** All of them on at most so many GPUs, for a model by its name or folder. */
export const spreadsOf = Effect.fnUntraced(function* (
  modelPath: string,
  mostGpus: number
): Effect.fn.Return<ReadonlyArray<ParallelSizes>, AicError, FileSystem.FileSystem | Path.Path> {
  const { config, id } = yield* modelConfig(modelPath)
  const shape = yield* modelShape(id, config)
  return gpuCounts.filter((gpus) => gpus <= mostGpus).flatMap((gpus) => spreads(gpus, shape))
})
