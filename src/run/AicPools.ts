/** What AIC data decides about a pool. A module of its own, loaded only by runs that name a model. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import type { EngineArgs } from "../engine/EngineArgs.ts"
import { withServerLimits } from "../engine/vllm-v1/SchedulerArgs.ts"
import type { AicArgs } from "../timing/aic/AicArgs.ts"
import type { AicError } from "../timing/aic/AicError.ts"
import type { AicSetup } from "../timing/aic/AicSetup.ts"
import { prefillEstimator as makePrefillEstimator, setupLayer } from "../timing/aic/AicTiming.ts"
import { aicSetup } from "../timing/aic/FindSetup.ts"
import { poolOf } from "../timing/aic/KvCapacity.ts"
import { Timing } from "../timing/Timing.ts"
import { blamingFlags, blamingPlace } from "./AicBlame.ts"
import type { FittedPool } from "./Deployment.ts"
import type { RunFiles } from "./RunFiles.ts"

/** The estimate of the router; its arguments are flags. */
export const prefillEstimator = (...args: Parameters<typeof makePrefillEstimator>) =>
  Effect.mapError(makePrefillEstimator(...args), blamingFlags)

/** Limits that vLLM's server would choose by its GPU, where a vLLM profile was given none and the GPU is known. */
const serverLimited = (args: EngineArgs, aic: AicArgs, { system }: AicSetup): EngineArgs =>
  (args.vllmScheduler?.defaultLimits.length ?? 0) === 0
    ? args
    : withServerLimits(args, system.memCapacityBytes, aic.system ?? "")

/** The arguments with limits and KV pool as the model and the GPU leave them, and the timing of that model; `place` is where they were given. */
export const fittedPool = Effect.fnUntraced(function* (
  args: EngineArgs,
  aic: AicArgs,
  { bundles }: RunFiles,
  place: string
): Effect.fn.Return<FittedPool, AicError, FileSystem.FileSystem | Path.Path> {
  const blamed = blamingPlace(place)
  const setup = yield* Effect.mapError(aicSetup(aic, bundles), blamed)
  const pool = yield* Effect.mapError(poolOf(setup, serverLimited(args, aic, setup), aic), blamed)
  const timing = Layer.catchTag(setupLayer(setup, args.mtp?.acceptRates.length), "AicError", (error) =>
    Layer.effect(Timing)(blamed(error))
  )
  return { ...pool, timing }
})
