/**
 * The blocks of the requests that each worker is busy with: a multiset of block identities per worker.
 *
 * A block counts once per worker however many of its requests share it. The first holder is a bit in a shared table, which
 * also answers for all workers at once how much of a new prompt they are already busy with; further
 * holders are counted on the side.
 */
import type { BlockHolder } from "../../request/BlockIdentity.ts"
import { IntMap } from "../../structures/IntMap.ts"
import { WorkerBlockSets } from "./WorkerBlockSets.ts"

export class LoadTracker implements BlockHolder {
  /** Distinct blocks that each worker is busy with. */
  activeBlocks: Float64Array
  private readonly active: WorkerBlockSets
  /** Per worker: holders of a block beyond the first. Most active blocks have one, so these stay small and in cache. */
  private readonly extra: Array<IntMap>

  constructor(workers: number) {
    this.activeBlocks = new Float64Array(workers)
    this.active = new WorkerBlockSets(workers)
    this.extra = Array.from({ length: workers }, () => new IntMap())
  }

  /** Makes room for workers below `workers`. */
  grow(workers: number): void {
    const activeBlocks = new Float64Array(workers)
    activeBlocks.set(this.activeBlocks)
    this.activeBlocks = activeBlocks
    this.active.grow(workers)
    while (this.extra.length < workers) this.extra.push(new IntMap())
  }

  /** The worker is gone. */
  removeWorker(worker: number): void {
    this.activeBlocks[worker] = 0
    this.active.remove(worker)
    this.extra[worker] = new IntMap()
  }

  /** A request with these prompt blocks (the first `length` of `blocks`) goes to the worker. */
  add(worker: number, blocks: Int32Array, length: number): void {
    const group = this.active.groupOf(worker)
    const bit = this.active.bitOf(worker)
    const extra = this.extra[worker]!
    let fresh = 0
    for (let i = 0; i < length; i++) {
      const block = blocks[i]!
      if (block >= group.masks.length) group.grow(block)
      const here = group.masks[block]!
      if ((here & bit) === 0) {
        group.masks[block] = here | bit
        fresh += 1
      } else {
        extra.add(block, 1)
      }
    }
    this.activeBlocks[worker]! += fresh
  }

  /** Undoes one {@link LoadTracker.add} of the same arguments. */
  remove(worker: number, blocks: Int32Array, length: number): void {
    const masks = this.active.groupOf(worker).masks
    const bit = this.active.bitOf(worker)
    const extra = this.extra[worker]!
    let gone = 0
    for (let i = 0; i < length; i++) {
      const block = blocks[i]!
      if (extra.size > 0 && extra.get(block) > 0) {
        extra.add(block, -1)
        continue
      }
      masks[block]! &= ~bit
      gone += 1
    }
    this.activeBlocks[worker]! -= gone
  }

  /** A request whose blocks count as its own, equal to nobody else's, goes to the worker. */
  addPrivate(worker: number, length: number): void {
    this.activeBlocks[worker]! += length
  }

  /** Undoes one {@link LoadTracker.addPrivate}. */
  removePrivate(worker: number, length: number): void {
    this.activeBlocks[worker]! -= length
  }

  /** Leading blocks of a prompt that each worker is busy with already, into `out[w]`. */
  depths(blocks: Int32Array, length: number, out: Int32Array): void {
    this.active.leading(blocks, length, out)
  }

  markBlocks(mark: (block: number) => void): void {
    this.active.markBlocks(mark)
  }
}
