/** Passes of a worker for a timeline, several consecutive ones as one group where there are too many; times in simulated ms. */
import type { PassesAhead } from "../engine/PassesAhead.ts"
import { emptySnapshot, type PassOutcome, type WorkerCore, type WorkerSnapshot } from "../engine/WorkerCore.ts"
import { UncountedMemory } from "../structures/UncountedMemory.ts"

export interface PassGroup {
  readonly passes: number
  readonly startMs: number
  readonly endMs: number
  /** Where the prefill part of the first pass ends. */
  readonly prefillEndMs: number
  /** Time that passes take; less than from start to end where the worker was idle in between. */
  readonly busyMs: number
  readonly prefillTokens: number
  readonly decodeTokens: number
  readonly preemptions: number
  /** State of the worker as the first pass starts: requests, KV blocks. */
  readonly waiting: number
  readonly running: number
  readonly activeBlocks: number
  readonly cachedBlocks: number
}

type Writable<T> = { -readonly [key in keyof T]: T[key] }

/** A group to write others into; what may be no whole number is none from the start, so that objects of one shape stay so. */
export const noPasses = (): Writable<PassGroup> => ({
  passes: 0,
  startMs: Number.NaN,
  endMs: Number.NaN,
  prefillEndMs: Number.NaN,
  busyMs: Number.NaN,
  prefillTokens: 0,
  decodeTokens: 0,
  preemptions: 0,
  waiting: 0,
  running: 0,
  activeBlocks: 0,
  cachedBlocks: 0
})

/** What is kept of a group lies together: times first, counts behind them. */
const timeColumn = { start: 0, end: 1, prefillEnd: 2, busy: 3 } as const
const countColumn = {
  passes: 8,
  prefillTokens: 9,
  decodeTokens: 10,
  preemptions: 11,
  waiting: 12,
  running: 13,
  activeBlocks: 14,
  cachedBlocks: 15
} as const
const bytesPerGroup = 64
/** From one group to the next, as numbers of these two kinds. */
const timesPerGroup = bytesPerGroup / 8
const countsPerGroup = bytesPerGroup / 4

/** Groups of a piece, an even number of them, as a power of two. */
const shift = 10
const groupsPerPiece = 2 ** shift

/** Room for so many groups. Pieces stay where they are: what grows by copying leaves half of its memory behind. */
class Piece {
  private readonly memory = new UncountedMemory(bytesPerGroup * groupsPerPiece)
  readonly times = new Float64Array(this.memory)
  readonly counts = new Int32Array(this.memory)
}

export class PassGroups {
  length = 0
  /** That of the last group, and where it is in there. */
  private piece = new Piece()
  private place = -1
  private readonly pieces = [this.piece]
  /** How the worker is at some pass. */
  private readonly state = emptySnapshot()

  /** Adds a pass: to the last group while that has fewer than `mostPasses`. */
  add(core: WorkerCore, startMs: number, outcome: PassOutcome, mostPasses: number): void {
    const { emittedTokens, endMs, preemptions, prefillEndMs, prefillTokens } = outcome
    const begins = this.isFull(mostPasses)
    if (begins) this.begin(core.snapshot(0, this.state))
    const { counts, times } = this.piece
    const atTimes = timesPerGroup * this.place
    if (begins) {
      times[atTimes + timeColumn.start] = startMs
      times[atTimes + timeColumn.prefillEnd] = prefillEndMs
      times[atTimes + timeColumn.busy] = 0
    }
    times[atTimes + timeColumn.end] = endMs
    times[atTimes + timeColumn.busy]! += endMs - startMs
    const atCounts = countsPerGroup * this.place
    counts[atCounts + countColumn.passes]! += 1
    counts[atCounts + countColumn.prefillTokens]! += prefillTokens
    counts[atCounts + countColumn.decodeTokens]! += emittedTokens
    counts[atCounts + countColumn.preemptions]! += preemptions
  }

  /**
   * Adds passes ahead, from `from` on and before `until`: those that the last group still takes, and then as many as `mostGroups` new ones do.
   * Returns the first pass that is left.
   */
  addAhead(
    core: WorkerCore,
    ahead: PassesAhead,
    from: number,
    until: number,
    mostPasses: number,
    mostGroups: number
  ): number {
    let pass = this.extend(ahead, from, until, mostPasses)
    if (pass === until) return until
    const { state } = this
    const { batch, ends } = ahead
    // Blocks are taken from pass to pass, and none is given back: those that are the same at the end were so all the time.
    const { activeBlocks } = core.snapshot(until, state)
    core.snapshot(pass + 1, state)
    let startMs = ahead.startOf(pass)
    for (let begun = 0; pass < until && begun < mostGroups; begun++) {
      if (state.activeBlocks !== activeBlocks) core.snapshot(pass + 1, state)
      this.begin(state)
      const { counts, times } = this.piece
      const passes = until - pass < mostPasses ? until - pass : mostPasses
      pass += passes
      const endMs = ends[pass - 1]!
      const atTimes = timesPerGroup * this.place
      times[atTimes + timeColumn.start] = startMs
      times[atTimes + timeColumn.end] = endMs
      times[atTimes + timeColumn.prefillEnd] = startMs
      times[atTimes + timeColumn.busy] = endMs - startMs
      const atCounts = countsPerGroup * this.place
      counts[atCounts + countColumn.passes] = passes
      counts[atCounts + countColumn.decodeTokens] = passes * batch
      startMs = endMs
    }
    return pass
  }

  /** Makes one group of every two. */
  join(): void {
    const { length } = this
    if (length % 2 === 1) this.addNothing()
    for (let group = 0; group < length; group += groupsPerPiece) {
      const pairs = Math.min(groupsPerPiece, this.length - group) / 2
      joinPairs(this.pieceOf(group), pairs, this.pieceOf(group / 2), placeOf(group / 2))
    }
    this.length /= 2
    if (length > 0) this.seekLast()
  }

  /** A group, in an object that may be used again. */
  at(group: number, into: Writable<PassGroup> = noPasses()): PassGroup {
    const piece = this.pieceOf(group)
    const atTimes = timesPerGroup * placeOf(group)
    into.startMs = piece.times[atTimes + timeColumn.start]!
    into.endMs = piece.times[atTimes + timeColumn.end]!
    into.prefillEndMs = piece.times[atTimes + timeColumn.prefillEnd]!
    into.busyMs = piece.times[atTimes + timeColumn.busy]!
    const atCounts = countsPerGroup * placeOf(group)
    into.passes = piece.counts[atCounts + countColumn.passes]!
    into.prefillTokens = piece.counts[atCounts + countColumn.prefillTokens]!
    into.decodeTokens = piece.counts[atCounts + countColumn.decodeTokens]!
    into.preemptions = piece.counts[atCounts + countColumn.preemptions]!
    into.waiting = piece.counts[atCounts + countColumn.waiting]!
    into.running = piece.counts[atCounts + countColumn.running]!
    into.activeBlocks = piece.counts[atCounts + countColumn.activeBlocks]!
    into.cachedBlocks = piece.counts[atCounts + countColumn.cachedBlocks]!
    return into
  }

  /** Adds passes ahead to the last group until that is full. They follow one another directly. */
  private extend(ahead: PassesAhead, pass: number, until: number, mostPasses: number): number {
    if (this.isFull(mostPasses)) return pass
    const { piece, place } = this
    const atCounts = countsPerGroup * place
    const full = pass + mostPasses - piece.counts[atCounts + countColumn.passes]!
    const next = full < until ? full : until
    piece.counts[atCounts + countColumn.passes]! += next - pass
    piece.counts[atCounts + countColumn.decodeTokens]! += (next - pass) * ahead.batch
    const atTimes = timesPerGroup * place
    const endMs = ahead.ends[next - 1]!
    piece.times[atTimes + timeColumn.end] = endMs
    piece.times[atTimes + timeColumn.busy]! += endMs - ahead.startOf(pass)
    return next
  }

  private isFull(mostPasses: number): boolean {
    return this.length === 0 || this.piece.counts[countsPerGroup * this.place + countColumn.passes]! >= mostPasses
  }

  /** A group without any pass yet. Its times are for who begins it. */
  private begin(state: WorkerSnapshot): void {
    this.addPlace()
    const cells = this.piece.counts
    const from = countsPerGroup * this.place
    cells[from + countColumn.passes] = 0
    cells[from + countColumn.prefillTokens] = 0
    cells[from + countColumn.decodeTokens] = 0
    cells[from + countColumn.preemptions] = 0
    cells[from + countColumn.waiting] = state.waiting
    cells[from + countColumn.running] = state.running
    cells[from + countColumn.activeBlocks] = state.activeBlocks
    cells[from + countColumn.cachedBlocks] = state.cachedBlocks
  }

  /** A group that adds nothing to the last one. */
  private addNothing(): void {
    const endMs = this.piece.times[timesPerGroup * this.place + timeColumn.end]!
    this.addPlace()
    const { piece, place } = this
    piece.times[timesPerGroup * place + timeColumn.end] = endMs
    piece.times[timesPerGroup * place + timeColumn.busy] = 0
    piece.counts.fill(0, countsPerGroup * place + countColumn.passes, countsPerGroup * (place + 1))
  }

  private addPlace(): void {
    this.length += 1
    this.place += 1
    if (this.place === groupsPerPiece) this.seekLast()
  }

  private seekLast(): void {
    const last = this.length - 1
    const index = last >> shift
    if (index === this.pieces.length) this.pieces.push(new Piece())
    this.piece = this.pieceOf(last)
    this.place = placeOf(last)
  }

  private pieceOf(group: number): Piece {
    return this.pieces[group >> shift]!
  }
}

/** Where a group is in its piece. */
const placeOf = (group: number): number => group & (groupsPerPiece - 1)

/** Writes the first groups of a piece two by two from `target` on, in another piece or not behind them. */
const joinPairs = (from: Piece, pairs: number, to: Piece, target: number): void => {
  const { counts: sourceCounts, times: sourceTimes } = from
  const { counts: targetCounts, times: targetTimes } = to
  for (let pair = 0; pair < pairs; pair++) {
    const first = 2 * timesPerGroup * pair
    const second = first + timesPerGroup
    const joined = timesPerGroup * (target + pair)
    targetTimes[joined + timeColumn.start] = sourceTimes[first + timeColumn.start]!
    targetTimes[joined + timeColumn.prefillEnd] = sourceTimes[first + timeColumn.prefillEnd]!
    targetTimes[joined + timeColumn.end] = sourceTimes[second + timeColumn.end]!
    targetTimes[joined + timeColumn.busy] =
      sourceTimes[first + timeColumn.busy]! + sourceTimes[second + timeColumn.busy]!
    const one = 2 * countsPerGroup * pair
    const other = one + countsPerGroup
    const both = countsPerGroup * (target + pair)
    targetCounts[both + countColumn.passes] =
      sourceCounts[one + countColumn.passes]! + sourceCounts[other + countColumn.passes]!
    targetCounts[both + countColumn.prefillTokens] =
      sourceCounts[one + countColumn.prefillTokens]! + sourceCounts[other + countColumn.prefillTokens]!
    targetCounts[both + countColumn.decodeTokens] =
      sourceCounts[one + countColumn.decodeTokens]! + sourceCounts[other + countColumn.decodeTokens]!
    targetCounts[both + countColumn.preemptions] =
      sourceCounts[one + countColumn.preemptions]! + sourceCounts[other + countColumn.preemptions]!
    targetCounts[both + countColumn.waiting] = sourceCounts[one + countColumn.waiting]!
    targetCounts[both + countColumn.running] = sourceCounts[one + countColumn.running]!
    targetCounts[both + countColumn.activeBlocks] = sourceCounts[one + countColumn.activeBlocks]!
    targetCounts[both + countColumn.cachedBlocks] = sourceCounts[one + countColumn.cachedBlocks]!
  }
}
