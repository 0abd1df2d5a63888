/**
 * How long passes of a pool take, learnt from the passes themselves: a line each for passes that only prefill (by tokens), only decode
 * (by requests and KV tokens), and both (by prefill tokens and KV tokens).
 */
import type { PassObservation } from "../Autoscaler.ts"
import type { DecodeLoad, LatencyModel } from "./LatencyModel.ts"
import { PassMeans } from "./PassMeans.ts"
import { type SampleLimits, SampleStore } from "./SampleStore.ts"

/** Passes are taken to last at least so long, ms. */
const shortestMs = 1e-6
/** A decode pass's slope by requests may be below 0 by this much; further below it counts as 0. */
const toleratedSlope = -1e-6

export class RegressionModel implements LatencyModel {
  readonly means: PassMeans
  private readonly prefill: SampleStore
  private readonly decode: SampleStore
  private readonly mixed: SampleStore

  constructor(limits: SampleLimits) {
    this.prefill = new SampleStore(limits)
    this.decode = new SampleStore(limits)
    this.mixed = new SampleStore(limits)
    this.means = new PassMeans(limits.most)
  }

  learn(pass: PassObservation): void {
    const { decodeKvTokens, decodeRequests, prefillTokens } = pass
    this.means.learn(pass)
    const ms = pass.endMs - pass.startMs
    if (!(ms > 0)) return
    if (prefillTokens > 0 && decodeRequests > 0) this.mixed.add([prefillTokens, decodeKvTokens], ms)
    else if (prefillTokens > 0) this.prefill.add([prefillTokens], ms)
    else if (decodeRequests > 0) this.decode.add([decodeRequests, decodeKvTokens], ms)
  }

  get isReady(): boolean {
    return [this.prefill, this.decode, this.mixed].some((store) => store.coefficients() !== undefined)
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

  mixedMs(prefillTokens: number, { kvTokens }: DecodeLoad): number | undefined {
    const [base, byPrefill, byToken] = this.mixed.coefficients() ?? []
    if (base === undefined || byPrefill === undefined || byToken === undefined) return undefined
    if (byPrefill < 0 || byToken < 0) return undefined
    return Math.max(base + byPrefill * prefillTokens + byToken * kvTokens, shortestMs)
  }
}
