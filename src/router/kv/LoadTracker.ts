/**
 * How many blocks the requests of each worker keep it busy with: of shared prompts every block counts once per worker, however many of its
 * requests have it ({@link PromptTree}).
 */
import type { BlockHolder, MarkBlocks } from "../../request/BlockIdentity.ts"
import { grown } from "../../structures/Grown.ts"
import { PromptTree } from "./PromptTree.ts"

export class LoadTracker implements BlockHolder {
  /** Distinct blocks that each worker is busy with. */
  activeBlocks: Float64Array
  private readonly prompts = new PromptTree()

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
    this.prompts.removeWorker(worker)
  }

  /** A request with these prompt blocks (the first `length` of `blocks`, which must not change) goes to the worker. */
  add(worker: number, blocks: Int32Array, length: number): void {
    this.activeBlocks[worker]! += this.prompts.add(worker, blocks, length)
  }

  /** Undoes one {@link LoadTracker.add} of the same arguments. */
  remove(worker: number, blocks: Int32Array, length: number): void {
    this.activeBlocks[worker]! -= this.prompts.remove(worker, blocks, length)
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
    this.prompts.leading(blocks, length, out)
  }

  markBlocks(mark: MarkBlocks): void {
    this.prompts.markBlocks(mark)
  }
}
