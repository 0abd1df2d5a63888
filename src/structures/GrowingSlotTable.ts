/**
 * Finds the slot that carries a key, where the keys lie in a column that its owner may replace by a longer one. Unlike
 * {@link SlotTable} it grows with what it holds: some 8 bytes per slot.
 *
 * Open addressing, linear probing, three quarters full at most; removal moves back what was probed past the hole.
 */
import { groupedHome, groupedShift } from "./Hash.ts"

const initialBits = 7

export class GrowingSlotTable {
  /** Slot + 1, 0 where empty. */
  private table = new Int32Array(1 << initialBits)
  private shift = groupedShift(initialBits)
  private used = 0

  /** The slot of a key, or -1. */
  find(keys: Int32Array, key: number): number {
    const { table } = this
    const mask = table.length - 1
    for (let index = groupedHome(key, this.shift); ; index = (index + 1) & mask) {
      const entry = table[index]!
      if (entry === 0) return -1
      if (keys[entry - 1] === key) return entry - 1
    }
  }

  /** Enters a slot under its key, which no other slot in the table has. */
  add(keys: Int32Array, slot: number): void {
    this.used += 1
    if (4 * this.used > 3 * this.table.length) this.grow(keys)
    this.place(keys, slot)
  }

  /** Takes a slot out; it still has its key. */
  remove(keys: Int32Array, slot: number): void {
    const { table } = this
    const mask = table.length - 1
    this.used -= 1
    let hole = groupedHome(keys[slot]!, this.shift)
    while (table[hole] !== slot + 1) hole = (hole + 1) & mask
    for (let index = (hole + 1) & mask; table[index] !== 0; index = (index + 1) & mask) {
      // An entry may move to the hole unless that lies before its home.
      if (((index - groupedHome(keys[table[index]! - 1]!, this.shift)) & mask) < ((index - hole) & mask)) continue
      table[hole] = table[index]!
      hole = index
    }
    table[hole] = 0
  }

  forEach(visit: (slot: number) => void): void {
    const { table } = this
    for (let index = 0; index < table.length; index++) if (table[index] !== 0) visit(table[index]! - 1)
  }

  private place(keys: Int32Array, slot: number): void {
    const { table } = this
    const mask = table.length - 1
    let index = groupedHome(keys[slot]!, this.shift)
    while (table[index] !== 0) index = (index + 1) & mask
    table[index] = slot + 1
  }

  private grow(keys: Int32Array): void {
    const old = this.table
    this.table = new Int32Array(old.length * 2)
    this.shift -= 1
    for (const entry of old) if (entry !== 0) this.place(keys, entry - 1)
  }
}
