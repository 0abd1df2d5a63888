/** Passes of a worker for a timeline, several consecutive ones as one group where there are too many; times in simulated ms. */
import type { PassOutcome, WorkerCore } from "../engine/WorkerCore.ts"
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

  /** Adds a pass: to the last group while that has fewer than `mostPasses`. True when a group began. */
  add(core: WorkerCore, startMs: number, outcome: PassOutcome, mostPasses: number): boolean {
    const { rows } = this
    if (rows.length === 0 || rows.get(rows.length - 1, columns.passes) >= mostPasses) {
      this.begin(core, startMs, outcome)
      return true
    }
    const last = rows.length - 1
    rows.increase(last, columns.passes, 1)
    rows.set(last, columns.endMs, outcome.endMs)
    rows.increase(last, columns.busyMs, outcome.endMs - startMs)
    rows.increase(last, columns.prefillTokens, outcome.prefillTokens)
    rows.increase(last, columns.decodeTokens, outcome.emittedTokens)
    rows.increase(last, columns.preemptions, outcome.preemptions)
    return false
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
    const of = (column: number): number => this.rows.get(group, column)
    return {
      passes: of(columns.passes),
      startMs: of(columns.startMs),
      endMs: of(columns.endMs),
      prefillEndMs: of(columns.prefillEndMs),
      busyMs: of(columns.busyMs),
      prefillTokens: of(columns.prefillTokens),
      decodeTokens: of(columns.decodeTokens),
      preemptions: of(columns.preemptions),
      waiting: of(columns.waiting),
      running: of(columns.running),
      activeBlocks: of(columns.activeBlocks),
      cachedBlocks: of(columns.cachedBlocks)
    }
  }

  *all(): Generator<PassGroup> {
    for (let group = 0; group < this.length; group++) yield this.at(group)
  }

  private begin(core: WorkerCore, startMs: number, outcome: PassOutcome): void {
    const { rows } = this
    const { emittedTokens, endMs, preemptions, prefillEndMs, prefillTokens } = outcome
    const { activeBlocks, cachedBlocks, running, waiting } = core.snapshot()
    rows.add()
    const row = rows.length - 1
    rows.set(row, columns.passes, 1)
    rows.set(row, columns.startMs, startMs)
    rows.set(row, columns.endMs, endMs)
    rows.set(row, columns.prefillEndMs, prefillEndMs)
    rows.set(row, columns.busyMs, endMs - startMs)
    rows.set(row, columns.prefillTokens, prefillTokens)
    rows.set(row, columns.decodeTokens, emittedTokens)
    rows.set(row, columns.preemptions, preemptions)
    rows.set(row, columns.waiting, waiting)
    rows.set(row, columns.running, running)
    rows.set(row, columns.activeBlocks, activeBlocks)
    rows.set(row, columns.cachedBlocks, cachedBlocks)
  }
}
