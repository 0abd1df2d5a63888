import type { QueuePolicy } from "../../engine/EngineArgs.ts"
import type { SimRequest } from "../../request/SimRequest.ts"

/** A request that waits in the router, with what was measured and decided when it came. */
export interface ParkedRequest {
  readonly request: SimRequest
  /** Cached prompt blocks per worker at arrival; not measured again. */
  readonly overlaps: Int32Array
  /** Prompt tokens that the best worker has cached. */
  readonly cachedTokens: number
  /** Higher tiers go first, whatever the score. */
  readonly tier: number
  readonly score: number
  /** Order of parking; the earlier one of equals goes first, under every policy. */
  readonly sequence: number
}

/** Prompt tokens that even the best worker would have to compute; at least 1. */
export const releaseCost = (promptTokens: number, cachedTokens: number): number =>
  Math.max(1, promptTokens - cachedTokens)

/** Queue score: the largest goes first. fcfs and lcfs count in seconds, with the row's priority as a head start. */
export const scoreOf = (policy: QueuePolicy, request: SimRequest, cachedTokens: number, nowMs: number): number => {
  const priority = Math.max(0, request.hints.priority)
  const parkedS = Math.max(0, nowMs) / 1000
  switch (policy) {
    case "fcfs":
      return priority - parkedS
    case "lcfs":
      return priority + parkedS
    case "wspt":
      return (1 + priority) / releaseCost(request.promptTokens, cachedTokens)
  }
}
