/**
 * Finds what an identity of a page leads to: a map from 32-bit integers to positive integers, for keys that come in runs.
 *
 *     groups   16 … 23 ──▶ g5        found by key >> 3, see FrameTable
 *     values   | g5: 40 41 42 43 0 0 0 0 | …      eight per group, 0 where the key is absent
 *
 * Pages of a prompt follow each other, and so do their identities: the group of the last call is remembered, so a walk along a prompt
 * looks up one key in eight. 49 bytes per group; starts with a few and doubles.
 */
import { frameBits, frameOf, frameSize, memberOf, runLength } from "../../structures/FrameMask.ts"
import { FrameTable } from "../../structures/FrameTable.ts"
import { grown } from "../../structures/Grown.ts"

export class PageIndex {
  size = 0
  private readonly groups = new FrameTable()
  private values = new Int32Array(this.groups.capacity * frameSize)
  /** Keys of each group that are here. */
  private used = new Uint8Array(this.groups.capacity)
  /** The number asked for last, and its group: 0 while it has none. */
  private lastNumber = 0
  private lastGroup = 0

  /** 0 when absent. */
  get(key: number): number {
    return this.values[this.groupOf(key) * frameSize + memberOf(key)]!
  }

  /** `value` must not be 0. */
  set(key: number, value: number): void {
    const group = this.groupOf(key) || this.addGroup(key)
    const place = group * frameSize + memberOf(key)
    if (this.values[place] === 0) {
      this.size += 1
      this.used[group]! += 1
    }
    this.values[place] = value
  }

  /** Sets `keys[from … to)`, all absent, to the values that start at `values[first]`. */
  setAbsent(keys: Int32Array, from: number, to: number, values: ReadonlyArray<number>, first: number): void {
    this.size += to - from
    for (let position = from; position < to;) {
      const run = runLength(keys, position, to)
      const group = this.groupOf(keys[position]!) || this.addGroup(keys[position]!)
      const place = group * frameSize + memberOf(keys[position]!)
      for (let member = 0; member < run; member++)
        this.values[place + member] = values[first + position - from + member]!
      this.used[group]! += run
      position += run
    }
  }

  delete(key: number): void {
    const group = this.groupOf(key)
    const place = group * frameSize + memberOf(key)
    if (this.values[place] === 0) return
    this.values[place] = 0
    this.size -= 1
    this.used[group]! -= 1
    if (this.used[group]! > 0) return
    this.groups.remove(group)
    this.lastGroup = 0
  }

  forEach(visit: (key: number, value: number) => void): void {
    const { groups, used, values } = this
    for (let place = 0; place < values.length; place++) {
      const group = place >> frameBits
      if (used[group] === 0 || values[place] === 0) continue
      visit((groups.numbers[group]! << frameBits) | memberOf(place), values[place]!)
    }
  }

  private groupOf(key: number): number {
    const number = frameOf(key)
    if (number !== this.lastNumber) {
      this.lastNumber = number
      this.lastGroup = this.groups.find(number)
    }
    return this.lastGroup
  }

  /** For the number asked for last. */
  private addGroup(key: number): number {
    const group = this.groups.add(frameOf(key))
    if (group >= this.used.length) {
      this.values = grown(this.values, this.groups.capacity * frameSize)
      this.used = grown(this.used, this.groups.capacity)
    }
    this.lastGroup = group
    return group
  }
}
