/** The vLLM-style engine as a Layer. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { EngineArgs } from "../../config/EngineArgs.ts"
import { Timing } from "../../timing/Timing.ts"
import { Engine } from "../Engine.ts"
import { type CapacityPolicy, guaranteedNoEvict, preemptive } from "./CapacityPolicy.ts"
import { VllmWorker } from "./VllmWorker.ts"

const layerWith = (args: EngineArgs, policy: CapacityPolicy): Layer.Layer<Engine, never, Timing> =>
  Layer.effect(Engine)(Effect.map(Timing, (timing) => Engine.of({
    args,
    kvEventVisibility: "pass-start",
    spawn: (context) => new VllmWorker(args, policy, timing.make(), context)
  })))

/** vLLM: admits optimistically, preempts by recomputation. */
export const layer = (args: EngineArgs): Layer.Layer<Engine, never, Timing> => layerWith(args, preemptive(args))

/** TensorRT-LLM: the same core, but admits only what is guaranteed to finish without eviction. */
export const layerTrtllm = (args: EngineArgs): Layer.Layer<Engine, never, Timing> =>
  layerWith(args, guaranteedNoEvict(args))
