/** Rows that came a little out of order, held until none can come before them. */
import { SlotHeap } from "../../structures/SlotHeap.ts"
import type { TraceRow } from "../TraceRow.ts"
import type { Emit } from "./RowSteps.ts"

export class RowsInOrder {
  private readonly heap = new SlotHeap()
  private readonly rows: Array<TraceRow | undefined> = []
  private added = 0

  /** Of equal keys the one added first goes first. */
  add(row: TraceRow, key: number): void {
    this.rows[this.heap.push(key, this.added++, 0)] = row
  }

  /** Emits all rows whose key is at most this. */
  release(key: number, emit: Emit): void {
    const { heap, rows } = this
    while (heap.length > 0 && heap.headFirst <= key) {
      const slot = heap.headSlot
      const row = rows[slot]
      rows[slot] = undefined
      heap.pop()
      if (row !== undefined) emit(row)
    }
  }
}
