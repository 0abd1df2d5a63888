/**
 * The time series of a run: what each worker, each pool and the whole run did in every interval of simulated time.
 *
 * Rows are made when time leaves an interval. Whoever takes them at once, or every now and then by {@link SeriesProbe.take}, needs no more
 * memory for a long run than for a short one. Passes count where they end, state is that of the last instant
 * before the end of the interval (a pass under way has already changed it). Stretches without any event are one row.
 */
import type { PassesAhead } from "../engine/PassesAhead.ts"
import type { PassOutcome } from "../engine/WorkerCore.ts"
import type { WorkerProbe } from "../engine/WorkerProbe.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import type { PoolRole, ProbedPool, ProbedRun, ProbedWorker, RunEnd, RunProbe } from "../simulation/RunProbe.ts"
import type { SeriesRow, SeriesScope } from "./SeriesRow.ts"
import { diskBlocksOf, SeriesState } from "./SeriesState.ts"
import { Tally } from "./Tally.ts"
import { WorkerSeries } from "./WorkerSeries.ts"

export const defaultSeriesIntervalMs = 1000

/** A pool: its workers by index, and what they give together. */
class PoolSeries {
  readonly workers = new Map<number, WorkerSeries>()
  readonly tally = new Tally()
  readonly state = new SeriesState()
}

export class SeriesProbe implements RunProbe {
  private readonly intervalMs: number
  private readonly give: (row: SeriesRow) => void
  private run: ProbedRun | undefined = undefined
  private readonly series = new Map<PoolRole, PoolSeries>()
  /** What belongs to no worker. */
  private readonly atRun = new Tally()
  private readonly total = new Tally()
  private readonly totalState = new SeriesState()
  private readonly row = emptyRow()
  private rows: Array<SeriesRow> = []
  /** Number of the interval under way, and where it ends. */
  private interval = 0
  private intervalEndMs = 0
  private closings = 0

  /**
   * `intervalMs > 0`: simulated time of a row. `give` is told each row when it is made; the object is another row afterwards. Without it rows
   * are kept for {@link SeriesProbe.take}.
   */
  constructor(intervalMs: number = defaultSeriesIntervalMs, give?: (row: SeriesRow) => void) {
    this.intervalMs = intervalMs
    this.give = give ?? ((row) => void this.rows.push({ ...row }))
  }

  /** The rows finished since the last call, in the order of time: run, then each pool followed by its workers. */
  take(): ReadonlyArray<SeriesRow> {
    const { rows } = this
    this.rows = []
    return rows
  }

  worker(role: PoolRole, workerIndex: number): WorkerProbe {
    // Asked before the run starts: its first worker begins a pool anew.
    if (workerIndex === 0) this.series.set(role, new PoolSeries())
    const worker = new WorkerSeries()
    this.seriesOf(role).workers.set(workerIndex, worker)
    return worker.probe
  }

  start(run: ProbedRun): void {
    this.run = run
    const roles = new Set(run.pools.map(({ role }) => role))
    for (const role of this.series.keys()) if (!roles.has(role)) this.series.delete(role)
    this.rows = []
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
    this.time(startMs)
    this.workerOf(role, workerIndex)?.passed(startMs, outcome)
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

  /** A run that is cut off leaves passes under way, whose tokens its records have: rows go on to where those end. */
  end(_: ProbedRun, { nowMs }: RunEnd): void {
    let lastMs = nowMs
    for (const { workers } of this.series.values()) {
      for (const { nextEndMs } of workers.values()) {
        if (nextEndMs < Number.POSITIVE_INFINITY && nextEndMs > lastMs) lastMs = nextEndMs
      }
    }
    this.advanceTo(lastMs)
    for (const { workers } of this.series.values()) for (const worker of workers.values()) worker.settle()
    this.closeInterval(this.interval * this.intervalMs, lastMs)
  }

  /** Closes all intervals that end at or before `nowMs`; those between two events together. */
  private advanceTo(nowMs: number): void {
    while (nowMs >= this.intervalEndMs) {
      this.closeInterval(this.interval * this.intervalMs, this.intervalEndMs)
      this.moveTo(this.interval + 1)
      const next = Math.floor(Math.min(nowMs, this.earliestEndMs()) / this.intervalMs)
      if (next <= this.interval) continue
      this.closeInterval(this.interval * this.intervalMs, next * this.intervalMs)
      this.moveTo(next)
    }
  }

  private moveTo(interval: number): void {
    this.interval = interval
    this.intervalEndMs = (interval + 1) * this.intervalMs
  }

  private earliestEndMs(): number {
    let earliestMs = Number.POSITIVE_INFINITY
    for (const { workers } of this.series.values()) {
      for (const { nextEndMs } of workers.values()) if (nextEndMs < earliestMs) earliestMs = nextEndMs
    }
    return earliestMs
  }

  /** Makes the rows of everything that happened since the last ones. */
  private closeInterval(startMs: number, endMs: number): void {
    if (this.run === undefined) return
    const { atRun, total, totalState } = this
    const { pools } = this.run
    total.clear()
    totalState.clear()
    this.closings += 1
    let parked = 0
    for (const pool of pools) {
      parked += pool.parked()
      this.closePool(pool, endMs)
      const { state, tally } = this.seriesOf(pool.role)
      total.add(tally)
      totalState.add(state)
    }
    total.arrivals = atRun.arrivals
    total.completed = atRun.completed
    total.rejected = atRun.rejected
    total.failed = atRun.failed
    atRun.clear()
    this.row.startMs = startMs
    this.row.endMs = endMs
    this.giveRow("run", null, null, null, parked, totalState, total)
    for (const pool of pools) this.giveRows(pool)
  }

  /** Ends the interval for the workers of a pool, and adds them up. */
  private closePool(pool: ProbedPool, endMs: number): void {
    const { state, tally, workers } = this.seriesOf(pool.role)
    tally.clear()
    state.clear()
    for (const { core, group, workerIndex } of pool.workers) {
      const worker = workers.get(workerIndex)
      if (worker === undefined) continue
      worker.presentAt = this.closings
      worker.group = group ?? worker.group
      worker.state.read(core, worker.passAheadBefore(core.ahead, endMs))
    }
    for (const worker of workers.values()) {
      if (worker.presentAt !== this.closings) worker.state.clear()
      worker.close(endMs)
      tally.add(worker.tally)
      state.add(worker.state)
    }
    state.workersStarting = pool.starting()
    state.workersDraining = pool.draining()
  }

  private giveRows({ parked, role }: ProbedPool): void {
    const { state, tally, workers } = this.seriesOf(role)
    this.giveRow("pool", role, null, null, parked(), state, tally)
    for (const [workerIndex, worker] of workers) {
      this.giveRow("worker", role, workerIndex, worker.group ?? null, null, worker.state, worker.tally)
      worker.tally.clear()
      // It has left, and this was its last row.
      if (worker.presentAt !== this.closings) workers.delete(workerIndex)
    }
  }

  private giveRow(
    scope: SeriesScope,
    role: PoolRole | null,
    worker: number | null,
    group: string | null,
    routerQueue: number | null,
    state: SeriesState,
    tally: Tally
  ): void {
    const { row } = this
    row.scope = scope
    row.role = role
    row.worker = worker
    row.group = group
    row.routerQueue = routerQueue
    writeState(row, state)
    writeTally(row, tally)
    this.give(row)
  }

  private workerOf(role: PoolRole, workerIndex: number): WorkerSeries | undefined {
    return this.seriesOf(role).workers.get(workerIndex)
  }

  private seriesOf(role: PoolRole): PoolSeries {
    const known = this.series.get(role)
    if (known !== undefined) return known
    const none = new PoolSeries()
    this.series.set(role, none)
    return none
  }
}

const countEnd = (tally: Tally, { status }: SimRequest): void => {
  if (status === "completed") tally.completed += 1
  else if (status === "rejected") tally.rejected += 1
  else if (status === "failed") tally.failed += 1
}

type RowInMaking = { -readonly [Name in keyof SeriesRow]: SeriesRow[Name] }

const writeState = (row: RowInMaking, state: SeriesState): void => {
  const { tiers } = state
  row.workersUp = state.workersUp
  row.workersStarting = state.workersStarting
  row.workersDraining = state.workersDraining
  row.waiting = state.waiting
  row.running = state.running
  row.activeBlocks = state.activeBlocks
  row.cachedBlocks = state.cachedBlocks
  row.freeBlocks = state.freeBlocks
  row.hostBlocks = tiers === undefined ? null : tiers.hostBlocks
  row.diskBlocks = tiers === undefined ? null : diskBlocksOf(tiers)
  row.hostMovedBlocks = tiers === undefined ? null : tiers.movedBlocks
  row.hostBusyLinks = tiers === undefined ? null : tiers.busyLinks
}

const writeTally = (row: RowInMaking, tally: Tally): void => {
  const { firstTokens, tokenGaps } = tally
  row.passes = tally.passes
  row.prefillTokens = tally.prefillTokens
  row.decodeTokens = tally.decodeTokens
  row.preemptions = tally.preemptions
  row.busyMs = tally.busyMs
  row.arrivals = tally.arrivals
  row.completed = tally.completed
  row.rejected = tally.rejected
  row.failed = tally.failed
  row.firstTokens = firstTokens
  row.inputTokens = tally.inputTokens
  row.sharedReusedTokens = tally.sharedReusedTokens
  row.meanTtftMs = firstTokens === 0 ? null : tally.ttftMs / firstTokens
  row.maxTtftMs = firstTokens === 0 ? null : tally.maxTtftMs
  row.tokenGaps = tokenGaps
  row.meanItlMs = tokenGaps === 0 ? null : tally.gapsMs / tokenGaps
  row.maxItlMs = tokenGaps === 0 ? null : tally.maxGapMs
}

const emptyRow = (): RowInMaking => {
  const place = {
    startMs: 0,
    endMs: 0,
    scope: "run" as const,
    role: null,
    worker: null,
    group: null,
    routerQueue: null
  }
  return { ...place, ...noState, ...nothingDone }
}

const noState = {
  workersUp: 0,
  workersStarting: 0,
  workersDraining: 0,
  waiting: 0,
  running: 0,
  activeBlocks: 0,
  cachedBlocks: 0,
  freeBlocks: 0,
  hostBlocks: null,
  diskBlocks: null,
  hostMovedBlocks: null,
  hostBusyLinks: null
}

const nothingDone = {
  passes: 0,
  prefillTokens: 0,
  decodeTokens: 0,
  preemptions: 0,
  busyMs: 0,
  arrivals: 0,
  completed: 0,
  rejected: 0,
  failed: 0,
  firstTokens: 0,
  inputTokens: 0,
  sharedReusedTokens: 0,
  meanTtftMs: null,
  maxTtftMs: null,
  tokenGaps: 0,
  meanItlMs: null,
  maxItlMs: null
}
