/**
 * A map from 32-bit integers to positive 32-bit integers: open addressing, no tombstones.
 *
 * Consecutive keys in groups of eight stay together, because the identities of neighbouring pages usually are consecutive.
 */

const groupBits = 3
const groupMask = (1 << groupBits) - 1
const hashFactor = 0x9e3779b1
const initialBits = 8

export class IntMap {
  size = 0
  private keys = new Int32Array(1 << initialBits)
  /** 0 where empty. */
  private values = new Int32Array(1 << initialBits)
  private mask = (1 << initialBits) - 1
  private shift = 32 - (initialBits - groupBits)

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

  delete(key: number): void {
    const { keys, mask, values } = this
    let hole = this.indexOf(key)
    if (values[hole] === 0) return
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
    return ((Math.imul(key >> groupBits, hashFactor) >>> this.shift) << groupBits) | (key & groupMask)
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
