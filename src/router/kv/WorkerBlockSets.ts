/**
 * One set of block identities per worker, laid out for the router's two questions: "add or remove this block on that
 * worker" and "how many leading blocks of this prompt does each worker have".
 *
 * Workers come in groups of 32. A group keeps one bit mask per block identity, so a prompt is walked once per
 * group, whatever the number of workers in it, and only as far as its longest match. Identities are recycled
 * small integers, so the tables stay as large as the most blocks that were ever alive at once.
 */
import { grown } from "../../structures/Grown.ts"

const workersPerGroup = 32

/** The sets of up to 32 workers: bit `w` of `masks[block]` says that worker `w` of the group has the block. */
export class WorkerGroup {
  masks: Int32Array = new Int32Array(1024)
  /** One bit for each worker that is there. */
  everyone: number

  constructor(workers: number) {
    this.everyone = workers === workersPerGroup ? -1 : (1 << workers) - 1
  }

  /** Forgets the worker of this bit. */
  clear(bit: number): void {
    this.everyone &= ~bit
    if (this.everyone === 0) this.masks = new Int32Array(1024)
    const { masks } = this
    for (let block = 0; block < masks.length; block++) masks[block]! &= ~bit
  }

  /** Makes room for `block`. */
  grow(block: number): void {
    this.masks = grown(this.masks, Math.max(this.masks.length * 2, block + 1))
  }

  /** See {@link WorkerBlockSets.leading}; `first` is the id of the group's first worker. */
  leading(blocks: Int32Array, length: number, out: Int32Array, first: number): void {
    const masks = this.masks
    const known = masks.length
    let matching = this.everyone
    for (let i = 0; i < length; i++) {
      const block = blocks[i]!
      const here = block < known ? masks[block]! : 0
      const dropped = matching & ~here
      if (dropped === 0) continue
      fill(out, first, dropped, i)
      matching &= here
      if (matching === 0) return
    }
    fill(out, first, matching, length)
  }
}

/** Writes `value` for every worker whose bit is set. */
const fill = (out: Int32Array, first: number, bits: number, value: number): void => {
  for (let rest = bits; rest !== 0; rest &= rest - 1) out[first + 31 - Math.clz32(rest & -rest)] = value
}

export class WorkerBlockSets {
  private readonly groups: Array<WorkerGroup>
  private workers: number

  constructor(workers: number) {
    const groups: Array<WorkerGroup> = []
    for (let first = 0; first < workers; first += workersPerGroup) {
      groups.push(new WorkerGroup(Math.min(workersPerGroup, workers - first)))
    }
    this.groups = groups
    this.workers = workers
  }

  /** Makes room for workers below `workers`; the new ones have nothing. */
  grow(workers: number): void {
    for (; this.workers < workers; this.workers++) {
      if (this.workers % workersPerGroup === 0) this.groups.push(new WorkerGroup(0))
      this.groupOf(this.workers).everyone |= this.bitOf(this.workers)
    }
  }

  /** The worker is gone, with all it had. */
  remove(worker: number): void {
    this.groupOf(worker).clear(this.bitOf(worker))
  }

  /** The group that holds a worker's set; its bit there is {@link WorkerBlockSets.bitOf}. */
  groupOf(worker: number): WorkerGroup {
    return this.groups[Math.floor(worker / workersPerGroup)]!
  }

  bitOf(worker: number): number {
    return 1 << (worker % workersPerGroup)
  }

  /** Writes into `out[w]`, for every worker `w`, how many of the first `length` blocks it has without a gap from the start. */
  leading(blocks: Int32Array, length: number, out: Int32Array): void {
    let first = 0
    for (const group of this.groups) {
      group.leading(blocks, length, out, first)
      first += workersPerGroup
    }
  }

  markBlocks(mark: (block: number) => void): void {
    for (const group of this.groups) {
      const masks = group.masks
      for (let block = 0; block < masks.length; block++) {
        if (masks[block] !== 0) mark(block)
      }
    }
  }
}
