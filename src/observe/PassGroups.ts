/** Passes of a worker for a timeline, several consecutive ones as one group where there are too many; times in simulated ms. */
import type { PassesAhead } from "../engine/PassesAhead.ts"
import type { PassOutcome, WorkerCore, WorkerSnapshot } from "../engine/WorkerCore.ts"
import { NumberRows } from "../structures/NumberRows.ts"

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

/** A group to write others into. */
export const noPasses = (): Writable<PassGroup> => ({
  passes: 0,
  startMs: 0,
  endMs: 0,
  prefillEndMs: 0,
  busyMs: 0,
  prefillTokens: 0,
  decodeTokens: 0,
  preemptions: 0,
  waiting: 0,
  running: 0,
  activeBlocks: 0,
  cachedBlocks: 0
})

const columns = {
  passes: 0,
  startMs: 1,
  endMs: 2,
  prefillEndMs: 3,
  busyMs: 4,
  prefillTokens: 5,
  decodeTokens: 6,
  preemptions: 7,
  waiting: 8,
  running: 9,
  activeBlocks: 10,
  cachedBlocks: 11
} as const satisfies Record<keyof PassGroup, number>

/** Adds a group to the one before it. */
const addTo = (to: Float64Array, joined: number, from: Float64Array, second: number): void => {
  to[joined + columns.passes]! += from[second + columns.passes]!
  to[joined + columns.endMs] = from[second + columns.endMs]!
  to[joined + columns.busyMs]! += from[second + columns.busyMs]!
  to[joined + columns.prefillTokens]! += from[second + columns.prefillTokens]!
  to[joined + columns.decodeTokens]! += from[second + columns.decodeTokens]!
  to[joined + columns.preemptions]! += from[second + columns.preemptions]!
}

export class PassGroups {
  private readonly rows = new NumberRows(Object.keys(columns).length)

  get length(): number {
    return this.rows.length
  }

  /** Adds a pass: to the last group while that has fewer than `mostPasses`. */
  add(core: WorkerCore, startMs: number, outcome: PassOutcome, mostPasses: number): void {
    const { emittedTokens, endMs, preemptions, prefillEndMs, prefillTokens } = outcome
    if (this.isFull(mostPasses)) this.begin(core.snapshot(), startMs, prefillEndMs)
    const { cells, last } = this.rows
    cells[last + columns.passes]! += 1
    cells[last + columns.endMs] = endMs
    cells[last + columns.busyMs]! += endMs - startMs
    cells[last + columns.prefillTokens]! += prefillTokens
    cells[last + columns.decodeTokens]! += emittedTokens
    cells[last + columns.preemptions]! += preemptions
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
    let pass = this.isFull(mostPasses) ? from : this.extend(ahead, from, until, mostPasses)
    if (pass === until) return until
    let state = core.snapshot(pass + 1)
    // Blocks are taken from pass to pass, and none is given back: those that are the same at the end were so all the time.
    const changes = until - pass > mostPasses && core.snapshot(until).activeBlocks !== state.activeBlocks
    for (let begun = 0; pass < until && begun < mostGroups; begun++) {
      if (changes) state = core.snapshot(pass + 1)
      const startMs = ahead.startOf(pass)
      this.begin(state, startMs, startMs)
      pass = this.extend(ahead, pass, until, mostPasses)
    }
    return pass
  }

  /** Adds passes ahead to the last group until that is full. They follow one another directly. */
  private extend(ahead: PassesAhead, pass: number, until: number, mostPasses: number): number {
    const { cells, last } = this.rows
    const next = Math.min(until, pass + mostPasses - cells[last + columns.passes]!)
    const endMs = ahead.ends[next - 1]!
    cells[last + columns.passes]! += next - pass
    cells[last + columns.endMs] = endMs
    cells[last + columns.busyMs]! += endMs - ahead.startOf(pass)
    cells[last + columns.decodeTokens]! += (next - pass) * ahead.batch
    return next
  }

  /** Makes one group of every two. */
  join(): void {
    const { rows } = this
    const { width } = rows
    let kept = 0
    for (let group = 0; group < rows.length; group += 2, kept++) {
      const from = rows.pieceOf(group)
      const to = rows.pieceOf(kept)
      const first = rows.offsetOf(group)
      const joined = rows.offsetOf(kept)
      for (let column = 0; column < width; column++) to[joined + column] = from[first + column]!
      // Both are in one piece: a piece has an even number of rows.
      if (group + 1 < rows.length) addTo(to, joined, from, first + width)
    }
    rows.truncate(kept)
  }

  /** A group, in an object that may be used again. */
  at(group: number, into: Writable<PassGroup> = noPasses()): PassGroup {
    const { rows } = this
    const cells = rows.pieceOf(group)
    const row = rows.offsetOf(group)
    into.passes = cells[row + columns.passes]!
    into.startMs = cells[row + columns.startMs]!
    into.endMs = cells[row + columns.endMs]!
    into.prefillEndMs = cells[row + columns.prefillEndMs]!
    into.busyMs = cells[row + columns.busyMs]!
    into.prefillTokens = cells[row + columns.prefillTokens]!
    into.decodeTokens = cells[row + columns.decodeTokens]!
    into.preemptions = cells[row + columns.preemptions]!
    into.waiting = cells[row + columns.waiting]!
    into.running = cells[row + columns.running]!
    into.activeBlocks = cells[row + columns.activeBlocks]!
    into.cachedBlocks = cells[row + columns.cachedBlocks]!
    return into
  }

  private isFull(mostPasses: number): boolean {
    const { rows } = this
    return rows.length === 0 || rows.cells[rows.last + columns.passes]! >= mostPasses
  }

  /** A group without any pass yet; the prefill part of its first one ends at `prefillEndMs`. */
  private begin(state: WorkerSnapshot, startMs: number, prefillEndMs: number): void {
    const { rows } = this
    const row = rows.add()
    const { cells } = rows
    cells[row + columns.startMs] = startMs
    cells[row + columns.prefillEndMs] = prefillEndMs
    cells[row + columns.waiting] = state.waiting
    cells[row + columns.running] = state.running
    cells[row + columns.activeBlocks] = state.activeBlocks
    cells[row + columns.cachedBlocks] = state.cachedBlocks
  }
}
