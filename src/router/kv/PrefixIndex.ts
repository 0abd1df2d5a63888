/**
 * Which worker caches which block, as told by the workers' own cache events.
 *
 * An identity stands for a whole prefix and engines evict leaves first, so a set per worker says the same as
 * a radix tree of the prompts would.
 */
import type { KvEventSink } from "../../engine/KvEvents.ts"
import type { BlockHolder, MarkBlocks } from "../../request/BlockIdentity.ts"
import { wideFrameOf, wideMemberOf, wideMembersFrom, wideSize } from "../../structures/WideFrame.ts"
import { WorkerFrames } from "./WorkerFrames.ts"

/** How many of the blocks `first … end` lie in the same frame as the first. */
const lengthInFrame = (first: number, end: number): number => {
  const left = end - first
  const toEnd = wideSize - wideMemberOf(first)
  return left < toEnd ? left : toEnd
}

/** Applies one worker's events to its set. */
class WorkerSink implements KvEventSink {
  private readonly cached: WorkerFrames
  private readonly worker: number

  constructor(cached: WorkerFrames, worker: number) {
    this.cached = cached
    this.worker = worker
  }

  stored(first: number, count: number): void {
    this.note(first, count, true)
  }

  removed(first: number, count: number): void {
    this.note(first, count, false)
  }

  private note(first: number, count: number, isStored: boolean): void {
    const { cached, worker } = this
    const end = first + count
    for (let from = first; from < end;) {
      const length = lengthInFrame(from, end)
      const members = wideMembersFrom(wideMemberOf(from), length)
      if (isStored) cached.add(wideFrameOf(from), worker, members)
      else cached.remove(wideFrameOf(from), worker, members)
      from += length
    }
  }
}

export class PrefixIndex implements BlockHolder {
  private readonly cached = new WorkerFrames()

  /** The worker is gone, and with it what it cached. */
  remove(worker: number): void {
    this.cached.dropWorker(worker)
  }

  /** Where the events of a worker go. Storing a block twice or removing an absent one changes nothing. */
  sink(worker: number): KvEventSink {
    return new WorkerSink(this.cached, worker)
  }

  /** Leading blocks of a prompt cached on each worker, into `out[w]`; `length` is the number of full prompt blocks. */
  overlaps(blocks: Int32Array, length: number, out: Int32Array): void {
    this.cached.leading(blocks, length, out)
  }

  /** How many of `blocks[from … length)` the worker has without a gap. */
  run(worker: number, blocks: Int32Array, from: number, length: number): number {
    const { cached } = this
    let position = from
    while (position < length) {
      const block = blocks[position]!
      if ((cached.membersOf(wideFrameOf(block), worker) & (1 << wideMemberOf(block))) === 0) break
      position += 1
    }
    return position - from
  }

  markBlocks(mark: MarkBlocks): void {
    this.cached.markBlocks(mark)
  }
}
