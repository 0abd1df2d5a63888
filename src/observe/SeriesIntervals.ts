/**
 * A run by intervals of simulated time: what each worker, each pool and the whole run did in every one of them.
 *
 * Loops over pools and workers count: what goes through them by iterators leaves an object per worker and interval behind until it is optimised.
 *
 * Passes count where they end, state is that of the last instant before the end of the interval (a pass under way has already changed it).
 * Stretches without any event are one interval.
 */
import type { PassesAhead } from "../engine/PassesAhead.ts"
import type { PassOutcome } from "../engine/WorkerCore.ts"
import type { WorkerProbe } from "../engine/WorkerProbe.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import type { PoolRole, ProbedPool, ProbedRun, ProbedWorker, RunEnd, RunProbe } from "../simulation/RunProbe.ts"
import type { SeriesRow, SeriesScope } from "./SeriesRow.ts"
import { SeriesState } from "./SeriesState.ts"
import { Tally } from "./Tally.ts"
import { WorkerSeries } from "./WorkerSeries.ts"

/** Simulated time that a row of a series stands for, where nothing else is asked for. */
export const defaultSeriesIntervalMs = 1000

/** How many intervals a worker may be ahead of the run, which keeps what it did in them. */
const intervalsAhead = 16

/** An interval as one of them sees it. */
export interface SeriesLine extends Pick<
  SeriesRow,
  "startMs" | "endMs" | "scope" | "role" | "worker" | "group" | "routerQueue"
> {
  /** At its end. */
  readonly state: Readonly<SeriesState>
  readonly tally: Readonly<Tally>
}

/** A pool: its workers, and what they give together. */
class PoolSeries {
  /** In the order in which they came. */
  workers: Array<WorkerSeries> = []
  readonly tally = new Tally()
  readonly state = new SeriesState()
  private readonly byIndex = new Map<number, WorkerSeries>()

  add(worker: WorkerSeries): void {
    this.byIndex.set(worker.workerIndex, worker)
    this.workers.push(worker)
  }

  get(workerIndex: number): WorkerSeries | undefined {
    // Until the first one leaves.
    const there = this.workers[workerIndex]
    return there?.workerIndex === workerIndex ? there : this.byIndex.get(workerIndex)
  }

  /** Forgets those that have left before the closing of an interval. */
  keepPresent(closing: number): void {
    const { byIndex, workers } = this
    this.workers = workers.filter(({ presentAt }) => presentAt === closing)
    for (const { presentAt, workerIndex } of workers) if (presentAt !== closing) byIndex.delete(workerIndex)
  }
}

export abstract class SeriesIntervals implements RunProbe {
  private readonly intervalMs: number
  private run: ProbedRun | undefined = undefined
  private readonly series = new Map<PoolRole, PoolSeries>()
  /** The one that was asked for last, as most runs have one pool. */
  private lastRole: PoolRole | undefined = undefined
  private lastSeries = new PoolSeries()
  /** What belongs to no worker. */
  private readonly atRun = new Tally()
  private readonly total = new Tally()
  private readonly totalState = new SeriesState()
  private readonly line: { -readonly [Name in keyof SeriesLine]: SeriesLine[Name] }
  /** Number of the interval under way, and where it ends. */
  private interval = 0
  private intervalEndMs = 0
  private closings = 0
  /** The earliest end of a pass that was under way at the last closing; infinite when there was none. */
  private earliestEndMs = Number.POSITIVE_INFINITY

  /** `intervalMs > 0`: simulated time of an interval. */
  constructor(intervalMs: number) {
    const { total: tally, totalState: state } = this
    this.intervalMs = intervalMs
    this.line = {
      startMs: Number.NaN,
      endMs: Number.NaN,
      scope: "run",
      role: null,
      worker: null,
      group: null,
      routerQueue: null,
      state,
      tally
    }
  }

  /** Is told each line when time leaves its interval: the run, then each pool followed by its workers. The object is another line afterwards. */
  protected abstract give(line: SeriesLine): void

  /** Only order on a worker counts. */
  outOfTurnUntilMs(): number {
    return this.intervalEndMs + intervalsAhead * this.intervalMs
  }

  worker(role: PoolRole, workerIndex: number): WorkerProbe {
    // Asked before the run starts: its first worker begins a pool anew.
    if (workerIndex === 0) this.begin(role)
    const worker = new WorkerSeries(workerIndex)
    this.seriesOf(role).add(worker)
    return worker.probe
  }

  start(run: ProbedRun): void {
    this.run = run
    const roles = new Set(run.pools.map(({ role }) => role))
    for (const role of this.series.keys()) if (!roles.has(role)) this.series.delete(role)
    this.lastRole = undefined
    this.atRun.clear()
    this.interval = 0
    this.intervalEndMs = this.intervalMs
  }

  time(nowMs: number): void {
    if (nowMs >= this.intervalEndMs) this.advanceTo(nowMs)
  }

  arrival(_: SimRequest, nowMs: number): void {
    this.time(nowMs)
    this.atRun.arrivals += 1
  }

  placed(_: SimRequest, { role, workerIndex }: ProbedWorker, nowMs: number): void {
    this.time(nowMs)
    const worker = this.workerOf(role, workerIndex)
    if (worker !== undefined) worker.tally.arrivals += 1
  }

  pass({ role, workerIndex }: ProbedWorker, startMs: number, outcome: PassOutcome): void {
    const worker = this.workerOf(role, workerIndex)
    if (worker === undefined) return this.time(startMs)
    if (worker.aheadMs !== startMs) this.time(startMs)
    worker.passed(startMs, outcome)
  }

  goesOn({ core, role, workerIndex }: ProbedWorker, startMs: number): void {
    if (startMs < this.intervalEndMs) return
    const worker = this.workerOf(role, workerIndex)
    if (worker === undefined) return
    worker.aheadMs = startMs
    let interval = Math.max(worker.intervals, this.interval)
    for (; this.endOf(interval) <= startMs; interval++) worker.endInterval(this.endOf(interval), core)
    worker.intervals = interval
  }

  passesAhead({ role, workerIndex }: ProbedWorker, ahead: PassesAhead): void {
    this.workerOf(role, workerIndex)?.passedAhead(ahead, ahead.count)
  }

  left({ group, role, workerIndex }: ProbedWorker, nowMs: number): void {
    this.time(nowMs)
    const worker = this.workerOf(role, workerIndex)
    worker?.settle()
    if (worker !== undefined) worker.group = group
  }

  record(request: SimRequest, nowMs: number): void {
    this.time(nowMs)
    countEnd(this.atRun, request)
    const last = this.run?.pools.at(-1)
    const worker = last === undefined ? undefined : this.workerOf(last.role, request.workerIndex)
    if (worker !== undefined) countEnd(worker.tally, request)
  }

  /** A run that is cut off leaves passes under way, whose tokens its records have: intervals go on to where those end. */
  end(_: ProbedRun, { nowMs }: RunEnd): void {
    let lastMs = nowMs
    for (const { workers } of this.series.values()) {
      for (const { passEndMs } of workers) {
        if (passEndMs < Number.POSITIVE_INFINITY && passEndMs > lastMs) lastMs = passEndMs
      }
    }
    this.advanceTo(lastMs)
    for (const { workers } of this.series.values()) for (const worker of workers) worker.settle()
    this.closeInterval(this.interval * this.intervalMs, lastMs)
  }

  /** Closes all intervals that end at or before `nowMs`; those between two events together. */
  private advanceTo(nowMs: number): void {
    while (nowMs >= this.intervalEndMs) {
      this.closeInterval(this.interval * this.intervalMs, this.intervalEndMs)
      this.moveTo(this.interval + 1)
      const next = Math.floor(Math.min(nowMs, this.earliestEndMs) / this.intervalMs)
      if (next <= this.interval) continue
      this.closeInterval(this.interval * this.intervalMs, next * this.intervalMs)
      this.moveTo(next)
    }
  }

  private moveTo(interval: number): void {
    this.interval = interval
    this.intervalEndMs = this.endOf(interval)
  }

  private endOf(interval: number): number {
    return (interval + 1) * this.intervalMs
  }

  /** Tells of everything that happened since the last interval. */
  private closeInterval(startMs: number, endMs: number): void {
    if (this.run === undefined) return
    const { atRun, total, totalState } = this
    const { pools } = this.run
    total.clear()
    totalState.clear()
    this.closings += 1
    this.earliestEndMs = Number.POSITIVE_INFINITY
    let parked = 0
    for (let at = 0; at < pools.length; at++) {
      const pool = pools[at]!
      parked += pool.parked()
      this.closePool(pool, startMs, endMs)
      const { state, tally } = this.seriesOf(pool.role)
      total.add(tally)
      totalState.add(state)
    }
    total.arrivals = atRun.arrivals
    total.completed = atRun.completed
    total.rejected = atRun.rejected
    total.failed = atRun.failed
    atRun.clear()
    this.line.startMs = startMs
    this.line.endMs = endMs
    this.giveLine("run", null, null, null, parked, totalState, total)
    for (let at = 0; at < pools.length; at++) this.giveLines(pools[at]!)
  }

  /** Ends the interval for the workers of a pool, and adds them up. */
  private closePool(pool: ProbedPool, startMs: number, endMs: number): void {
    const series = this.seriesOf(pool.role)
    const { state, tally, workers } = series
    const present = pool.workers
    tally.clear()
    state.clear()
    for (let at = 0; at < present.length; at++) {
      const { core, group, workerIndex } = present[at]!
      const worker = series.get(workerIndex)
      if (worker === undefined) continue
      worker.presentAt = this.closings
      worker.group = group ?? worker.group
      worker.closeInterval(startMs, endMs, core)
    }
    for (let at = 0; at < workers.length; at++) {
      const worker = workers[at]!
      if (worker.presentAt !== this.closings) worker.closeInterval(startMs, endMs, undefined)
      else if (worker.closed.passEndMs < this.earliestEndMs) this.earliestEndMs = worker.closed.passEndMs
      tally.add(worker.closed.tally)
      state.add(worker.closed.state)
    }
    state.workersStarting = pool.starting()
    state.workersDraining = pool.draining()
  }

  private giveLines({ parked, role }: ProbedPool): void {
    const series = this.seriesOf(role)
    const { state, tally, workers } = series
    this.giveLine("pool", role, null, null, parked(), state, tally)
    let left = 0
    for (let at = 0; at < workers.length; at++) {
      const worker = workers[at]!
      const { closed } = worker
      this.giveLine("worker", role, worker.workerIndex, worker.group ?? null, null, closed.state, closed.tally)
      if (worker.presentAt !== this.closings) left += 1
    }
    // They have left, and this was their last line.
    if (left > 0) series.keepPresent(this.closings)
  }

  private giveLine(
    scope: SeriesScope,
    role: PoolRole | null,
    worker: number | null,
    group: string | null,
    routerQueue: number | null,
    state: SeriesState,
    tally: Tally
  ): void {
    const { line } = this
    line.scope = scope
    line.role = role
    line.worker = worker
    line.group = group
    line.routerQueue = routerQueue
    line.state = state
    line.tally = tally
    this.give(line)
  }

  private workerOf(role: PoolRole, workerIndex: number): WorkerSeries | undefined {
    return this.seriesOf(role).get(workerIndex)
  }

  private seriesOf(role: PoolRole): PoolSeries {
    if (role === this.lastRole) return this.lastSeries
    const known = this.series.get(role)
    if (known === undefined) return this.begin(role)
    this.lastRole = role
    this.lastSeries = known
    return known
  }

  private begin(role: PoolRole): PoolSeries {
    const series = new PoolSeries()
    this.series.set(role, series)
    this.lastRole = role
    this.lastSeries = series
    return series
  }
}

const countEnd = (tally: Tally, { status }: SimRequest): void => {
  if (status === "completed") tally.completed += 1
  else if (status === "rejected") tally.rejected += 1
  else if (status === "failed") tally.failed += 1
}
