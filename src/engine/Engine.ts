/**
 * The engine a run uses: configuration and a factory of worker cores. Layers: vLLM, SGLang and TensorRT-LLM style.
 */
import * as Context from "effect/Context"
import type { EngineArgs } from "../config/EngineArgs.ts"
import type { HandoffSupport } from "./Handoff.ts"
import type { KvEventSink, KvEventVisibility } from "./KvEvents.ts"
import type { TokenGaps } from "./TokenGaps.ts"
import type { WorkerCore } from "./WorkerCore.ts"

/** What a worker core is born with. */
export interface WorkerContext {
  readonly workerIndex: number
  /** Collects the inter-token gaps of visible tokens. */
  readonly gaps: TokenGaps
  /** Where cache changes go; `undefined` when no router listens. */
  readonly kvEvents: KvEventSink | undefined
}

export class Engine extends Context.Service<Engine, {
  readonly args: EngineArgs
  readonly kvEventVisibility: KvEventVisibility
  readonly spawn: (context: WorkerContext) => WorkerCore
  /** Present when the engine can serve as a prefill or decode pool. */
  readonly handoff?: HandoffSupport
}>()("dynosim/engine/Engine") {}
