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

/** What a pass adds to the group that it joins. */
const sums = [columns.passes, columns.busyMs, columns.prefillTokens, columns.decodeTokens, columns.preemptions]

export class PassGroups {
  private readonly rows = new NumberRows(Object.keys(columns).length)

  get length(): number {
    return this.rows.length
  }

  /** Adds a pass: to the last group while that has fewer than `mostPasses`. */
  add(core: WorkerCore, startMs: number, outcome: PassOutcome, mostPasses: number): void {
    const { emittedTokens, endMs, preemptions, prefillEndMs, prefillTokens } = outcome
    const row = this.isFull(mostPasses) ? this.begin(core.snapshot(), startMs, prefillEndMs) : this.lastRow
    const { cells } = this.rows
    cells[row + columns.passes]! += 1
    cells[row + columns.endMs] = endMs
    cells[row + columns.busyMs]! += endMs - startMs
    cells[row + columns.prefillTokens]! += prefillTokens
    cells[row + columns.decodeTokens]! += emittedTokens
    cells[row + columns.preemptions]! += preemptions
  }

  /**
   * Adds passes ahead, from `pass` on and before `until`: as many as the last group still takes, or those of a new one. Returns the first pass
   * that is left.
   */
  addAhead(core: WorkerCore, ahead: PassesAhead, pass: number, until: number, mostPasses: number): number {
    const { batch, ends } = ahead
    let startMs = ahead.startOf(pass)
    const row = this.isFull(mostPasses) ? this.begin(core.snapshot(pass + 1), startMs, startMs) : this.lastRow
    const { cells } = this.rows
    const next = Math.min(until, pass + mostPasses - cells[row + columns.passes]!)
    let busyMs = cells[row + columns.busyMs]!
    for (let each = pass; each < next; each++) {
      const endMs = ends[each]!
      busyMs += endMs - startMs
      startMs = endMs
    }
    cells[row + columns.passes]! += next - pass
    cells[row + columns.endMs] = startMs
    cells[row + columns.busyMs] = busyMs
    cells[row + columns.decodeTokens]! += (next - pass) * batch
    return next
  }

  /** Makes one group of every two. */
  join(): void {
    const { rows } = this
    let kept = 0
    for (let group = 0; group < rows.length; group += 2) {
      if (group + 1 < rows.length) {
        for (const column of sums) rows.increase(group, column, rows.get(group + 1, column))
        rows.set(group, columns.endMs, rows.get(group + 1, columns.endMs))
      }
      rows.copy(group, kept++)
    }
    rows.truncate(kept)
  }

  at(group: number): PassGroup {
    const { cells, width } = this.rows
    const row = group * width
    return {
      passes: cells[row + columns.passes]!,
      startMs: cells[row + columns.startMs]!,
      endMs: cells[row + columns.endMs]!,
      prefillEndMs: cells[row + columns.prefillEndMs]!,
      busyMs: cells[row + columns.busyMs]!,
      prefillTokens: cells[row + columns.prefillTokens]!,
      decodeTokens: cells[row + columns.decodeTokens]!,
      preemptions: cells[row + columns.preemptions]!,
      waiting: cells[row + columns.waiting]!,
      running: cells[row + columns.running]!,
      activeBlocks: cells[row + columns.activeBlocks]!,
      cachedBlocks: cells[row + columns.cachedBlocks]!
    }
  }

  *all(): Generator<PassGroup> {
    for (let group = 0; group < this.length; group++) yield this.at(group)
  }

  /** Where the last group begins in the table. */
  private get lastRow(): number {
    return (this.rows.length - 1) * this.rows.width
  }

  private isFull(mostPasses: number): boolean {
    const { rows } = this
    return rows.length === 0 || rows.cells[this.lastRow + columns.passes]! >= mostPasses
  }

  /** A group without any pass yet; the prefill part of its first one ends at `prefillEndMs`. Returns where it begins in the table. */
  private begin(state: WorkerSnapshot, startMs: number, prefillEndMs: number): number {
    const row = this.rows.add()
    const { cells } = this.rows
    cells[row + columns.startMs] = startMs
    cells[row + columns.prefillEndMs] = prefillEndMs
    cells[row + columns.waiting] = state.waiting
    cells[row + columns.running] = state.running
    cells[row + columns.activeBlocks] = state.activeBlocks
    cells[row + columns.cachedBlocks] = state.cachedBlocks
    return row
  }
}
