/**
 * Which blocks lie in the KV tiers of each worker below its device, and what those are worth to a prompt.
 *
 * A prompt's blocks behind its cached ones count from host memory as far as they go, then from disk, as they would be loaded.
 */
import type { TierEventSinks } from "../../engine/KvEvents.ts"
import type { BlockHolder, MarkBlocks } from "../../request/BlockIdentity.ts"
import { PrefixIndex } from "./PrefixIndex.ts"

export interface TierWeights {
  /** Worth of a block in host memory, of one on the device; from 0 to 1. */
  readonly host: number
  readonly disk: number
}

/** In place of a worker: the disk that all of them share. */
const shared = 0

export class TierIndex implements BlockHolder {
  private readonly weights: TierWeights
  private readonly host = new PrefixIndex()
  private readonly disk = new PrefixIndex()
  private readonly sharedDisk = new PrefixIndex()
  /** One for all workers: whoever announces to it does so once. */
  private readonly sharedSink = this.sharedDisk.sink(shared)

  constructor(weights: TierWeights) {
    this.weights = weights
  }

  sinks(worker: number): TierEventSinks {
    return { host: this.host.sink(worker), disk: this.disk.sink(worker), sharedDisk: this.sharedSink }
  }

  /** What tiers of a worker have of `blocks[from … length)`, in blocks. */
  credit(worker: number, blocks: Int32Array, from: number, length: number): number {
    const hostBlocks = this.host.run(worker, blocks, from, length)
    const diskFrom = from + hostBlocks
    const own = this.disk.run(worker, blocks, diskFrom, length)
    const diskBlocks = own > 0 ? own : this.sharedDisk.run(shared, blocks, diskFrom, length)
    return this.weights.host * hostBlocks + this.weights.disk * diskBlocks
  }

  remove(worker: number): void {
    this.host.remove(worker)
    this.disk.remove(worker)
  }

  markBlocks(mark: MarkBlocks): void {
    for (const index of [this.host, this.disk, this.sharedDisk]) index.markBlocks(mark)
  }
}
