/** Engines that decide like a release of vLLM, as a Layer. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { SettingsError } from "../../settings/SettingsError.ts"
import { Timing } from "../../timing/Timing.ts"
import { Engine } from "../Engine.ts"
import { kvEventVisibilityOf } from "../KvEvents.ts"
import type { EngineArgs } from "../EngineArgs.ts"
import { schedulerSettingsOf, type VllmSchedulerArgs } from "./SchedulerArgs.ts"
import { schedulerRules, type VllmProfileName } from "./SchedulerRules.ts"
import { VllmV1Worker } from "./VllmV1Worker.ts"

/** Of checked arguments with a vLLM profile and what was given for its scheduler. */
export const layer = (
  given: EngineArgs,
  profile: VllmProfileName,
  scheduler: VllmSchedulerArgs
): Layer.Layer<Engine, SettingsError, Timing> =>
  Layer.effect(Engine)(
    Effect.gen(function* () {
      const settings = yield* Effect.fromResult(schedulerSettingsOf(given, scheduler))
      const timing = yield* Timing
      const rules = schedulerRules[profile]
      // What the report shows as used.
      const args = { ...given, vllmScheduler: { ...scheduler, maxModelLen: settings.maxModelTokens } }
      return Engine.of({
        args,
        kvEventVisibility: kvEventVisibilityOf(args, "pass-start"),
        spawn: (context) => new VllmV1Worker(args, settings, rules, timing.make(), context)
      })
    })
  )
