/**
 * A set of small integers as bits, walked in ascending order.
 *
 *     members { 1, 4, 33 }      words[0] = …0001 0010      words[1] = …0000 0010
 *
 * Adding and removing touch one word. Finding the next member costs one step per 32 absent ones.
 */
export class BitSet {
  private words: Uint32Array

  /** For members 0 … size - 1. */
  constructor(size: number) {
    this.words = new Uint32Array(Math.ceil(size / 32))
  }

  /** Makes room for members below `size`. */
  grow(size: number): void {
    const length = Math.ceil(size / 32)
    if (length <= this.words.length) return
    const words = new Uint32Array(length)
    words.set(this.words)
    this.words = words
  }

  add(member: number): void {
    this.words[member >>> 5] = this.words[member >>> 5]! | (1 << (member & 31))
  }

  remove(member: number): void {
    this.words[member >>> 5] = this.words[member >>> 5]! & ~(1 << (member & 31))
  }

  /** The lowest member that is at least `from`, or -1. */
  nextFrom(from: number): number {
    const { words } = this
    let index = from >>> 5
    if (index >= words.length) return -1
    let word = words[index]! & (-1 << (from & 31))
    while (word === 0) {
      index += 1
      if (index === words.length) return -1
      word = words[index]!
    }
    return (index << 5) + 31 - Math.clz32(word & -word)
  }
}
