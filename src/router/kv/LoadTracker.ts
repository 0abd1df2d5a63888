/**
 * The blocks of the requests that each worker is busy with: a multiset of block identities per worker.
 *
 * A block counts once per worker however many of its requests share it. An entry of a worker in a frame of eight blocks
 * ({@link WorkerFrames}) says which of them it is busy with; how many requests hold each is counted on the side
 * ({@link MemberCounts}). A prompt is mostly whole frames, so its blocks are counted eight at a time.
 */
import type { BlockHolder, MarkBlocks } from "../../request/BlockIdentity.ts"
import { frameOf, memberCount, memberOf, runLength } from "../../structures/FrameMask.ts"
import { grown } from "../../structures/Grown.ts"
import { MemberCounts } from "../../structures/MemberCounts.ts"
import { WorkerFrames } from "./WorkerFrames.ts"

export class LoadTracker implements BlockHolder {
  /** Distinct blocks that each worker is busy with. */
  activeBlocks: Float64Array
  private readonly active = new WorkerFrames()
  /** By entry of {@link active}. */
  private readonly holders = new MemberCounts(this.active.capacity)

  constructor(workers: number) {
    this.activeBlocks = new Float64Array(workers)
  }

  /** Makes room for workers below `workers`. */
  grow(workers: number): void {
    this.activeBlocks = grown(this.activeBlocks, workers)
  }

  /** The worker is gone. */
  removeWorker(worker: number): void {
    this.activeBlocks[worker] = 0
    this.active.dropWorker(worker, (entry) => this.holders.clear(entry))
  }

  /** A request with these prompt blocks (the first `length` of `blocks`) goes to the worker. */
  add(worker: number, blocks: Int32Array, length: number): void {
    let fresh = 0
    for (let position = 0; position < length;) {
      const run = runLength(blocks, position, length)
      fresh += this.addRun(worker, blocks[position]!, run)
      position += run
    }
    this.activeBlocks[worker]! += fresh
  }

  /** Undoes one {@link LoadTracker.add} of the same arguments. */
  remove(worker: number, blocks: Int32Array, length: number): void {
    let gone = 0
    for (let position = 0; position < length;) {
      const run = runLength(blocks, position, length)
      gone += this.removeRun(worker, blocks[position]!, run)
      position += run
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

  markBlocks(mark: MarkBlocks): void {
    this.active.markBlocks(mark)
  }

  /** Adds a holder to `count` blocks of one frame; returns how many of them had none. */
  private addRun(worker: number, first: number, count: number): number {
    const { active, holders } = this
    const entry = active.enter(frameOf(first), worker)
    holders.grow(active.capacity)
    const fresh = holders.add(entry, memberOf(first), count)
    active.masks[entry] = holders.held(entry)
    return memberCount(fresh)
  }

  /** Takes a holder of `count` blocks of one frame away; returns how many of them have none left. */
  private removeRun(worker: number, first: number, count: number): number {
    const { active, holders } = this
    const frame = frameOf(first)
    const entry = active.find(frame, worker)
    const gone = holders.remove(entry, memberOf(first), count)
    const left = holders.held(entry)
    active.masks[entry] = left
    if (left === 0) active.drop(frame, entry)
    return memberCount(gone)
  }
}
