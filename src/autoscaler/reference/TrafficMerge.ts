/** Traffic of several windows as one, until somebody uses it up. */
import type { TrafficWindow } from "../Autoscaler.ts"

export interface Traffic {
  readonly durationS: number
  readonly requests: number
  readonly promptTokens: number
  readonly outputTokens: number
  readonly hitRate: number
  readonly acceptLength: number | undefined
}

export class TrafficMerge {
  private durationS = 0
  private requests = 0
  private promptTokens = 0
  private outputTokens = 0
  private hits = 0
  private routed = 0
  private accepted = 0
  private steps = 0

  add(window: TrafficWindow): void {
    this.durationS += window.durationS
    this.requests += window.requests
    this.promptTokens += window.meanPromptTokens * window.requests
    this.outputTokens += window.meanOutputTokens * window.requests
    this.hits += window.meanHitRate * window.routedRequests
    this.routed += window.routedRequests
    this.accepted += (window.meanAcceptLength ?? 0) * window.decodeSteps
    this.steps += window.decodeSteps
  }

  take(): Traffic {
    const { accepted, durationS, hits, outputTokens, promptTokens, requests, routed, steps } = this
    this.durationS = this.requests = this.promptTokens = this.outputTokens = 0
    this.hits = this.routed = this.accepted = this.steps = 0
    return {
      durationS,
      requests,
      promptTokens: requests === 0 ? 0 : promptTokens / requests,
      outputTokens: requests === 0 ? 0 : outputTokens / requests,
      hitRate: routed === 0 ? 0 : hits / routed,
      acceptLength: steps === 0 ? undefined : accepted / steps
    }
  }
}
