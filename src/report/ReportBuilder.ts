/**
 * Gathers the events of one run and makes its report. Plain and synchronous; {@link sink} in ReportSink.ts wraps it.
 */
import type { RequestRecord } from "../request/SimRequest.ts"
import type { ColumnSource } from "../structures/SpareColumns.ts"
import { finiteJson, finiteReport } from "./FiniteReport.ts"
import { ClassReport } from "./ClassReport.ts"
import { GapMetric } from "./GapMetric.ts"
import { logHistogramError } from "./LogHistogram.ts"
import { MeasuredWindow, workerSecondsWithin } from "./MeasuredWindow.ts"
import type { ReplayEvent, RunSummary, TokenGapBatch } from "./ReplayEvent.ts"
import { behaviourProfile, type PercentileMethod, type Pool, type Report, type RunFacts } from "./Report.ts"
import { loadKeys, metricKeys } from "./ReportKeys.ts"
import type { PoolFacts, ReportOptions, ServiceLevel } from "./ReportOptions.ts"
import { RequestMetric } from "./RequestMetric.ts"
import { RequestTotals } from "./RequestTotals.ts"
import { RunFindings } from "./RunFindings.ts"
import { SessionReport } from "./SessionReport.ts"
import { TierReport } from "./TierReport.ts"
import { version } from "./Version.ts"

/** Folds the events of a run into its report: {@link ReportBuilder.add} each of them, then {@link ReportBuilder.finish}. */
export class ReportBuilder {
  private readonly options: ReportOptions
  private readonly serviceLevel: ServiceLevel | undefined
  private readonly window: MeasuredWindow | undefined
  /** Of the requests that count, and of all. */
  private readonly totals: RequestTotals
  private readonly whole: RequestTotals
  private readonly findings = new RunFindings()
  private readonly ttftMs: RequestMetric
  private readonly ttstMs: RequestMetric
  private readonly tpotMs: RequestMetric
  private readonly e2eMs: RequestMetric
  private readonly gaps: GapMetric
  private readonly tiers: TierReport
  private readonly sessions: SessionReport
  private readonly classes: ClassReport
  private completed = 0
  private rejected = 0
  private failed = 0
  private cutOff = 0
  private summary: RunSummary | undefined = undefined

  /** `columns`: where the large ones of its statistics come from. */
  constructor(options: ReportOptions = {}, columns?: ColumnSource) {
    this.options = options
    this.serviceLevel = givenBounds(options.serviceLevel)
    this.totals = new RequestTotals(this.serviceLevel)
    this.window = options.window === undefined ? undefined : new MeasuredWindow(options.window)
    this.whole = this.window === undefined ? this.totals : new RequestTotals(undefined)
    this.ttftMs = new RequestMetric(options.exactRequests, columns)
    this.ttstMs = new RequestMetric(options.exactRequests, columns)
    this.tpotMs = new RequestMetric(options.exactRequests, columns)
    this.e2eMs = new RequestMetric(options.exactRequests, columns)
    this.gaps = new GapMetric(options.exactGaps, columns)
    this.tiers = new TierReport(options.exactRequests)
    this.sessions = new SessionReport(options.exactRequests)
    this.classes = new ClassReport(options)
  }

  add(event: ReplayEvent): void {
    if (event._tag === "Request") this.addRequest(event)
    else if (event._tag === "TokenGaps") this.addGaps(event)
    else this.summary = event
  }

  /**
   * The report of what was added so far. It may be asked for more than once, and more may be added in between.
   *
   * Without a summary the stream was cut off by its reader: the run is reported as interrupted, with a warning, and
   * worker time, GPU hours and wall time are 0. Throws when a number of it is not finite.
   */
  finish(): Report {
    const summary = this.summary ?? this.missingSummary()
    const load = this.loadKeys(summary)
    return finiteReport({
      ...load,
      ...metricKeys({
        ttftMs: this.ttftMs.statistics(),
        ttstMs: this.ttstMs.statistics(),
        tpotMs: this.tpotMs.statistics(),
        e2eMs: this.e2eMs.statistics(),
        ...this.gaps.statistics()
      }),
      dynosim: { ...this.facts(summary), ...this.groupFacts(load.duration_ms), ...scalingFacts(summary, load) }
    })
  }

  private addGaps(batch: TokenGapBatch): void {
    if (this.window === undefined) this.gaps.add(batch.gapsMs, batch.counts)
    else for (const { counts, gapsMs } of this.window.takeGaps(batch)) this.gaps.add(gapsMs, counts)
  }

  private loadKeys(summary: RunSummary) {
    const { totals, whole, window } = this
    const withGoodput = this.serviceLevel !== undefined
    const { lastTokenMs } = whole
    if (window === undefined) {
      const offeredRequests = summary.arrivedRequests
      return loadKeys({ totals, whole, offeredRequests, durationMs: lastTokenMs, summary, withGoodput })
    }
    if (this.summary !== undefined) for (const { counts, gapsMs } of window.lastGaps()) this.gaps.add(gapsMs, counts)
    const { fromMs, untilMs } = window.bounds(lastTokenMs)
    return loadKeys({
      totals,
      whole,
      offeredRequests: window.requests.within,
      durationMs: untilMs - fromMs,
      summary: { ...summary, workerSeconds: workerSecondsWithin(summary, fromMs, untilMs) },
      withGoodput
    })
  }

  private windowFacts(summary: RunSummary): Pick<RunFacts, "measured_window"> {
    if (this.window === undefined) return {}
    const { before, within } = this.window.requests
    const { fromMs, untilMs } = this.window.bounds(this.whole.lastTokenMs)
    return {
      measured_window: {
        from_ms: fromMs,
        until_ms: untilMs,
        requests: within,
        warm_up_requests: before,
        drain_requests: summary.arrivedRequests - before - within
      }
    }
  }

  private addRequest(record: RequestRecord): void {
    this.countStatus(record)
    this.findings.add(record)
    const counts = this.window?.takes(record) ?? true
    this.sessions.end(record, counts)
    this.classes.end(record, counts)
    if (Number.isNaN(record.firstAdmitMs) || record.emittedTokens === 0) return
    const { arrivalMs, emittedTokens, firstTokenMs, lastTokenMs } = record
    const ttftMs = Math.max(firstTokenMs - arrivalMs, 0)
    const e2eMs = Math.max(lastTokenMs - arrivalMs, 0)
    if (this.window !== undefined) this.whole.add(record, ttftMs, e2eMs)
    if (!counts) return
    this.totals.add(record, ttftMs, e2eMs)
    this.tiers.add(record)
    this.sessions.add(record, ttftMs)
    this.classes.add(record, ttftMs, e2eMs)
    this.ttftMs.add(ttftMs)
    this.e2eMs.add(e2eMs)
    if (emittedTokens === 1) return
    this.ttstMs.add(Math.max(record.secondTokenMs - firstTokenMs, 0))
    this.tpotMs.add(Math.max(lastTokenMs - firstTokenMs, 0) / (emittedTokens - 1))
  }

  private countStatus(record: RequestRecord): void {
    switch (record.status) {
      case "completed":
        this.completed += 1
        break
      case "rejected":
        this.rejected += 1
        break
      case "failed":
        this.failed += 1
        break
      case "in_flight":
        this.cutOff += 1
    }
  }

  private facts(summary: RunSummary): RunFacts {
    const {
      inputSha256,
      options = null,
      pools,
      seed = null,
      timingSource = null,
      warnings = []
    } = this.options.metadata?.() ?? {}
    const { completed, failed, rejected } = this
    const kvTiers = this.tiers.json(summary)
    const exactRequests = this.ttftMs.exact && this.ttstMs.exact && this.tpotMs.exact && this.e2eMs.exact
    return {
      version,
      behaviour_profile: behaviourProfile,
      ended: summary.ended,
      truncated: summary.ended !== "drained",
      offered_requests: summary.arrivedRequests,
      completed_requests: completed,
      rejected_requests: rejected,
      failed_requests: failed,
      // By difference, not by records: a request that got lost shows up here.
      in_flight_requests: summary.arrivedRequests - completed - rejected - failed,
      percentiles: { requests: percentileMethod(exactRequests), token_gaps: percentileMethod(this.gaps.exact) },
      timing_source: timingSource,
      seed,
      options: finiteJson(options),
      ...groupFacts(summary),
      ...(kvTiers === undefined ? {} : { kv_tiers: kvTiers }),
      ...this.windowFacts(summary),
      warnings: [
        ...warnings,
        ...this.findings.warnings(this.totals, pools ?? []),
        ...emptyWindowWarnings(this.window, this.whole.lastTokenMs),
        ...strayEventWarnings(summary),
        ...this.classes.warnings(),
        ...(this.summary === undefined ? [missingSummaryWarning] : [])
      ],
      ...(pools === undefined ? {} : { pools: pools.map(poolJson) }),
      ...(inputSha256 === undefined ? {} : { input_sha256: inputSha256 })
    }
  }

  /** What sessions and classes of requests got. */
  private groupFacts(durationMs: number): Pick<RunFacts, "sessions" | "classes" | "fairness"> {
    const sessions = this.sessions.json()
    return { ...(sessions === undefined ? {} : { sessions }), ...this.classes.json(durationMs) }
  }

  private missingSummary(): RunSummary {
    return {
      _tag: "Summary",
      arrivedRequests: this.completed + this.rejected + this.failed + this.cutOff,
      ended: "interrupted",
      endMs: this.whole.lastTokenMs,
      workerSeconds: { prefill: 0, decode: 0 },
      gpusPerWorker: { prefill: 0, decode: 0 },
      wallMs: 0
    }
  }
}

const emptyWindowWarnings = (window: MeasuredWindow | undefined, lastTokenMs: number): ReadonlyArray<string> =>
  window === undefined || window.requests.within > 0
    ? []
    : [
        `no request ended in the measured window: all figures are 0. ${window.requests.before} ended before it, ${window.requests.after} after it, `
          + `the last token came at ${lastTokenMs / 1000} s; see --measure-from and --measure-until`
      ]

const strayEventWarnings = ({ scaling }: RunSummary): ReadonlyArray<string> =>
  (scaling?.workerEvents ?? [])
    .filter(({ isApplied }) => !isApplied)
    .map(
      ({ kind, pool, timeMs, worker }) =>
        `at ${timeMs / 1000} s the ${pool} pool had no worker ${worker} to ${kind === "slow" ? "slow down" : kind}`
    )

const scalingFacts = (
  { scaling }: RunSummary,
  load: Pick<Report, "completed_requests" | "total_output_tokens" | "gpu_hours" | "goodput_completed_requests">
): Pick<RunFacts, "scaling"> => {
  if (scaling === undefined) return {}
  const perGpuHour = (amount: number): number => (load.gpu_hours > 0 ? amount / load.gpu_hours : 0)
  const good = load.goodput_completed_requests
  return {
    scaling: {
      autoscaler: scaling.autoscaler,
      ticks: scaling.ticks,
      scaling_events: scaling.events.map(({ timeMs, ...event }) => ({ t_ms: timeMs, ...event })),
      pool_sizes: scaling.sizes.map(({ timeMs, ...size }) => ({ t_ms: timeMs, ...size })),
      ...(scaling.workerEvents.length === 0
        ? {}
        : {
            worker_events: scaling.workerEvents.map(({ failed, isApplied, kind, pool, retried, timeMs, worker }) => ({
              t_ms: timeMs,
              pool,
              event: kind,
              worker: worker ?? null,
              applied: isApplied,
              retried_requests: retried,
              failed_requests: failed
            }))
          }),
      requests_per_gpu_hour: perGpuHour(load.completed_requests),
      output_tokens_per_gpu_hour: perGpuHour(load.total_output_tokens),
      ...(good === undefined ? {} : { good_requests_per_gpu_hour: perGpuHour(good) })
    }
  }
}

const groupFacts = ({ workerGroups }: RunSummary): Pick<RunFacts, "worker_groups"> =>
  workerGroups === undefined
    ? {}
    : {
        worker_groups: workerGroups.map(({ gpusPerWorker, workerSeconds, ...group }) => ({
          ...group,
          gpus_per_worker: gpusPerWorker,
          worker_seconds: workerSeconds,
          gpu_hours: (workerSeconds * gpusPerWorker) / 3600
        }))
      }

const missingSummaryWarning =
  "the events ended before the run's summary: num_requests counts the requests seen, "
  + "and worker time, GPU hours and wall time are unknown"

const poolJson = (pool: PoolFacts): Pool => ({
  role: pool.role,
  ...(pool.group === undefined ? {} : { group: pool.group }),
  workers: pool.workers,
  gpus_per_worker: pool.gpusPerWorker,
  block_size: pool.blockTokens,
  kv_blocks: pool.kvBlocks,
  kv_tokens: pool.kvTokens,
  kv_gib: pool.kvGib,
  kv_pool_source: pool.kvPoolSource,
  ...(pool.engineProfile === undefined ? {} : { engine_profile: pool.engineProfile }),
  ...(pool.maxNumSeqs === undefined ? {} : { max_num_seqs: pool.maxNumSeqs }),
  ...(pool.maxNumBatchedTokens === undefined ? {} : { max_num_batched_tokens: pool.maxNumBatchedTokens }),
  ...(pool.defaultLimits === undefined ? {} : { default_limits: pool.defaultLimits }),
  timing_source: pool.timingSource,
  ...(pool.timedPassParts === undefined ? {} : { timed_pass_parts: pool.timedPassParts }),
  ...(pool.extrapolatedPassParts === undefined ? {} : { extrapolated_pass_parts: pool.extrapolatedPassParts }),
  ...(pool.extrapolations === undefined
    ? {}
    : { extrapolations: pool.extrapolations.map(({ calls, ...rest }) => ({ ...rest, parts: calls })) }),
  ...(pool.timingTables === undefined ? {} : { timing_tables: pool.timingTables })
})

const percentileMethod = (exact: boolean): PercentileMethod =>
  exact ? { method: "exact", relative_error: 0 } : { method: "log-linear histogram", relative_error: logHistogramError }

const givenBounds = (level: ServiceLevel | undefined): ServiceLevel | undefined =>
  level?.ttftMs === undefined && level?.itlMs === undefined && level?.e2eMs === undefined ? undefined : level
