/** What AIC data decides about a pool. A module of its own, loaded only by runs that name a model. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import type { EngineArgs } from "../engine/EngineArgs.ts"
import { withServerLimits } from "../engine/vllm-v1/SchedulerArgs.ts"
import type { AicError } from "../timing/aic/AicError.ts"
import { aicSetup } from "../timing/aic/FindSetup.ts"
import { type SizedPool, sizedPool } from "../timing/aic/KvCapacity.ts"
import type { RunFiles } from "./RunFiles.ts"

export { layer as timingLayer, prefillEstimator } from "../timing/aic/AicTiming.ts"

/** Limits that vLLM's server would choose by its GPU, where a vLLM profile was given none and the GPU is known. */
const serverLimited = Effect.fnUntraced(function* (
  args: EngineArgs,
  { bundles }: RunFiles
): Effect.fn.Return<EngineArgs, AicError, FileSystem.FileSystem | Path.Path> {
  if (args.aic === undefined || (args.vllmScheduler?.defaultLimits.length ?? 0) === 0) return args
  const { system } = yield* aicSetup(args.aic, bundles)
  return withServerLimits(args, system.memCapacityBytes, args.aic.system ?? "")
})

/** The arguments with limits and KV pool as the model and the GPU leave them. */
export const fittedPool = (
  args: EngineArgs,
  files: RunFiles
): Effect.Effect<SizedPool<EngineArgs>, AicError, FileSystem.FileSystem | Path.Path> =>
  Effect.flatMap(serverLimited(args, files), (limited) => sizedPool(limited, files.bundles))
