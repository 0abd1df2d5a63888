/**
 * How long passes of a pool take, learnt from the passes themselves: a line each for passes that only prefill (by tokens), only decode
 * (by requests and KV tokens), and both (by prefill tokens and KV tokens).
 */
import type { PassObservation } from "../Autoscaler.ts"
import { type SampleLimits, SampleStore } from "./SampleStore.ts"

/** Passes are taken to last at least so long, ms. */
const shortestMs = 1e-6
/** A decode pass's slope by requests may be below 0 by this much; further below it counts as 0. */
const toleratedSlope = -1e-6

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

/** What a worker is asked to do: prompt tokens to compute, beside requests that decode with so many KV tokens. */
export interface DecodeLoad {
  readonly requests: number
  readonly kvTokens: number
}

export class LatencyModel {
  private readonly prefill: SampleStore
  private readonly decode: SampleStore
  private readonly mixed: SampleStore
  private readonly promptTokens: RunningMean
  private readonly contextTokens: RunningMean
  private readonly passPrefillTokens: RunningMean

  constructor(limits: SampleLimits) {
    this.prefill = new SampleStore(limits)
    this.decode = new SampleStore(limits)
    this.mixed = new SampleStore(limits)
    this.promptTokens = new RunningMean(limits.most)
    this.contextTokens = new RunningMean(limits.most)
    this.passPrefillTokens = new RunningMean(limits.most)
  }

  learn(pass: PassObservation): void {
    const { decodeKvTokens, decodeRequests, prefillRequests, prefillTokens } = pass
    this.promptTokens.add(prefillRequests === 0 ? 0 : prefillTokens / prefillRequests)
    if (decodeRequests > 0) this.contextTokens.add(decodeKvTokens / decodeRequests)
    this.passPrefillTokens.add(prefillTokens)
    const ms = pass.endMs - pass.startMs
    if (!(ms > 0)) return
    if (prefillTokens > 0 && decodeRequests > 0) this.mixed.add([prefillTokens, decodeKvTokens], ms)
    else if (prefillTokens > 0) this.prefill.add([prefillTokens], ms)
    else if (decodeRequests > 0) this.decode.add([decodeRequests, decodeKvTokens], ms)
  }

  /** It can say something. */
  get isReady(): boolean {
    return [this.prefill, this.decode, this.mixed].some((store) => store.coefficients() !== undefined)
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

  prefillMs(tokens: number): number | undefined {
    const [base, slope] = this.prefill.coefficients() ?? []
    if (base === undefined || slope === undefined || slope < 0) return undefined
    return Math.max(base + slope * tokens, shortestMs)
  }

  decodeMs({ kvTokens, requests }: DecodeLoad): number | undefined {
    const [base, byRequest, byToken] = this.decode.coefficients() ?? []
    if (base === undefined || byRequest === undefined || byToken === undefined || byToken < 0) return undefined
    const perRequest = byRequest < toleratedSlope ? 0 : byRequest
    return Math.max(base + perRequest * requests + byToken * kvTokens, shortestMs)
  }

  mixedMs(prefillTokens: number, kvTokens: number): number | undefined {
    const [base, byPrefill, byToken] = this.mixed.coefficients() ?? []
    if (base === undefined || byPrefill === undefined || byToken === undefined) return undefined
    if (byPrefill < 0 || byToken < 0) return undefined
    return Math.max(base + byPrefill * prefillTokens + byToken * kvTokens, shortestMs)
  }
}
