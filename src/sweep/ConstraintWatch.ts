/**
 * Tells, request by request, when a constraint can no longer be met whatever the rest of the run brings. Proofs, not guesses:
 *
 * - maximum: one request is beyond the bound;
 * - mean: what the requests so far add up to is beyond the bound when it is shared among all there will ever be;
 * - percentile: so many are beyond the bound that it is among them even if all that are still to come are not. Of `n` values the report
 *   takes the one of rank `round((n - 1) p / 100)`; those above it and itself are `n` less that rank, which never falls as `n` grows;
 * - counts of rejected and failed requests only rise.
 *
 * Constraints on anything else are not watched.
 */
import type { Condition } from "../report/Condition.ts"
import { defaultExactRequests } from "../report/RequestMetric.ts"
import { percentileRank } from "../report/SampleStatistics.ts"
import type { ReplayEvent } from "../report/ReplayEvent.ts"

type RequestRecord = Extract<ReplayEvent, { readonly _tag: "Request" }>

type Value = (record: RequestRecord) => number | undefined

/** As the report takes them; `undefined` for a request that has no such figure. */
const values: Readonly<Record<string, Value>> = {
  ttft_ms: ({ arrivalMs, emittedTokens, firstTokenMs }) =>
    emittedTokens === 0 ? undefined : Math.max(firstTokenMs - arrivalMs, 0),
  e2e_latency_ms: ({ arrivalMs, emittedTokens, lastTokenMs }) =>
    emittedTokens === 0 ? undefined : Math.max(lastTokenMs - arrivalMs, 0),
  tpot_ms: ({ emittedTokens, firstTokenMs, lastTokenMs }) =>
    emittedTokens <= 1 ? undefined : Math.max(lastTokenMs - firstTokenMs, 0) / (emittedTokens - 1)
}

const statuses: Readonly<Record<string, RequestRecord["status"]>> = {
  "dynosim.rejected_requests": "rejected",
  "dynosim.failed_requests": "failed"
}

/** Beyond what sums of floating-point numbers may be off by. */
const certainly = 1 + 1e-9

/** Takes a request; true from the one on with which the condition is broken for good. */
type Watch = (record: RequestRecord) => boolean

const isBeyond = ({ bound, operator }: Condition, value: number): boolean =>
  operator === "<" ? value >= bound : value > bound

const watchCount = (condition: Condition, status: RequestRecord["status"]): Watch => {
  let count = 0
  return (record) => {
    if (record.status === status) count += 1
    return isBeyond(condition, count)
  }
}

const watchMean = ({ bound }: Condition, valueOf: Value, requests: number): Watch => {
  let sum = 0
  return (record) => {
    sum += valueOf(record) ?? 0
    return sum > bound * requests * certainly
  }
}

/** Broken once so many values are beyond the bound. */
const watchValues = (condition: Condition, valueOf: Value, most: number): Watch => {
  let beyond = 0
  return (record) => {
    const value = valueOf(record)
    if (value !== undefined && isBeyond(condition, value)) beyond += 1
    return beyond >= most
  }
}

const percentiles: Readonly<Record<string, number>> = {
  max: 100,
  p99: 99,
  p95: 95,
  p90: 90,
  p75: 75,
  median: 50,
  p50: 50
}

const pattern = /^(mean|max|median|p\d+)_(.+)$/

const watchOf = (condition: Condition, requests: number): Watch | undefined => {
  const { metric, operator } = condition
  if (operator !== "<" && operator !== "<=") return undefined
  const status = statuses[metric.name]
  if (status !== undefined) return watchCount(condition, status)
  const [, statistic = "", name = ""] = pattern.exec(metric.name) ?? []
  const valueOf = Object.hasOwn(values, name) ? values[name] : undefined
  if (valueOf === undefined) return undefined
  if (statistic === "mean") return watchMean(condition, valueOf, requests)
  const percentile = percentiles[statistic]
  return percentile === undefined
    ? undefined
    : watchValues(condition, valueOf, requests - percentileRank(requests, percentile))
}

export class ConstraintWatch {
  private readonly watches: ReadonlyArray<{ readonly condition: Condition; readonly watch: Watch }>
  private readonly requests: number
  private seen = 0
  /** Why the run may stop, once it may. */
  broken: string | undefined

  /** `requests`: the most that the run can come to. Percentiles of more than can be kept exactly are estimates, which prove nothing. */
  constructor(conditions: ReadonlyArray<Condition>, requests: number) {
    this.requests = requests
    this.watches =
      requests > defaultExactRequests
        ? []
        : conditions.flatMap((condition) => {
            const watch = watchOf(condition, requests)
            return watch === undefined ? [] : [{ condition, watch }]
          })
  }

  add(record: RequestRecord): void {
    if (this.broken !== undefined) return
    this.seen += 1
    for (const { condition, watch } of this.watches) {
      if (watch(record)) {
        this.broken = `${condition.text} is broken for good after ${this.seen} of ${this.requests} requests`
        return
      }
    }
  }
}
