/** How long passes take by the engine's own timing model: exact where it is what the run is timed by, and there from the start. */
import type { PassEstimator } from "../../engine/PassEstimate.ts"
import type { PassObservation } from "../Autoscaler.ts"
import type { DecodeLoad, LatencyModel } from "./LatencyModel.ts"
import { PassMeans } from "./PassMeans.ts"

export class TimingLatency implements LatencyModel {
  readonly means: PassMeans
  readonly isReady = true
  private readonly passMs: PassEstimator

  /** `window`: passes that means are of. */
  constructor(passMs: PassEstimator, window: number) {
    this.passMs = passMs
    this.means = new PassMeans(window)
  }

  learn(pass: PassObservation): void {
    this.means.learn(pass)
  }

  prefillMs(tokens: number): number {
    return this.mixedMs(tokens, { requests: 0, kvTokens: 0 })
  }

  decodeMs(load: DecodeLoad): number {
    return this.mixedMs(0, load)
  }

  mixedMs(prefillTokens: number, { kvTokens, requests }: DecodeLoad): number {
    const { meanPromptTokens } = this.means
    return this.passMs({
      prefillRequests: meanPromptTokens > 0 ? Math.max(1, Math.round(prefillTokens / meanPromptTokens)) : 1,
      prefillTokens,
      decodeRequests: requests,
      decodeKvTokens: kvTokens
    })
  }
}
