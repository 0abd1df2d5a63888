/**
 * The free KV slots of a worker: a last-in-first-out stack of slot numbers, one slot per token.
 *
 * Which numbers a request gets is visible in results (see {@link KvCache}), so the order is kept exactly: a taken group is
 * the top of the stack in stack order, a returned group is appended in its own order, and nothing checks for numbers that are
 * on the stack twice.
 *
 * A fresh stack holds `capacity - 1 … 0` from bottom to top. Only the levels that a run has reached so far exist in memory.
 */
import { grown } from "../../structures/Grown.ts"

/** Levels materialised at a time, at least. */
const minLevels = 4096

export class SlotPool {
  /** Slots on the stack. */
  available: number
  /** Materialised levels, lowest first; read taken slots from here. */
  entries: Int32Array = new Int32Array(0)
  private readonly capacity: number
  /** Stack level of `entries[0]`. */
  private lowestLevel: number

  constructor(capacity: number) {
    this.capacity = capacity
    this.available = capacity
    this.lowestLevel = capacity
  }

  /**
   * Takes `count` slots. Returns the index in {@link entries} at which they lie, in order, until the next give; -1 and
   * no change when there are fewer.
   */
  take(count: number): number {
    if (count > this.available) return -1
    this.available -= count
    if (this.available < this.lowestLevel) this.materialise()
    return this.available - this.lowestLevel
  }

  give(slot: number): void {
    const top = this.available - this.lowestLevel
    if (top === this.entries.length) this.raise(top + 1)
    this.entries[top] = slot
    this.available += 1
  }

  /** Gives `source[from … to)` in order. */
  giveAll(source: Int32Array, from: number, to: number): void {
    const top = this.available - this.lowestLevel
    if (top + to - from > this.entries.length) this.raise(top + to - from)
    const { entries } = this
    for (let index = from, target = top; index < to; index++, target++) entries[target] = source[index]!
    this.available += to - from
  }

  /** Gives back the last `count` slots of the group taken last, which ends at index `end` of {@link entries}. */
  giveBack(end: number, count: number): void {
    this.entries.copyWithin(this.available - this.lowestLevel, end - count, end)
    this.available += count
  }

  /** Makes the stack a fresh one. */
  reset(): void {
    this.available = this.capacity
    this.lowestLevel = this.capacity
    this.entries = new Int32Array(0)
  }

  /** Brings untouched levels into memory until the top is among them. */
  private materialise(): void {
    const { capacity, entries, lowestLevel } = this
    const missing = lowestLevel - this.available
    const levels = Math.min(lowestLevel, Math.max(missing, entries.length, minLevels))
    const deeper = new Int32Array(levels + entries.length)
    deeper.set(entries, levels)
    this.lowestLevel = lowestLevel - levels
    for (let index = 0; index < levels; index++) deeper[index] = capacity - 1 - (this.lowestLevel + index)
    this.entries = deeper
  }

  /** More slots come back than ever lay on the stack: some of them have two owners. */
  private raise(length: number): void {
    this.entries = grown(this.entries, Math.max(length, this.entries.length * 2, minLevels))
  }
}
