/** What AIC data decides about a pool. A module of its own, loaded only by runs that name a model. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import type { EngineArgs } from "../engine/EngineArgs.ts"
import { withServerLimits } from "../engine/vllm-v1/SchedulerArgs.ts"
import type { AicArgs } from "../timing/aic/AicArgs.ts"
import type { AicError } from "../timing/aic/AicError.ts"
import type { AicSetup } from "../timing/aic/AicSetup.ts"
import { setupLayer } from "../timing/aic/AicTiming.ts"
import { aicSetup } from "../timing/aic/FindSetup.ts"
import { poolOf } from "../timing/aic/KvCapacity.ts"
import type { FittedPool } from "./Deployment.ts"
import type { RunFiles } from "./RunFiles.ts"

export { prefillEstimator } from "../timing/aic/AicTiming.ts"

/** Limits that vLLM's server would choose by its GPU, where a vLLM profile was given none and the GPU is known. */
const serverLimited = (args: EngineArgs, aic: AicArgs, { system }: AicSetup): EngineArgs =>
  (args.vllmScheduler?.defaultLimits.length ?? 0) === 0
    ? args
    : withServerLimits(args, system.memCapacityBytes, aic.system ?? "")

/** The arguments with limits and KV pool as the model and the GPU leave them, and the timing of that model. */
export const fittedPool = Effect.fnUntraced(function* (
  args: EngineArgs,
  aic: AicArgs,
  { bundles }: RunFiles
): Effect.fn.Return<FittedPool, AicError, FileSystem.FileSystem | Path.Path> {
  const setup = yield* aicSetup(aic, bundles)
  const pool = yield* poolOf(setup, serverLimited(args, aic, setup), aic)
  return { ...pool, timing: setupLayer(setup, args.mtp?.acceptRates.length) }
})
