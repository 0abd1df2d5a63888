/** Engines that decide like a release of vLLM, as a Layer. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { EngineArgs } from "../EngineArgs.ts"
import { Timing } from "../../timing/Timing.ts"
import { Engine } from "../Engine.ts"
import type { SchedulerRules } from "./SchedulerRules.ts"
import type { SchedulerSettings } from "./SchedulerSettings.ts"
import { VllmV1Worker } from "./VllmV1Worker.ts"

export const layer = (
  args: EngineArgs,
  settings: SchedulerSettings,
  rules: SchedulerRules
): Layer.Layer<Engine, never, Timing> =>
  Layer.effect(Engine)(
    Effect.map(Timing, (timing) =>
      Engine.of({
        args,
        kvEventVisibility: "pass-start",
        spawn: (context) => new VllmV1Worker(args, settings, rules, timing.make(), context)
      })
    )
  )
