/**
 * A map from 32-bit integers to integers from 1 to 2^31 - 1: open addressing, linear probing, no tombstones.
 *
 *     place    … | key 16 | key 17 | key 40 |  empty | …     a key starts at its home and goes to the next empty place
 *     value      |   3    |    1   |    9   |    0   |       0: empty
 *
 * At most half full, so a look-up reads one or two places; deletion moves back what was probed past the hole. Homes are those of
 * {@link groupedHome}. 16 bytes per entry at worst.
 */
import { groupedHome, groupedShift } from "./Hash.ts"

const initialBits = 8

export class IntMap {
  size = 0
  private keys = new Int32Array(1 << initialBits)
  /** 0 where empty. */
  private values = new Int32Array(1 << initialBits)
  private mask = (1 << initialBits) - 1
  private shift = groupedShift(initialBits)

  /** 0 when absent. */
  get(key: number): number {
    const { keys, mask, values } = this
    let index = this.home(key)
    for (;;) {
      const value = values[index]!
      if (value === 0 || keys[index] === key) return value
      index = (index + 1) & mask
    }
  }

  /** `value` must not be 0. */
  set(key: number, value: number): void {
    const index = this.indexOf(key)
    if (this.values[index] === 0) {
      this.keys[index] = key
      this.size += 1
    }
    this.values[index] = value
    if (this.size * 2 > this.mask) this.grow()
  }

  /** Adds to the value of a key, absent ones counting as 0, and returns the sum, which is not negative; at 0 the key is gone. */
  add(key: number, amount: number): number {
    const index = this.indexOf(key)
    const known = this.values[index]!
    const sum = known + amount
    if (sum === 0) {
      if (known !== 0) this.empty(index)
      return 0
    }
    this.keys[index] = key
    this.values[index] = sum
    if (known === 0) {
      this.size += 1
      if (this.size * 2 > this.mask) this.grow()
    }
    return sum
  }

  delete(key: number): void {
    const index = this.indexOf(key)
    if (this.values[index] !== 0) this.empty(index)
  }

  private empty(at: number): void {
    const { keys, mask, values } = this
    let hole = at
    this.size -= 1
    for (let index = (hole + 1) & mask; values[index] !== 0; index = (index + 1) & mask) {
      // An entry may move to the hole unless that lies before its home.
      if (((index - this.home(keys[index]!)) & mask) < ((index - hole) & mask)) continue
      keys[hole] = keys[index]!
      values[hole] = values[index]!
      hole = index
    }
    values[hole] = 0
  }

  forEach(visit: (key: number, value: number) => void): void {
    for (let index = 0; index <= this.mask; index++) {
      const value = this.values[index]!
      if (value !== 0) visit(this.keys[index]!, value)
    }
  }

  private home(key: number): number {
    return groupedHome(key, this.shift)
  }

  /** Where the key is, or the empty place where it belongs. */
  private indexOf(key: number): number {
    const { keys, mask, values } = this
    let index = this.home(key)
    while (values[index] !== 0 && keys[index] !== key) index = (index + 1) & mask
    return index
  }

  private grow(): void {
    const { keys, values } = this
    const length = keys.length * 2
    this.keys = new Int32Array(length)
    this.values = new Int32Array(length)
    this.mask = length - 1
    this.shift -= 1
    for (let old = 0; old < values.length; old++) {
      if (values[old] === 0) continue
      const index = this.indexOf(keys[old]!)
      this.keys[index] = keys[old]!
      this.values[index] = values[old]!
    }
  }
}
