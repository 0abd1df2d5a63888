/** How an event loop asks the autoscaler of its run. */
import type { PoolSize, ScalingDecision } from "../autoscaler/Autoscaler.ts"
import type { ScalingLog } from "./ScalingLog.ts"

export interface ScalingHook {
  readonly firstTickMs: number
  readonly log: ScalingLog
  /** `answer` may be called at once, later in simulated time, or, when the decision fails, never. */
  readonly ask: (nowMs: number, pools: ReadonlyArray<PoolSize>, answer: (decision: ScalingDecision) => void) => void
}
