/**
 * Targets `throughput`, `latency` and `load`: one worker more when any worker's last pass is above a threshold, one less when all are
 * below another.
 */
import type { PassObservation } from "../Autoscaler.ts"

export interface Thresholds {
  /** Share of a worker's KV tokens in use above which there is one worker more, and below which all must be for one less. */
  readonly kvUp: number
  readonly kvDown: number
  /** The same of a prefill worker's queue, in tokens. */
  readonly queueUp: number
  readonly queueDown: number
  /** Whether reaching a bound is enough: above, below, and below for queues. */
  readonly upInclusive: boolean
  readonly downInclusive: boolean
  readonly queueDownInclusive: boolean
}

/** Prompt and output tokens that a worker of an aggregated run has or will have, as a share of what it can hold. */
export const aggregatedUse = (pass: PassObservation, kvTokens: number): number =>
  (pass.decodeKvTokens + pass.queuedDecodeKvTokens + pass.queuedPrefillTokens) / kvTokens

export const decodeUse = (pass: PassObservation, kvTokens: number): number =>
  (pass.decodeKvTokens + pass.queuedDecodeKvTokens) / kvTokens

const above = (value: number, bound: number, inclusive: boolean): boolean =>
  inclusive ? value >= bound : value > bound

const below = (value: number, bound: number, inclusive: boolean): boolean =>
  inclusive ? value <= bound : value < bound

/** -1, 0 or 1 worker; only `workers` above 1 can become fewer. */
export const stepByUse = (uses: ReadonlyArray<number>, workers: number, by: Thresholds): number => {
  if (uses.some((use) => above(use, by.kvUp, by.upInclusive))) return 1
  return workers > 1 && uses.every((use) => below(use, by.kvDown, by.downInclusive)) ? -1 : 0
}

export const stepByQueue = (queues: ReadonlyArray<number>, workers: number, by: Thresholds): number => {
  if (queues.some((tokens) => tokens >= by.queueUp)) return 1
  return workers > 1 && queues.every((tokens) => below(tokens, by.queueDown, by.queueDownInclusive)) ? -1 : 0
}
