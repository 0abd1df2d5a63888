/** The SGLang-style engine as a Layer. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { SettingsError } from "../../settings/SettingsError.ts"
import { checkedEngineArgs, type EngineArgs } from "../EngineArgs.ts"
import { Timing } from "../../timing/Timing.ts"
import { Engine } from "../Engine.ts"
import { kvEventVisibilityOf } from "../KvEvents.ts"
import { passEstimator } from "../PassEstimate.ts"
import { SglangDecodeWorker } from "./SglangDecodeWorker.ts"
import { SglangPrefillWorker } from "./SglangPrefillWorker.ts"
import { SglangWorker } from "./SglangWorker.ts"

/** SGLang-style workers. Fails with what is wrong with the arguments. */
export const layer = (given: EngineArgs): Layer.Layer<Engine, SettingsError, Timing> =>
  Layer.effect(Engine)(
    Effect.gen(function* () {
      const args = yield* Effect.fromResult(checkedEngineArgs(given))
      const timing = yield* Timing
      return Engine.of({
        args,
        kvEventVisibility: kvEventVisibilityOf(args, "pass-end"),
        passEstimator: () => passEstimator(args, timing),
        spawn: (context) => new SglangWorker(args, timing.make(), context),
        handoff: {
          order: "destination-first",
          spawnSource: (context) => new SglangPrefillWorker(args, timing.make(), context),
          spawnDestination: (context) => new SglangDecodeWorker(args, timing.make(), context)
        }
      })
    })
  )
