/**
 * How parked requests are divided into classes, and what each class may do: the validated form of a policy profile.
 */
import type { QueuePolicy } from "../../engine/EngineArgs.ts"

/** A range of uncached prompt tokens, from `minTokens` up to the next bucket's. */
export interface CacheBucket {
  readonly minTokens: number
  readonly name: string
}

export interface PolicyClass {
  readonly name: string
  /** The (family, bucket) whose requests it takes; `undefined` for an explicit class, which rows name themselves. */
  readonly member: { readonly family: string; readonly bucket: string } | undefined
  readonly queuePolicy: QueuePolicy
  /** Uncached prompt tokens that the class may release per round of the deficit round robin; at least 1. */
  readonly quantumTokens: number
  /** A worker with more outstanding prefill tokens is busy; `undefined` = no such limit. */
  readonly prefillBusyTokens: number | undefined
  /** The same as a multiple of the token budget of a pass. */
  readonly prefillBusyFraction: number | undefined
  readonly requestLimitPerWorker: number | undefined
  readonly rawTokenLimitPerWorker: number | undefined
  readonly cachedTokenLimitPerWorker: number | undefined
}

export interface PolicyProfile {
  /** Family of rows that name neither a class nor a family; `undefined` only when there is a single class for all. */
  readonly defaultFamily: string | undefined
  /** Ascending, the first from 0. */
  readonly buckets: ReadonlyArray<CacheBucket>
  /** In the order of the deficit round robin; never empty. */
  readonly classes: ReadonlyArray<PolicyClass>
}

/** Share of a pass's token budget above which a worker counts as busy, where a profile does not say. */
export const defaultBusyFraction = 16

/** The profile without a policy file: one class for everything. A `threshold` of `null` never parks. */
export const singleClassProfile = (queuePolicy: QueuePolicy, threshold: number | null): PolicyProfile => ({
  defaultFamily: undefined,
  buckets: [],
  classes: [
    {
      name: "default",
      member: undefined,
      queuePolicy,
      quantumTokens: 1,
      prefillBusyTokens: undefined,
      prefillBusyFraction: threshold ?? undefined,
      requestLimitPerWorker: undefined,
      rawTokenLimitPerWorker: undefined,
      cachedTokenLimitPerWorker: undefined
    }
  ]
})
