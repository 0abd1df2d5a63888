/** Passes of a worker for a timeline, several consecutive ones as one group where there are too many; times in simulated ms. */
import type { PassesAhead } from "../engine/PassesAhead.ts"
import { emptySnapshot, type PassOutcome, type WorkerCore, type WorkerSnapshot } from "../engine/WorkerCore.ts"
import { NumberRows } from "../structures/NumberRows.ts"
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

/** What is kept of every group lies together: its end as a time, counts behind it. Most begin where the one before ends, and there is no more to say. */
const bytesPerGroup = 32
/** From one group to the next, as numbers of these two kinds. */
const timesPerGroup = bytesPerGroup / 8
const countsPerGroup = bytesPerGroup / 4
const countColumn = {
  decodeTokens: 2,
  /** Its row of details, from 1; 0 where it has none. */
  details: 3,
  waiting: 4,
  running: 5,
  activeBlocks: 6,
  cachedBlocks: 7
} as const
/** The last four as two numbers, to copy them: nobody has as many requests or blocks as would make them `NaN`. */
const [requestsPair, blocksPair] = [2, 3]

/** What else there is to say of those that prefill, lose requests, or begin later than the one before ends. */
const detailColumn = { startMs: 0, prefillEndMs: 1, busyMs: 2, prefillTokens: 3, preemptions: 4, group: 5 } as const
const detailWidth = 6

/** Groups of a piece, an even number of them, as a power of two. */
const shift = 11
const groupsPerPiece = 2 ** shift

/** Room for so many groups. Pieces stay where they are: what grows by copying leaves half of its memory behind. */
class Piece {
  private readonly memory = new UncountedMemory(bytesPerGroup * groupsPerPiece)
  readonly times = new Float64Array(this.memory)
  readonly counts = new Int32Array(this.memory)
}

export class PassGroups {
  length = 0
  /** Of all groups but the last one, which may have fewer. */
  private passesPerGroup: number
  private lastPasses: number
  /** That of the last group, and where it is in there: so that the first one begins like those of all other pieces. */
  private piece = new Piece()
  private place = groupsPerPiece - 1
  private readonly pieces = [this.piece]
  /** In the order of their groups. */
  private readonly details = new NumberRows(detailWidth)
  /** How the worker is at some pass. */
  private readonly state = emptySnapshot()
  /** Groups that are looked at. */
  private readonly one = noPasses()
  private readonly other = noPasses()

  constructor(passesPerGroup: number) {
    this.passesPerGroup = passesPerGroup
    this.lastPasses = passesPerGroup
  }

  /** Adds a pass: to the last group while that is not full. */
  add(core: WorkerCore, startMs: number, outcome: PassOutcome): void {
    const { emittedTokens, endMs, preemptions, prefillEndMs, prefillTokens } = outcome
    const begins = this.lastPasses === this.passesPerGroup
    const isSpecial = prefillTokens > 0 || preemptions > 0 || !this.endsAt(startMs)
    if (begins) {
      this.begin(core.snapshot(0, this.state))
      this.lastPasses = 0
      if (isSpecial || prefillEndMs !== startMs) this.addDetails(startMs, prefillEndMs, 0)
    } else if (isSpecial) this.needDetails()
    const { counts, times } = this.piece
    const at = countsPerGroup * this.place
    times[timesPerGroup * this.place] = endMs
    counts[at + countColumn.decodeTokens]! += emittedTokens
    this.lastPasses += 1
    if (counts[at + countColumn.details] === 0) return
    const { cells, last } = this.details
    cells[last + detailColumn.busyMs]! += endMs - startMs
    cells[last + detailColumn.prefillTokens]! += prefillTokens
    cells[last + detailColumn.preemptions]! += preemptions
  }

  /**
   * Adds passes ahead, from `from` on and before `until`: those that the last group still takes, and then as many as `mostGroups` new ones do.
   * Returns the first pass that is left.
   */
  addAhead(core: WorkerCore, ahead: PassesAhead, from: number, until: number, mostGroups: number): number {
    const { passesPerGroup, state } = this
    const { batch, ends } = ahead
    let pass = from
    let startMs = ahead.startOf(from)
    const follows = this.endsAt(startMs)
    if (this.lastPasses < passesPerGroup) {
      if (!follows) this.needDetails()
      const left = until - from
      const missing = passesPerGroup - this.lastPasses
      const passes = left < missing ? left : missing
      pass += passes
      const endMs = ends[pass - 1]!
      const { counts, times } = this.piece
      const at = countsPerGroup * this.place
      times[timesPerGroup * this.place] = endMs
      counts[at + countColumn.decodeTokens]! += passes * batch
      if (counts[at + countColumn.details]! > 0) {
        this.details.cells[this.details.last + detailColumn.busyMs]! += endMs - startMs
      }
      this.lastPasses += passes
      if (pass === until) return until
      startMs = endMs
    }
    // Blocks are taken from pass to pass, and none is given back: those that are the same at the end were so all the time.
    const { activeBlocks } = core.snapshot(until, state)
    core.snapshot(pass + 1, state)
    // Then there is more to say of the first of them: it begins alone.
    const isApart = !this.endsAt(startMs)
    let passes = 0
    for (let begun = isApart ? mostGroups - 1 : 0; pass < until && begun < mostGroups; begun++) {
      if (state.activeBlocks !== activeBlocks) core.snapshot(pass + 1, state)
      this.begin(state)
      const left = until - pass
      passes = left < passesPerGroup ? left : passesPerGroup
      pass += passes
      const { counts, times } = this.piece
      times[timesPerGroup * this.place] = ends[pass - 1]!
      counts[countsPerGroup * this.place + countColumn.decodeTokens] = passes * batch
    }
    this.lastPasses = passes
    if (isApart) this.addDetails(startMs, startMs, ends[pass - 1]! - startMs)
    return pass
  }

  /** Makes one group of every two. */
  join(): void {
    const { length } = this
    this.joinDetails()
    for (let group = 0; group < length; group += groupsPerPiece) {
      this.joinPiece(group, Math.min(length, group + groupsPerPiece))
    }
    if (length % 2 === 0) this.lastPasses += this.passesPerGroup
    this.passesPerGroup *= 2
    this.length = Math.ceil(length / 2)
    this.tellDetails()
    if (length > 0) this.seekLast()
  }

  /** A group, in an object that may be used again. */
  at(group: number, into: Writable<PassGroup> = noPasses()): PassGroup {
    const { counts, times } = this.pieceOf(group)
    const place = placeOf(group)
    const at = countsPerGroup * place
    into.passes = group === this.length - 1 ? this.lastPasses : this.passesPerGroup
    into.endMs = times[timesPerGroup * place]!
    into.decodeTokens = counts[at + countColumn.decodeTokens]!
    into.waiting = counts[at + countColumn.waiting]!
    into.running = counts[at + countColumn.running]!
    into.activeBlocks = counts[at + countColumn.activeBlocks]!
    into.cachedBlocks = counts[at + countColumn.cachedBlocks]!
    const details = counts[at + countColumn.details]!
    if (details === 0) {
      into.startMs = place > 0 ? times[timesPerGroup * (place - 1)]! : this.endOf(group - 1)
      into.prefillEndMs = into.startMs
      into.busyMs = into.endMs - into.startMs
      into.prefillTokens = 0
      into.preemptions = 0
    } else {
      const cells = this.details.pieceOf(details - 1)
      const row = this.details.offsetOf(details - 1)
      into.startMs = cells[row + detailColumn.startMs]!
      into.prefillEndMs = cells[row + detailColumn.prefillEndMs]!
      into.busyMs = cells[row + detailColumn.busyMs]!
      // As V8's integers, which they are elsewhere.
      into.prefillTokens = cells[row + detailColumn.prefillTokens]! | 0
      into.preemptions = cells[row + detailColumn.preemptions]! | 0
    }
    return into
  }

  /** Whether there are groups, and the last one ends then. */
  private endsAt(timeMs: number): boolean {
    return this.length > 0 && this.piece.times[timesPerGroup * this.place] === timeMs
  }

  /** A group without any pass yet. Its end is for who begins it. */
  private begin(state: WorkerSnapshot): void {
    this.length += 1
    this.place += 1
    if (this.place === groupsPerPiece) this.seekLast()
    const { counts } = this.piece
    const at = countsPerGroup * this.place
    counts[at + countColumn.decodeTokens] = 0
    counts[at + countColumn.waiting] = state.waiting
    counts[at + countColumn.running] = state.running
    counts[at + countColumn.activeBlocks] = state.activeBlocks
    counts[at + countColumn.cachedBlocks] = state.cachedBlocks
    counts[at + countColumn.details] = 0
  }

  /** The last group has some, if only what is known without. */
  private needDetails(): void {
    if (this.piece.counts[countsPerGroup * this.place + countColumn.details] !== 0) return
    const { busyMs, startMs } = this.at(this.length - 1, this.one)
    this.addDetails(startMs, startMs, busyMs)
  }

  private addDetails(startMs: number, prefillEndMs: number, busyMs: number): void {
    const row = this.details.add()
    const { cells, length } = this.details
    cells[row + detailColumn.startMs] = startMs
    cells[row + detailColumn.prefillEndMs] = prefillEndMs
    cells[row + detailColumn.busyMs] = busyMs
    cells[row + detailColumn.group] = this.length - 1
    this.piece.counts[countsPerGroup * this.place + countColumn.details] = length
  }

  /** Makes one row of every two that are to be of one group, and of what is known without where only one of the two has details. */
  private joinDetails(): void {
    const { details, one, other } = this
    let joined = 0
    for (let row = 0; row < details.length; joined++) {
      const group = details.get(row, detailColumn.group) & ~1
      const isPair = group + 1 < this.length
      this.at(group, one)
      if (isPair) this.at(group + 1, other)
      row += 1
      if (row < details.length && details.get(row, detailColumn.group) === group + 1) row += 1
      details.set(joined, detailColumn.startMs, one.startMs)
      details.set(joined, detailColumn.prefillEndMs, one.prefillEndMs)
      details.set(joined, detailColumn.busyMs, one.busyMs + (isPair ? other.busyMs : 0))
      details.set(joined, detailColumn.prefillTokens, one.prefillTokens + (isPair ? other.prefillTokens : 0))
      details.set(joined, detailColumn.preemptions, one.preemptions + (isPair ? other.preemptions : 0))
      details.set(joined, detailColumn.group, group >> 1)
    }
    details.truncate(joined)
  }

  /** Joins the groups of one piece, from one on and before another, but for their details. Times are where half as many counts are. */
  private joinPiece(from: number, until: number): void {
    const { counts, times } = this.pieceOf(from)
    const { counts: targetCounts, times: targetTimes } = this.pieceOf(from >> 1)
    for (let group = from; group < until; group += 2) {
      const one = countsPerGroup * placeOf(group)
      const other = group + 1 < until ? one + countsPerGroup : one
      const both = countsPerGroup * placeOf(group >> 1)
      targetTimes[both >> 1] = times[other >> 1]!
      targetTimes[(both >> 1) + requestsPair] = times[(one >> 1) + requestsPair]!
      targetTimes[(both >> 1) + blocksPair] = times[(one >> 1) + blocksPair]!
      targetCounts[both + countColumn.decodeTokens] =
        counts[one + countColumn.decodeTokens]! + (other > one ? counts[other + countColumn.decodeTokens]! : 0)
      targetCounts[both + countColumn.details] = 0
    }
  }

  /** Tells groups which rows of details they have. */
  private tellDetails(): void {
    const { details } = this
    for (let row = 0; row < details.length; row++) {
      const group = details.get(row, detailColumn.group)
      this.pieceOf(group).counts[countsPerGroup * placeOf(group) + countColumn.details] = row + 1
    }
  }

  private endOf(group: number): number {
    return this.pieceOf(group).times[timesPerGroup * placeOf(group)]!
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
