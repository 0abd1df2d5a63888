/**
 * The time series of a run as rows.
 *
 * Rows are made when time leaves an interval. Whoever takes them at once, or every now and then by {@link SeriesProbe.take}, needs no more
 * memory for a long run than for a short one.
 */
import type { ProbedRun } from "../simulation/RunProbe.ts"
import { defaultSeriesIntervalMs, SeriesIntervals, type SeriesLine } from "./SeriesIntervals.ts"
import type { SeriesRow } from "./SeriesRow.ts"
import { diskBlocksOf, type SeriesState } from "./SeriesState.ts"
import type { Tally } from "./Tally.ts"

type RowInMaking = { -readonly [Name in keyof SeriesRow]: SeriesRow[Name] }

/** Tells rows of a time series while the run goes on: one for the run, each pool and each worker per interval. */
export class SeriesProbe extends SeriesIntervals {
  private readonly tell: (row: SeriesRow) => void
  private readonly row = emptyRow()
  private rows: Array<SeriesRow> = []

  /**
   * `intervalMs > 0`: simulated time of a row. `give` is told each row when it is made; the object is another row afterwards. Without it rows
   * are kept for {@link SeriesProbe.take}.
   */
  constructor(intervalMs: number = defaultSeriesIntervalMs, give?: (row: SeriesRow) => void) {
    super(intervalMs)
    this.tell = give ?? ((row) => void this.rows.push({ ...row }))
  }

  /** The rows finished since the last call, in the order of time: run, then each pool followed by its workers. */
  take(): ReadonlyArray<SeriesRow> {
    const { rows } = this
    this.rows = []
    return rows
  }

  override start(run: ProbedRun): void {
    super.start(run)
    this.rows = []
  }

  protected give(line: SeriesLine): void {
    const { row } = this
    row.startMs = line.startMs
    row.endMs = line.endMs
    row.scope = line.scope
    row.role = line.role
    row.worker = line.worker
    row.group = line.group
    row.routerQueue = line.routerQueue
    writeState(row, line.state)
    writeTally(row, line.tally)
    this.tell(row)
  }
}

const writeState = (row: RowInMaking, state: Readonly<SeriesState>): void => {
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

const writeTally = (row: RowInMaking, tally: Readonly<Tally>): void => {
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
