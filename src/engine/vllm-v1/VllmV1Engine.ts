/** Engines that decide like a release of vLLM, as a Layer. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { type SettingsError, settingsError } from "../../settings/SettingsError.ts"
import { Timing } from "../../timing/Timing.ts"
import { Engine } from "../Engine.ts"
import { checkedEngineArgs, type EngineArgs } from "../EngineArgs.ts"
import { type EngineProfileName, engineProfiles, isVllmProfile } from "../EngineProfile.ts"
import { kvEventVisibilityOf } from "../KvEvents.ts"
import { passEstimator } from "../PassEstimate.ts"
import { completeVllmScheduler, schedulerSettingsOf } from "./SchedulerArgs.ts"
import { schedulerRules, type VllmProfileName } from "./SchedulerRules.ts"
import { VllmV1Worker } from "./VllmV1Worker.ts"

/** Of arguments that name a vLLM profile; what they do not say of its scheduler has the release's defaults. */
export const layer = (given: EngineArgs): Layer.Layer<Engine, SettingsError, Timing> =>
  Layer.effect(Engine)(
    Effect.gen(function* () {
      const checked = yield* Effect.fromResult(checkedEngineArgs(given))
      const profile = yield* Effect.fromResult(vllmProfileOf(checked.engineProfile))
      const scheduler = checked.vllmScheduler ?? completeVllmScheduler({}, profile, [])
      const settings = yield* Effect.fromResult(schedulerSettingsOf(checked, scheduler))
      const timing = yield* Timing
      const rules = schedulerRules[profile]
      // What the report shows as used.
      const args = { ...checked, vllmScheduler: { ...scheduler, maxModelLen: settings.maxModelTokens } }
      return Engine.of({
        args,
        kvEventVisibility: kvEventVisibilityOf(args, "pass-start"),
        passEstimator: () => passEstimator(args, timing),
        spawn: (context) => new VllmV1Worker(args, settings, rules, timing.make(), context)
      })
    })
  )

const vllmProfileOf = (profile: EngineProfileName): Result.Result<VllmProfileName, SettingsError> => {
  if (isVllmProfile(profile)) return Result.succeed(profile)
  const names = engineProfiles.filter(isVllmProfile).map((name) => JSON.stringify(name))
  return Result.fail(settingsError("engine_profile", `expected one of ${names.join(", ")}, got "${profile}"`))
}
