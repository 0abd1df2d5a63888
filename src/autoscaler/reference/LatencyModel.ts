/** How long passes of a pool take, and what they looked like of late: what target `sla` estimates latencies by. */
import type { PassObservation } from "../Autoscaler.ts"
import type { PassMeans } from "./PassMeans.ts"

/** Requests that decode, and the KV tokens that they have. */
export interface DecodeLoad {
  readonly requests: number
  readonly kvTokens: number
}

export interface LatencyModel {
  readonly means: PassMeans
  /** It can say something. */
  readonly isReady: boolean
  readonly learn: (pass: PassObservation) => void
  /** ms of a pass that computes so many prompt tokens and nothing else; `undefined` when it cannot tell, as below. */
  readonly prefillMs: (tokens: number) => number | undefined
  /** ms of a pass that only decodes. */
  readonly decodeMs: (load: DecodeLoad) => number | undefined
  /** ms of a pass that does both. */
  readonly mixedMs: (prefillTokens: number, load: DecodeLoad) => number | undefined
}
