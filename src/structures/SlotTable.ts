/**
 * Finds the slot that carries a key, where the keys lie in a column of the owner's: a pool of fixed size whose slots come and go.
 *
 *     table    … | slot + 1 | slot + 1 | 0 | …       open addressing, linear probing; 0: empty
 *     keys     keys[slot], the owner's; a slot in the table keeps its key
 *
 * A quarter full at most, so most look-ups read one entry; removal moves back what was probed past the hole, so there are no
 * tombstones. 16 bytes per slot.
 */
import { groupedHome, groupedShift, leastGroupedBits } from "./Hash.ts"

export class SlotTable {
  private readonly keys: Int32Array
  private readonly table: Int32Array
  private readonly shift: number
  private readonly mask: number

  /** For the slots of `keys`, none of which is in the table yet. */
  constructor(keys: Int32Array) {
    this.keys = keys
    const bits = Math.max(leastGroupedBits, 32 - Math.clz32(4 * keys.length - 1))
    this.table = new Int32Array(2 ** bits)
    this.shift = groupedShift(bits)
    this.mask = this.table.length - 1
  }

  /** The slot of a key, or -1. */
  find(key: number): number {
    const { keys, mask, table } = this
    let index = groupedHome(key, this.shift)
    for (;;) {
      const entry = table[index]!
      if (entry === 0) return -1
      if (keys[entry - 1] === key) return entry - 1
      index = (index + 1) & mask
    }
  }

  /** Enters a slot under its key, which no other slot in the table has. */
  add(slot: number): void {
    const { mask, table } = this
    let index = groupedHome(this.keys[slot]!, this.shift)
    while (table[index] !== 0) index = (index + 1) & mask
    table[index] = slot + 1
  }

  /** Another slot takes the place of one that has the same key. */
  replace(slot: number, by: number): void {
    this.table[this.indexOf(slot)] = by + 1
  }

  /** Takes a slot out; it still has its key. */
  remove(slot: number): void {
    const { keys, mask, shift, table } = this
    let hole = this.indexOf(slot)
    for (let index = (hole + 1) & mask; table[index] !== 0; index = (index + 1) & mask) {
      const home = groupedHome(keys[table[index]! - 1]!, shift)
      // An entry may move to the hole unless that lies before its home.
      if (((index - home) & mask) >= ((index - hole) & mask)) {
        table[hole] = table[index]!
        hole = index
      }
    }
    table[hole] = 0
  }

  private indexOf(slot: number): number {
    const { mask, table } = this
    let index = groupedHome(this.keys[slot]!, this.shift)
    while (table[index] !== slot + 1) index = (index + 1) & mask
    return index
  }
}
