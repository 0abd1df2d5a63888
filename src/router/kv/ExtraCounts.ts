/**
 * Counts of block identities beyond the first holder: an open-addressing table (linear probing, deletion by shifting
 * back) from identity to count, in two Int32Arrays.
 *
 * Most active blocks have one holder and never come here, so the table stays small and in cache.
 */
const empty = -1

export class ExtraCounts {
  /** Identities with a count above zero. */
  size = 0
  private keys: Int32Array
  private counts: Int32Array

  constructor(capacity = 64) {
    this.keys = new Int32Array(capacity).fill(empty)
    this.counts = new Int32Array(capacity)
  }

  increment(block: number): void {
    const slot = this.slotOf(block)
    if (this.keys[slot] === block) {
      this.counts[slot]! += 1
      return
    }
    this.keys[slot] = block
    this.counts[slot] = 1
    this.size += 1
    if (this.size * 2 > this.keys.length) this.grow()
  }

  /** Takes one off; `false` when the identity has no count. */
  decrement(block: number): boolean {
    if (this.size === 0) return false
    const slot = this.slotOf(block)
    if (this.keys[slot] !== block) return false
    const left = this.counts[slot]! - 1
    this.counts[slot] = left
    if (left === 0) this.delete(slot)
    return true
  }

  /** The slot of `block`, or the free one where it would go. */
  private slotOf(block: number): number {
    const keys = this.keys
    const mask = keys.length - 1
    let slot = home(block, mask)
    while (keys[slot] !== block && keys[slot] !== empty) slot = (slot + 1) & mask
    return slot
  }

  /** Empties a slot and moves later entries of its run back, so that no probe breaks off early. */
  private delete(slot: number): void {
    const { counts, keys } = this
    const mask = keys.length - 1
    let hole = slot
    for (let next = (hole + 1) & mask; keys[next] !== empty; next = (next + 1) & mask) {
      const distance = (next - home(keys[next]!, mask)) & mask
      if (distance < ((next - hole) & mask)) continue
      keys[hole] = keys[next]!
      counts[hole] = counts[next]!
      hole = next
    }
    keys[hole] = empty
    this.size -= 1
  }

  private grow(): void {
    const { counts, keys } = this
    this.keys = new Int32Array(keys.length * 2).fill(empty)
    this.counts = new Int32Array(keys.length * 2)
    for (let old = 0; old < keys.length; old++) {
      const block = keys[old]!
      if (block === empty) continue
      const slot = this.slotOf(block)
      this.keys[slot] = block
      this.counts[slot] = counts[old]!
    }
  }
}

/** Fibonacci hashing: neighbouring identities, the usual case, spread over the table. */
const home = (block: number, mask: number): number => {
  const mixed = Math.imul(block, 0x9e3779b1)
  return (mixed ^ (mixed >>> 15)) & mask
}
