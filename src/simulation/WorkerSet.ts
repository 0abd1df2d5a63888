/**
 * A set of worker indexes as bits, walked in ascending order: which idle workers have something to do.
 */
export class WorkerSet {
  private readonly words: Uint32Array

  constructor(workers: number) {
    this.words = new Uint32Array(Math.ceil(workers / 32))
  }

  add(worker: number): void {
    this.words[worker >>> 5] = this.words[worker >>> 5]! | (1 << (worker & 31))
  }

  remove(worker: number): void {
    this.words[worker >>> 5] = this.words[worker >>> 5]! & ~(1 << (worker & 31))
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
