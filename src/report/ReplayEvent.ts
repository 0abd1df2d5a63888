/**
 * What a simulation emits, in chunks: finished requests, batches of inter-token gaps, and at the very end one summary.
 *
 * Gaps travel apart from the records because they belong to passes, not to requests: a pass in which 256 requests
 * decode adds one (gap, count) pair.
 */
import type { RequestRecord } from "../request/SimRequest.ts"

/** Inter-token gaps of many requests. */
export interface TokenGapBatch {
  readonly _tag: "TokenGaps"
  /** Gap between consecutive tokens of a request, ms >= 0, and how many requests saw it; equal lengths. */
  readonly gapsMs: Float64Array
  readonly counts: Uint32Array
  /** When the later token comes, ms; only of runs that were asked for it (`timedGaps`). */
  readonly timesMs?: Float64Array
}

/** Which side of a deployment a pool is. */
export type PoolRole = "aggregated" | "prefill" | "decode"

/** A decision of the autoscaler that changed a pool. */
export interface ScalingEvent {
  readonly timeMs: number
  readonly pool: PoolRole
  /** Workers that were ready or starting before, and how many shall be. */
  readonly from: number
  readonly to: number
  readonly reason: string
}

/** How many workers a pool has from a time on. */
export interface PoolSizeChange {
  readonly timeMs: number
  readonly pool: PoolRole
  readonly ready: number
  readonly starting: number
  readonly draining: number
}

/** Something that happened to a worker from outside. */
export interface WorkerEventOutcome {
  readonly timeMs: number
  readonly pool: PoolRole
  readonly kind: "fail" | "drain" | "slow" | "add"
  /** Nobody in particular where workers are added. */
  readonly worker: number | undefined
  /** False when that worker was not there (any more). */
  readonly isApplied: boolean
  /** Requests that it had, and that started again elsewhere, or failed. */
  readonly retried: number
  readonly failed: number
}

/** What an autoscaler did in the run. */
export interface ScalingSummary {
  readonly autoscaler: string
  /** How often the autoscaler was asked. */
  readonly ticks: number
  readonly events: ReadonlyArray<ScalingEvent>
  /** Every pool's size at the start and at each change, in the order of time. */
  readonly sizes: ReadonlyArray<PoolSizeChange>
  /** What happened to workers from outside. */
  readonly workerEvents: ReadonlyArray<WorkerEventOutcome>
}

type TierName = "device" | "host" | "disk" | "object"

/** What all links from one KV tier to another have moved. */
export interface TierLinkUse {
  readonly from: TierName
  readonly to: TierName
  readonly links: number
  readonly blocks: number
  readonly bytes: number
  /** Time with a transfer under way, summed over the links, ms. */
  readonly busyMs: number
}

/** Worker time of one group, in a pool whose workers differ. */
export interface WorkerGroupTime {
  readonly pool: PoolRole
  readonly group: string
  /** At the start. */
  readonly workers: number
  readonly gpusPerWorker: number
  readonly workerSeconds: number
}

/** The last element: what belongs to the run as a whole. Times in simulated ms. */
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
  /** Where workers differ, the mean over their time. */
  readonly gpusPerWorker: { readonly prefill: number; readonly decode: number }
  /** Present where workers of a pool differ. */
  readonly workerGroups?: ReadonlyArray<WorkerGroupTime>
  /** Present where workers have KV tiers. */
  readonly tiers?: { readonly links: ReadonlyArray<TierLinkUse>; readonly droppedBlocks: number }
  /** Present when an autoscaler was at work. */
  readonly scaling?: ScalingSummary
  /** Real time the simulation took. */
  readonly wallMs: number
}

/** An element of a run's stream: a request that has ended, gaps between tokens, or, last and once, the summary. */
export type ReplayEvent = RequestRecord | TokenGapBatch | RunSummary
