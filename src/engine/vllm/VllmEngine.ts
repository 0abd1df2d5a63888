/** The vLLM-style engine as a Layer. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { SettingsError } from "../../settings/SettingsError.ts"
import { checkedEngineArgs, type EngineArgs } from "../EngineArgs.ts"
import { Timing } from "../../timing/Timing.ts"
import { Engine } from "../Engine.ts"
import { isVllmProfile } from "../EngineProfile.ts"
import { kvEventVisibilityOf } from "../KvEvents.ts"
import { passEstimator } from "../PassEstimate.ts"
import * as VllmV1Engine from "../vllm-v1/VllmV1Engine.ts"
import { guaranteedNoEvict, preemptive } from "./CapacityPolicy.ts"
import { VllmDecodeWorker } from "./VllmDecodeWorker.ts"
import { VllmPrefillWorker } from "./VllmPrefillWorker.ts"
import { VllmWorker } from "./VllmWorker.ts"

/** vLLM: admits optimistically, preempts by recomputation; by the rules of the engine profile that the arguments name. */
export const layer = (given: EngineArgs): Layer.Layer<Engine, SettingsError, Timing> =>
  Layer.unwrap(
    Effect.map(Effect.fromResult(checkedEngineArgs(given)), (args) =>
      isVllmProfile(args.engineProfile) ? VllmV1Engine.layer(args) : layerDynamo(args)
    )
  )

const layerDynamo = (args: EngineArgs): Layer.Layer<Engine, never, Timing> =>
  Layer.effect(Engine)(
    Effect.map(Timing, (timing) => {
      const policy = preemptive(args)
      return Engine.of({
        args,
        kvEventVisibility: kvEventVisibilityOf(args, "pass-start"),
        passEstimator: () => passEstimator(args, timing),
        spawn: (context) => new VllmWorker(args, policy, timing.make(), context),
        handoff: {
          order: "source-first",
          spawnSource: (context) => new VllmPrefillWorker(args, policy, timing.make(), context),
          spawnDestination: (context) => new VllmDecodeWorker(args, policy, timing.make(), context)
        }
      })
    })
  )

/** TensorRT-LLM: the same core, but admits only what is guaranteed to finish without eviction. */
export const layerTrtllm = (given: EngineArgs): Layer.Layer<Engine, SettingsError, Timing> =>
  Layer.effect(Engine)(
    Effect.gen(function* () {
      const args = yield* Effect.fromResult(checkedEngineArgs(given))
      const timing = yield* Timing
      const policy = guaranteedNoEvict(args)
      return Engine.of({
        args,
        kvEventVisibility: kvEventVisibilityOf(args, "pass-start"),
        passEstimator: () => passEstimator(args, timing),
        spawn: (context) => new VllmWorker(args, policy, timing.make(), context)
      })
    })
  )
