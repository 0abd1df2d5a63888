/**
 * The time series of a run: what each worker, each pool and the whole run did in every interval of simulated time.
 *
 * Rows are made when time leaves an interval and handed out by {@link SeriesProbe.take}; whoever takes them as the run goes on
 * needs no more memory for a long run than for a short one. Passes count where they end, state is that of the last instant
 * before the end of the interval (a pass under way has already changed it). Stretches without any event are one row.
 */
import type { PassesAhead } from "../engine/PassesAhead.ts"
import type { PassOutcome, WorkerCore } from "../engine/WorkerCore.ts"
import type { WorkerProbe } from "../engine/WorkerProbe.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import type { PoolRole, ProbedPool, ProbedRun, ProbedWorker, RunEnd, RunProbe } from "../simulation/RunProbe.ts"
import type { SeriesRow, SeriesScope } from "./SeriesRow.ts"
import { Tally } from "./Tally.ts"
import { WorkerSeries } from "./WorkerSeries.ts"

export const defaultSeriesIntervalMs = 1000

/** State of a worker, or the sum over several. */
interface State {
  workersUp: number
  workersStarting: number
  workersDraining: number
  waiting: number
  running: number
  activeBlocks: number
  cachedBlocks: number
  freeBlocks: number
  /** Where workers have KV tiers; a disk that several share counts once. */
  tiers: TierState | undefined
}

interface TierState {
  readonly hostBlocks: number
  readonly disks: ReadonlySet<{ readonly blocks: number }>
  readonly movedBlocks: number
  readonly busyLinks: number
}

const noState = (): State => ({
  workersUp: 0,
  workersStarting: 0,
  workersDraining: 0,
  waiting: 0,
  running: 0,
  activeBlocks: 0,
  cachedBlocks: 0,
  freeBlocks: 0,
  tiers: undefined
})

export class SeriesProbe implements RunProbe {
  private readonly intervalMs: number
  private run: ProbedRun | undefined = undefined
  private readonly series = new Map<PoolRole, Map<number, WorkerSeries>>()
  /** What belongs to no worker. */
  private readonly atRun = new Tally()
  private rows: Array<SeriesRow> = []
  /** Number of the interval under way, and where it ends. */
  private interval = 0
  private intervalEndMs = 0

  /** `intervalMs > 0`: simulated time of a row. */
  constructor(intervalMs: number = defaultSeriesIntervalMs) {
    this.intervalMs = intervalMs
  }

  /** The rows finished since the last call, in the order of time: run, then each pool followed by its workers. */
  take(): ReadonlyArray<SeriesRow> {
    const { rows } = this
    this.rows = []
    return rows
  }

  worker(role: PoolRole, workerIndex: number): WorkerProbe {
    // Asked before the run starts: its first worker begins a pool anew.
    if (workerIndex === 0) this.series.set(role, new Map())
    const worker = new WorkerSeries()
    this.workersOf(role).set(workerIndex, worker)
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
    const worker = this.workersOf(role).get(workerIndex)
    if (worker !== undefined) worker.tally.arrivals += 1
  }

  pass({ role, workerIndex }: ProbedWorker, startMs: number, outcome: PassOutcome): void {
    this.time(startMs)
    this.workersOf(role).get(workerIndex)?.passed(startMs, outcome)
  }

  passesAhead({ role, workerIndex }: ProbedWorker, ahead: PassesAhead): void {
    this.workersOf(role).get(workerIndex)?.passedAhead(ahead, ahead.count)
  }

  left({ group, role, workerIndex }: ProbedWorker, nowMs: number): void {
    this.time(nowMs)
    const worker = this.workersOf(role).get(workerIndex)
    worker?.settle()
    if (worker !== undefined) worker.group = group
  }

  record(request: SimRequest, nowMs: number): void {
    this.time(nowMs)
    countEnd(this.atRun, request)
    const last = this.run?.pools.at(-1)
    const worker = last === undefined ? undefined : this.workersOf(last.role).get(request.workerIndex)
    if (worker !== undefined) countEnd(worker.tally, request)
  }

  /** A run that is cut off leaves passes under way, whose tokens its records have: rows go on to where those end. */
  end(_: ProbedRun, { nowMs }: RunEnd): void {
    let lastMs = nowMs
    for (const workers of this.series.values()) {
      for (const { nextEndMs } of workers.values()) {
        if (nextEndMs < Number.POSITIVE_INFINITY && nextEndMs > lastMs) lastMs = nextEndMs
      }
    }
    this.advanceTo(lastMs)
    for (const workers of this.series.values()) for (const worker of workers.values()) worker.settle()
    this.closeInterval(this.interval * this.intervalMs, lastMs)
  }

  private workersOf(role: PoolRole): Map<number, WorkerSeries> {
    const workers = this.series.get(role)
    if (workers !== undefined) return workers
    const none = new Map<number, WorkerSeries>()
    this.series.set(role, none)
    return none
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
    for (const workers of this.series.values()) {
      for (const { nextEndMs } of workers.values()) if (nextEndMs < earliestMs) earliestMs = nextEndMs
    }
    return earliestMs
  }

  /** Makes the rows of everything that happened since the last ones. */
  private closeInterval(startMs: number, endMs: number): void {
    if (this.run === undefined) return
    const total = new Tally()
    const state = noState()
    let parked = 0
    const below: Array<SeriesRow> = []
    for (const pool of this.run.pools) {
      parked += pool.parked()
      this.closePool(pool, startMs, endMs, below, total, state)
    }
    Object.assign(total, {
      arrivals: this.atRun.arrivals,
      completed: this.atRun.completed,
      rejected: this.atRun.rejected,
      failed: this.atRun.failed
    })
    this.atRun.clear()
    this.rows.push(rowOf(startMs, endMs, "run", null, null, null, parked, state, total))
    for (const row of below) this.rows.push(row)
  }

  private closePool(
    pool: ProbedPool,
    startMs: number,
    endMs: number,
    rows: Array<SeriesRow>,
    total: Tally,
    totalState: State
  ): void {
    const { role } = pool
    const poolTally = new Tally()
    const poolState = noState()
    const workerRows: Array<SeriesRow> = []
    const workers = this.workersOf(role)
    const present = new Map(pool.workers.map((place) => [place.workerIndex, place]))
    for (const [workerIndex, worker] of workers) {
      const { core, group = worker.group } = present.get(workerIndex) ?? {}
      worker.group = group
      const ahead = worker.passAheadBefore(core?.ahead, endMs)
      const state = core === undefined ? noState() : stateOf(core, ahead)
      worker.close(endMs)
      workerRows.push(rowOf(startMs, endMs, "worker", role, workerIndex, group ?? null, null, state, worker.tally))
      poolTally.add(worker.tally)
      addState(poolState, state)
      worker.tally.clear()
      // It has left, and this was its last row.
      if (core === undefined) workers.delete(workerIndex)
    }
    poolState.workersStarting = pool.starting()
    poolState.workersDraining = pool.draining()
    rows.push(rowOf(startMs, endMs, "pool", role, null, null, pool.parked(), poolState, poolTally))
    for (const row of workerRows) rows.push(row)
    total.add(poolTally)
    addState(totalState, poolState)
  }
}

const countEnd = (tally: Tally, { status }: SimRequest): void => {
  if (status === "completed") tally.completed += 1
  else if (status === "rejected") tally.rejected += 1
  else if (status === "failed") tally.failed += 1
}

const stateOf = (core: WorkerCore, passesAhead: number): State => {
  const { activeBlocks, availableBlocks, cachedBlocks, running, waiting } = core.snapshot(passesAhead)
  const freeBlocks = availableBlocks - cachedBlocks
  const tiers = tierStateOf(core)
  return {
    workersUp: 1,
    workersStarting: 0,
    workersDraining: 0,
    waiting,
    running,
    activeBlocks,
    cachedBlocks,
    freeBlocks,
    tiers
  }
}

const tierStateOf = ({ tiers }: WorkerCore): TierState | undefined => {
  if (tiers === undefined) return undefined
  const { busyLinks, disk, hostBlocks, movedBlocks } = tiers.occupancy()
  return { hostBlocks, disks: new Set(disk === undefined ? [] : [disk]), movedBlocks, busyLinks }
}

const bothTiers = (one: TierState | undefined, other: TierState | undefined): TierState | undefined =>
  one === undefined || other === undefined
    ? (one ?? other)
    : {
        hostBlocks: one.hostBlocks + other.hostBlocks,
        disks: new Set([...one.disks, ...other.disks]),
        movedBlocks: one.movedBlocks + other.movedBlocks,
        busyLinks: one.busyLinks + other.busyLinks
      }

const diskBlocksOf = ({ disks }: TierState): number => {
  let blocks = 0
  for (const disk of disks) blocks += disk.blocks
  return blocks
}

const addState = (sum: State, other: State): void => {
  sum.workersUp += other.workersUp
  sum.workersStarting += other.workersStarting
  sum.workersDraining += other.workersDraining
  sum.waiting += other.waiting
  sum.running += other.running
  sum.activeBlocks += other.activeBlocks
  sum.cachedBlocks += other.cachedBlocks
  sum.freeBlocks += other.freeBlocks
  sum.tiers = bothTiers(sum.tiers, other.tiers)
}

const rowOf = (
  startMs: number,
  endMs: number,
  scope: SeriesScope,
  role: PoolRole | null,
  worker: number | null,
  group: string | null,
  routerQueue: number | null,
  state: State,
  tally: Tally
): SeriesRow => ({
  startMs,
  endMs,
  scope,
  role,
  worker,
  group,
  workersUp: state.workersUp,
  workersStarting: state.workersStarting,
  workersDraining: state.workersDraining,
  waiting: state.waiting,
  running: state.running,
  routerQueue,
  activeBlocks: state.activeBlocks,
  cachedBlocks: state.cachedBlocks,
  freeBlocks: state.freeBlocks,
  hostBlocks: state.tiers?.hostBlocks ?? null,
  diskBlocks: state.tiers === undefined ? null : diskBlocksOf(state.tiers),
  hostMovedBlocks: state.tiers?.movedBlocks ?? null,
  hostBusyLinks: state.tiers?.busyLinks ?? null,
  passes: tally.passes,
  prefillTokens: tally.prefillTokens,
  decodeTokens: tally.decodeTokens,
  preemptions: tally.preemptions,
  busyMs: tally.busyMs,
  arrivals: tally.arrivals,
  completed: tally.completed,
  rejected: tally.rejected,
  failed: tally.failed,
  firstTokens: tally.firstTokens,
  inputTokens: tally.inputTokens,
  sharedReusedTokens: tally.sharedReusedTokens,
  meanTtftMs: tally.firstTokens === 0 ? null : tally.ttftMs / tally.firstTokens,
  maxTtftMs: tally.firstTokens === 0 ? null : tally.maxTtftMs,
  tokenGaps: tally.tokenGaps,
  meanItlMs: tally.tokenGaps === 0 ? null : tally.gapsMs / tally.tokenGaps,
  maxItlMs: tally.tokenGaps === 0 ? null : tally.maxGapMs
})
