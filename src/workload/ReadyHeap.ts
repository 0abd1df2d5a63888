/** Turns that have a ready time, smallest (ready time, session index, turn index) first. */
import { grown } from "../structures/Grown.ts"
import { SlotHeap } from "../structures/SlotHeap.ts"

export class ReadyHeap {
  private readonly heap = new SlotHeap()
  private rows = new Float64Array(this.heap.capacity)
  private keys = new Int32Array(this.heap.capacity)

  get length(): number {
    return this.heap.length
  }

  /** `row` is the handle of the turn's row, `key` whatever the owner needs to find its session again. */
  push(readyMs: number, session: number, turn: number, row: number, key: number): void {
    const slot = this.heap.push(readyMs, session, turn)
    if (slot >= this.rows.length) {
      this.rows = grown(this.rows, this.heap.capacity)
      this.keys = grown(this.keys, this.heap.capacity)
    }
    this.rows[slot] = row
    this.keys[slot] = key
  }

  /** `Infinity` when empty. */
  get headMs(): number {
    return this.heap.headFirst
  }

  get headTurn(): number {
    return this.heap.headThird
  }

  get headRow(): number {
    return this.rows[this.heap.headSlot]!
  }

  get headKey(): number {
    return this.keys[this.heap.headSlot]!
  }

  pop(): void {
    this.heap.pop()
  }
}
