/**
 * What a simulation emits, in chunks: finished requests, batches of inter-token gaps, and at the very end one summary.
 *
 * Gaps travel apart from the records because they belong to passes, not to requests: a pass in which 256 requests
 * decode adds one (gap, count) pair.
 */
import type { RequestRecord } from "../request/SimRequest.ts"

export interface TokenGapBatch {
  readonly _tag: "TokenGaps"
  /** Gap between consecutive tokens of a request, ms >= 0, and how many requests saw it; equal lengths. */
  readonly gapsMs: Float64Array
  readonly counts: Uint32Array
}

export interface RunSummary {
  readonly _tag: "Summary"
  /** Requests that arrived in the run. */
  readonly arrivedRequests: number
  /** Why the run ended. */
  readonly ended: "drained" | "max-sim-time" | "interrupted"
  /** Simulated time at which the loop stopped. */
  readonly endMs: number
  /**
   * Provisioned worker time; `undefined` when the topology charges one worker for the report's duration
   * (single engine).
   */
  readonly workerSeconds: { readonly prefill: number; readonly decode: number } | undefined
  readonly gpusPerWorker: { readonly prefill: number; readonly decode: number }
  /** Real time the simulation took. */
  readonly wallMs: number
}

export type ReplayEvent = RequestRecord | TokenGapBatch | RunSummary
