/**
 * Which worker caches which block, as told by the workers' own cache events.
 *
 * An identity stands for a whole prefix and engines evict leaves first, so a set per worker says the same as
 * a radix tree of the prompts would.
 */
import type { KvEventSink } from "../../engine/KvEvents.ts"
import type { BlockHolder } from "../../request/BlockIdentity.ts"
import { WorkerBlockSets, type WorkerGroup } from "./WorkerBlockSets.ts"

/** Applies one worker's events to its set. */
class WorkerSink implements KvEventSink {
  private readonly group: WorkerGroup
  private readonly bit: number

  constructor(group: WorkerGroup, bit: number) {
    this.group = group
    this.bit = bit
  }

  stored(block: number): void {
    const group = this.group
    if (block >= group.masks.length) group.grow(block)
    group.masks[block]! |= this.bit
  }

  removed(block: number): void {
    const masks = this.group.masks
    if (block < masks.length) masks[block]! &= ~this.bit
  }
}

export class PrefixIndex implements BlockHolder {
  private readonly cached: WorkerBlockSets
  private readonly sinks: Array<KvEventSink>

  constructor(workers: number) {
    const cached = new WorkerBlockSets(workers)
    this.cached = cached
    this.sinks = Array.from({ length: workers }, (_, w) => new WorkerSink(cached.groupOf(w), cached.bitOf(w)))
  }

  /** Makes room for workers below `workers`. */
  grow(workers: number): void {
    this.cached.grow(workers)
    for (let w = this.sinks.length; w < workers; w++) {
      this.sinks.push(new WorkerSink(this.cached.groupOf(w), this.cached.bitOf(w)))
    }
  }

  /** The worker is gone, and with it what it cached. */
  remove(worker: number): void {
    this.cached.remove(worker)
  }

  /** Where the events of a worker go. Storing a block twice or removing an absent one changes nothing. */
  sink(worker: number): KvEventSink {
    return this.sinks[worker]!
  }

  /** Leading blocks of a prompt cached on each worker, into `out[w]`; `length` is the number of full prompt blocks. */
  overlaps(blocks: Int32Array, length: number, out: Int32Array): void {
    this.cached.leading(blocks, length, out)
  }

  markBlocks(mark: (block: number) => void): void {
    this.cached.markBlocks(mark)
  }
}
