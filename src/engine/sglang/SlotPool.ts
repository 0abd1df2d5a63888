/**
 * The free KV slots of a worker: a last-in-first-out stack, one slot per token.
 *
 * Which slots a request gets is visible in results as far as two pages may share one (see {@link KvCache}). Until that can happen every
 * slot has one owner, no comparison of two slots can succeed, and it does not matter which is which: the stack is a count. From
 * {@link number} on slots have numbers, and their order is kept exactly: a taken group is the top of the stack in stack order, a
 * returned group is appended in its own order, and nothing checks for numbers that are on the stack twice.
 *
 *     stack    … first + 8 | first + 7 | 90 | 91 | 17 | 18 |       available: its height
 *                      not in memory   | entries           |       only the levels that a run has reached since
 */
import { grown } from "../../structures/Grown.ts"

/** Levels materialised at a time, at least. */
const minLevels = 4096

export class SlotPool {
  /** Slots on the stack. */
  available: number
  /** Slots are told apart. */
  numbered = false
  /** Materialised levels, lowest first; read taken slots from here once slots are numbered. */
  entries: Int32Array = new Int32Array(0)
  private readonly capacity: number
  /** Sum of the level and the number of a slot that has not been taken since there are numbers. */
  private levelAndNumber = 0
  /** Stack level of `entries[0]`. */
  private lowestLevel = 0

  constructor(capacity: number) {
    this.capacity = capacity
    this.available = capacity
  }

  /** Tells the slots apart from now on: those on the stack get the numbers from `firstNumber` on, from its top down. */
  number(firstNumber: number): void {
    this.numbered = true
    this.levelAndNumber = firstNumber + this.available - 1
    this.lowestLevel = this.available
    this.entries = new Int32Array(0)
  }

  /**
   * Takes `count` slots; -1 and no change when there are fewer. Else the index in {@link entries} at which they lie, in order, until
   * the next give; it means nothing while slots have no numbers.
   */
  take(count: number): number {
    if (count > this.available) return -1
    this.available -= count
    if (!this.numbered) return 0
    if (this.available < this.lowestLevel) this.materialise()
    return this.available - this.lowestLevel
  }

  /** Gives `source[from … to)` in order; without numbers, so many slots. */
  giveAll(source: Int32Array, from: number, to: number): void {
    const count = to - from
    if (this.numbered) {
      const top = this.available - this.lowestLevel
      if (top + count > this.entries.length) this.raise(top + count)
      const { entries } = this
      for (let index = from, target = top; index < to; index++, target++) entries[target] = source[index]!
    }
    this.available += count
  }

  /** Gives back the last `count` slots of the group taken last, which ends at index `end` of {@link entries}. */
  giveBack(end: number, count: number): void {
    if (this.numbered) this.entries.copyWithin(this.available - this.lowestLevel, end - count, end)
    this.available += count
  }

  /** Makes the stack a fresh one, of slots without numbers. */
  reset(): void {
    this.available = this.capacity
    this.numbered = false
    this.entries = new Int32Array(0)
  }

  /** Brings untouched levels into memory until the top is among them. */
  private materialise(): void {
    const { entries, levelAndNumber, lowestLevel } = this
    const missing = lowestLevel - this.available
    const levels = Math.min(lowestLevel, Math.max(missing, entries.length, minLevels))
    const deeper = new Int32Array(levels + entries.length)
    deeper.set(entries, levels)
    this.lowestLevel = lowestLevel - levels
    for (let index = 0; index < levels; index++) deeper[index] = levelAndNumber - this.lowestLevel - index
    this.entries = deeper
  }

  /** More slots come back than ever lay on the stack: some of them have two owners. */
  private raise(length: number): void {
    this.entries = grown(this.entries, Math.max(length, this.entries.length * 2, minLevels))
  }
}
