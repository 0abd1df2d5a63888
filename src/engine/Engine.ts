/**
 * The engine a run uses: configuration and a factory of worker cores. Layers: vLLM, SGLang and TensorRT-LLM style.
 */
import * as Context from "effect/Context"
import type { EngineArgs } from "./EngineArgs.ts"
import type { HandoffSupport } from "./Handoff.ts"
import type { KvEventVisibility } from "./KvEvents.ts"
import type { EngineMix } from "./MixedEngine.ts"
import type { PassEstimator } from "./PassEstimate.ts"
import type { WorkerContext } from "./WorkerContext.ts"
import type { WorkerCore } from "./WorkerCore.ts"

/** What a worker is: its arguments, and a factory of worker cores, one for each worker of a run. */
export class Engine extends Context.Service<
  Engine,
  {
    readonly args: EngineArgs
    readonly kvEventVisibility: KvEventVisibility
    readonly spawn: (context: WorkerContext) => WorkerCore
    /** For those who plan how many workers are needed; absent where the engine cannot tell how long a pass would take. */
    readonly passEstimator?: () => PassEstimator
    /** Present where workers differ: `args` are then those of the first group. */
    readonly mix?: EngineMix
    /** Present when the engine can serve as a prefill or decode pool. */
    readonly handoff?: HandoffSupport
  }
>()("dynosim/engine/Engine") {}
