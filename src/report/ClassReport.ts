/**
 * Results by class of requests, and how evenly classes were served. A run without classes keeps nothing here.
 *
 * Fairness is Jain's index (Jain, Chiu and Hawe 1984), `(sum x)^2 / (n sum x^2)`: 1 where all `n` classes have the same, `1 / n` where one
 * has everything.
 */
import type { RequestRecord } from "../request/SimRequest.ts"
import type { ClassFigures, Fairness } from "./Report.ts"
import type { ReportOptions, ServiceLevel } from "./ReportOptions.ts"
import { RequestMetric } from "./RequestMetric.ts"
import { RequestTotals } from "./RequestTotals.ts"
import type { SampleStatistics } from "./SampleStatistics.ts"
import { SessionReport } from "./SessionReport.ts"

const ratio = (part: number, whole: number): number => (whole > 0 ? part / whole : 0)

const hasBounds = ({ e2eMs, itlMs, ttftMs }: ServiceLevel): boolean =>
  e2eMs !== undefined || itlMs !== undefined || ttftMs !== undefined

class ClassResults {
  private readonly level: ServiceLevel
  private readonly totals: RequestTotals
  private readonly ttftMs: RequestMetric
  private readonly tpotMs: RequestMetric
  private readonly e2eMs: RequestMetric
  readonly sessions: SessionReport
  private readonly ended = { completed: 0, rejected: 0, failed: 0, in_flight: 0 }
  private latencyMs = 0

  constructor(level: ServiceLevel, exactRequests: number | undefined) {
    this.level = level
    this.totals = new RequestTotals(hasBounds(level) ? level : undefined)
    this.ttftMs = new RequestMetric(exactRequests)
    this.tpotMs = new RequestMetric(exactRequests)
    this.e2eMs = new RequestMetric(exactRequests)
    this.sessions = new SessionReport(exactRequests)
  }

  count({ status }: RequestRecord): void {
    this.ended[status] += 1
  }

  add(record: RequestRecord, ttftMs: number, e2eMs: number): void {
    const { emittedTokens, firstTokenMs, lastTokenMs } = record
    this.totals.add(record, ttftMs, e2eMs)
    this.ttftMs.add(ttftMs)
    this.e2eMs.add(e2eMs)
    this.sessions.add(record, ttftMs)
    this.latencyMs += e2eMs
    if (emittedTokens === 1) return
    this.tpotMs.add(Math.max(lastTokenMs - firstTokenMs, 0) / (emittedTokens - 1))
  }

  /** Output tokens for every second that its requests took. */
  get tokenRate(): number {
    return ratio(this.totals.outputTokens, this.latencyMs / 1000)
  }

  /** Of the requests that came; `undefined` where nobody says what a good one is. */
  get goodRatio(): number | undefined {
    return hasBounds(this.level) ? ratio(this.totals.goodRequests, this.offered) : undefined
  }

  json(durationMs: number, gaps: SampleStatistics | undefined): ClassFigures {
    const { totals } = this
    const durationS = durationMs / 1000
    const { completed, failed, in_flight, rejected } = this.ended
    const sessions = this.sessions.json()
    return {
      offered_requests: this.offered,
      completed_requests: completed,
      rejected_requests: rejected,
      failed_requests: failed,
      in_flight_requests: in_flight,
      input_tokens: totals.inputTokens,
      output_tokens: totals.outputTokens,
      request_throughput_rps: ratio(totals.requests, durationS),
      output_throughput_tok_s: ratio(totals.outputTokens, durationS),
      prefix_cache_reused_ratio: ratio(totals.reusedTokens, totals.inputTokens),
      ttft_ms: this.ttftMs.statistics(),
      tpot_ms: this.tpotMs.statistics(),
      e2e_latency_ms: this.e2eMs.statistics(),
      ...(gaps === undefined ? {} : { itl_ms: gaps }),
      ...this.goodput(durationS),
      ...(sessions === undefined ? {} : { sessions })
    }
  }

  private get offered(): number {
    const { completed, failed, in_flight, rejected } = this.ended
    return completed + failed + in_flight + rejected
  }

  private goodput(durationS: number): Pick<ClassFigures, "goodput"> {
    const { e2eMs, itlMs, ttftMs } = this.level
    const { goodRatio, totals } = this
    if (goodRatio === undefined) return {}
    return {
      goodput: {
        ...(ttftMs === undefined ? {} : { sla_ttft_ms: ttftMs }),
        ...(itlMs === undefined ? {} : { sla_itl_ms: itlMs }),
        ...(e2eMs === undefined ? {} : { sla_e2e_ms: e2eMs }),
        completed_requests: totals.goodRequests,
        ratio: goodRatio,
        request_throughput_rps: ratio(totals.goodRequests, durationS),
        output_throughput_tok_s: ratio(totals.goodOutputTokens, durationS)
      }
    }
  }
}

/** Classes with figures of their own; those that are named later come together. */
const mostClasses = 100
const others = "(other classes)"

/** 1 for none, or where nobody has anything. */
export const jainIndex = (shares: ReadonlyArray<number>): number => {
  const sum = shares.reduce((total, share) => total + share, 0)
  const squares = shares.reduce((total, share) => total + share * share, 0)
  return squares === 0 ? 1 : (sum * sum) / (shares.length * squares)
}

export class ClassReport {
  private readonly options: ReportOptions
  private readonly classes = new Map<string, ClassResults>()

  /** Bounds of a class win over those that all have in common. Named classes are shown even when they have no requests. */
  constructor(options: ReportOptions) {
    this.options = options
    for (const name of options.classLevels?.keys() ?? []) this.results(name)
  }

  /** Any request that ended; `counts`: it is measured. */
  end(record: RequestRecord, counts: boolean): void {
    if (record.className === null) return
    const results = this.results(record.className)
    results.sessions.end(record, counts)
    if (counts) results.count(record)
  }

  /** A request that counts and has a token. */
  add(record: RequestRecord, ttftMs: number, e2eMs: number): void {
    if (record.className !== null) this.results(record.className).add(record, ttftMs, e2eMs)
  }

  /** Nothing where no request named a class. */
  json(durationMs: number): {
    readonly classes?: Readonly<Record<string, ClassFigures>>
    readonly fairness?: Fairness
  } {
    if (this.classes.size === 0) return {}
    const all = [...this.classes.values()]
    const good = all.map(({ goodRatio }) => goodRatio).filter((share) => share !== undefined)
    return {
      classes: Object.fromEntries(
        [...this.classes].map(([name, results]) => [name, results.json(durationMs, this.options.classGaps?.(name))])
      ),
      ...(all.length < 2
        ? {}
        : {
            fairness: {
              index: "jain",
              ...(good.length === all.length ? { goodput_ratio: jainIndex(good) } : {}),
              output_tokens_per_latency_second: jainIndex(all.map(({ tokenRate }) => tokenRate))
            }
          })
    }
  }

  /** What is not as it seems. */
  warnings(): ReadonlyArray<string> {
    return this.classes.has(others)
      ? [`requests belong to more than ${mostClasses} classes; those named later are reported together as ${others}`]
      : []
  }

  private results(name: string): ClassResults {
    const known = this.classes.get(name)
    if (known !== undefined) return known
    if (this.classes.size >= mostClasses && name !== others) return this.results(others)
    const { classLevels, exactRequests, serviceLevel } = this.options
    const made = new ClassResults({ ...serviceLevel, ...classLevels?.get(name) }, exactRequests)
    this.classes.set(name, made)
    return made
  }
}
