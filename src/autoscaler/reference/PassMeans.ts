/** What passes of a pool looked like of late. */
import type { PassObservation } from "../Autoscaler.ts"

/** Mean of the last values, from the first one above 0 on. */
class RunningMean {
  private readonly window: number
  private readonly values: Array<number> = []

  constructor(window: number) {
    this.window = window
  }

  add(value: number): void {
    if (this.values.length === 0 && !(value > 0)) return
    this.values.push(value)
    if (this.values.length > this.window) this.values.shift()
  }

  get mean(): number {
    return this.values.length === 0 ? 0 : this.values.reduce((sum, value) => sum + value, 0) / this.values.length
  }
}

export class PassMeans {
  private readonly promptTokens: RunningMean
  private readonly contextTokens: RunningMean
  private readonly passPrefillTokens: RunningMean

  /** Means of so many passes. */
  constructor(window: number) {
    this.promptTokens = new RunningMean(window)
    this.contextTokens = new RunningMean(window)
    this.passPrefillTokens = new RunningMean(window)
  }

  learn({ decodeKvTokens, decodeRequests, prefillRequests, prefillTokens }: PassObservation): void {
    this.promptTokens.add(prefillRequests === 0 ? 0 : prefillTokens / prefillRequests)
    if (decodeRequests > 0) this.contextTokens.add(decodeKvTokens / decodeRequests)
    this.passPrefillTokens.add(prefillTokens)
  }

  /** Prompt tokens that a request computes in a pass. */
  get meanPromptTokens(): number {
    return this.promptTokens.mean
  }

  /** KV tokens of a request that decodes. */
  get meanContextTokens(): number {
    return this.contextTokens.mean
  }

  /** Prompt tokens that a pass computes. */
  get meanPassPrefillTokens(): number {
    return this.passPrefillTokens.mean
  }
}
