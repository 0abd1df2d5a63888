/**
 * Tells, event by event, when a constraint can no longer be met whatever the rest of the run brings. Proofs, not guesses:
 *
 * - maximum: one request, or one gap between tokens, is beyond the bound;
 * - mean: what the requests so far add up to is beyond the bound when it is shared among all there will ever be;
 * - percentile: so many are beyond the bound that it is among them even if all that are still to come are not. Of `n` values the report
 *   takes the one of rank `round((n - 1) p / 100)`; those above it and itself are `n` less that rank, which never falls as `n` grows;
 * - counts of rejected and failed requests, and the duration, only rise;
 * - counts of good requests and of those with a token: so many have missed that too few are left;
 * - rates of these: even if all that are still to come were good, they are too few for the time that has passed already.
 *
 * Constraints on anything else are not watched: percentiles of gaps between tokens, for one, because nobody knows how many gaps there will be.
 */
import type { Condition } from "../report/Condition.ts"
import type { ReplayEvent, TokenGapBatch } from "../report/ReplayEvent.ts"
import type { ServiceLevel } from "../report/ReportOptions.ts"
import { defaultExactRequests } from "../report/RequestMetric.ts"
import { keepsLevel, outputLength } from "../report/RequestTotals.ts"
import { percentileRank } from "../report/SampleStatistics.ts"
import { counted } from "../settings/Counted.ts"

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

/** What the run is known to be before it begins. */
export interface RunOutlook {
  /** The most requests that it can come to. */
  readonly requests: number
  /** What a good request keeps. */
  readonly serviceLevel?: ServiceLevel | undefined
}

/** Beyond an upper bound. */
const isBeyond = ({ bound, operator }: Condition, value: number): boolean =>
  operator === "<" ? value >= bound : value > bound

/** Short of a lower bound. */
const isShort = ({ bound, operator }: Condition, value: number): boolean =>
  operator === ">" ? value <= bound : value < bound

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

/** Broken once too few requests are left that can be counted. */
const watchShortfall = (
  condition: Condition,
  isCounted: (record: RequestRecord) => boolean,
  requests: number
): Watch => {
  let missed = 0
  return (record) => {
    if (!isCounted(record)) missed += 1
    return isShort(condition, requests - missed)
  }
}

/** The same for their number a second, over the time up to the latest token. */
const watchRate = (condition: Condition, isCounted: (record: RequestRecord) => boolean, requests: number): Watch => {
  let missed = 0
  let lastTokenMs = 0
  return (record) => {
    if (!isCounted(record)) missed += 1
    if (hasToken(record)) lastTokenMs = Math.max(lastTokenMs, record.lastTokenMs)
    return lastTokenMs > 0 && isShort(condition, (requests - missed) / (lastTokenMs / 1000))
  }
}

const watchDuration =
  (condition: Condition): Watch =>
  (record) =>
    hasToken(record) && isBeyond(condition, record.lastTokenMs)

/** Those that the report counts at all. */
const hasToken = ({ emittedTokens, firstAdmitMs }: RequestRecord): boolean =>
  emittedTokens > 0 && !Number.isNaN(firstAdmitMs)

const isGoodUnder =
  (level: ServiceLevel) =>
  (record: RequestRecord): boolean => {
    const { arrivalMs, firstTokenMs, lastTokenMs } = record
    const ttftMs = Math.max(firstTokenMs - arrivalMs, 0)
    return hasToken(record) && keepsLevel(level, outputLength(record), ttftMs, Math.max(lastTokenMs - arrivalMs, 0))
  }

const pattern = /^(mean|max|median|p\d+)_(.+)$/

/** Constraints that bound a figure from above. */
const upperWatch = (condition: Condition, requests: number): Watch | undefined => {
  const { metric } = condition
  const status = statuses[metric.name]
  if (status !== undefined) return watchCount(condition, status)
  if (metric.name === "duration_ms") return watchDuration(condition)
  const [, statistic = "", name = ""] = pattern.exec(metric.name) ?? []
  const valueOf = Object.hasOwn(values, name) ? values[name] : undefined
  if (valueOf === undefined) return undefined
  if (statistic === "mean") return watchMean(condition, valueOf, requests)
  const percentile = percentiles[statistic]
  return percentile === undefined
    ? undefined
    : watchValues(condition, valueOf, requests - percentileRank(requests, percentile))
}

/** Constraints that bound a figure from below. */
const lowerWatch = (condition: Condition, { requests, serviceLevel }: RunOutlook): Watch | undefined => {
  const { name } = condition.metric
  if (name === "completed_requests") return watchShortfall(condition, hasToken, requests)
  if (name === "request_throughput_rps") return watchRate(condition, hasToken, requests)
  if (serviceLevel === undefined) return undefined
  if (name === "goodput_completed_requests") return watchShortfall(condition, isGoodUnder(serviceLevel), requests)
  return name === "goodput_request_throughput_rps"
    ? watchRate(condition, isGoodUnder(serviceLevel), requests)
    : undefined
}

const watchOf = (condition: Condition, outlook: RunOutlook): Watch | undefined => {
  switch (condition.operator) {
    case "<":
    case "<=":
      return upperWatch(condition, outlook.requests)
    case ">":
    case ">=":
      return lowerWatch(condition, outlook)
    default:
      return undefined
  }
}

const isUpperBoundOfGaps = ({ metric, operator }: Condition): boolean =>
  metric.name === "max_itl_ms" && (operator === "<" || operator === "<=")

export class ConstraintWatch {
  private readonly watches: ReadonlyArray<{ readonly condition: Condition; readonly watch: Watch }>
  private readonly ofGaps: ReadonlyArray<Condition>
  private readonly requests: number
  private seen = 0
  /** Why the run may stop, once it may. */
  broken: string | undefined

  /** Percentiles of more requests than can be kept exactly are estimates, which prove nothing. */
  constructor(conditions: ReadonlyArray<Condition>, outlook: RunOutlook) {
    this.requests = outlook.requests
    const isExact = outlook.requests <= defaultExactRequests
    this.watches = conditions.flatMap((condition) => {
      const watch = isExact ? watchOf(condition, outlook) : undefined
      return watch === undefined ? [] : [{ condition, watch }]
    })
    this.ofGaps = conditions.filter(isUpperBoundOfGaps)
  }

  add(event: ReplayEvent): void {
    if (this.broken !== undefined) return
    if (event._tag === "Request") this.addRequest(event)
    else if (event._tag === "TokenGaps" && this.ofGaps.length > 0) this.addGaps(event)
  }

  private addRequest(record: RequestRecord): void {
    this.seen += 1
    const broken = this.watches.find(({ watch }) => watch(record))
    if (broken !== undefined) this.end(broken.condition)
  }

  private addGaps({ counts, gapsMs }: TokenGapBatch): void {
    let longestMs = 0
    for (let index = 0; index < gapsMs.length; index++) {
      if (counts[index]! > 0 && gapsMs[index]! > longestMs) longestMs = gapsMs[index]!
    }
    const broken = this.ofGaps.find((condition) => longestMs > 0 && isBeyond(condition, longestMs))
    if (broken !== undefined) this.end(broken)
  }

  private end({ text }: Condition): void {
    this.broken = `${text} is broken for good after ${this.seen} of ${counted(this.requests, "request")}`
  }
}
