/**
 * The blocks of the requests that each worker is busy with: a multiset of block identities per worker.
 *
 * A block counts once per worker however many of its requests share it. Holders are counted per frame of eight blocks:
 *
 *     entry (frame, worker)    masks: blocks with a holder    wholes: requests that hold all eight    parts: blocks with another holder
 *     extra, per worker        block → holders beyond the first of those in `parts`
 *
 * A prompt is mostly whole frames, so its blocks are counted eight at a time; its last few, and prompts whose identities do not
 * follow each other, one by one. A request is removed the way it was added, so the two kinds of holders never mix.
 */
import type { BlockHolder } from "../../request/BlockIdentity.ts"
import { frameOf, frameSize, memberCount, memberOf, membersFrom, runLength } from "../../structures/FrameMask.ts"
import { grown } from "../../structures/Grown.ts"
import { IntMap } from "../../structures/IntMap.ts"
import { WorkerFrames } from "./WorkerFrames.ts"

const wholeFrame = membersFrom(0, frameSize)

export class LoadTracker implements BlockHolder {
  /** Distinct blocks that each worker is busy with. */
  activeBlocks: Float64Array
  private readonly active = new WorkerFrames()
  private wholes = new Int32Array(this.active.capacity)
  private parts = new Uint8Array(this.active.capacity)
  /** By worker, once it has any. */
  private readonly extra: Array<IntMap | undefined> = []

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
    this.active.dropWorker(worker)
    this.extra[worker] = undefined
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

  markBlocks(mark: (block: number) => void): void {
    this.active.markBlocks(mark)
  }

  /** Adds a holder to `count` blocks of one frame; returns how many of them had none. */
  private addRun(worker: number, first: number, count: number): number {
    const { active } = this
    const entry = active.enter(frameOf(first), worker)
    const before = active.masks[entry]!
    if (before === 0) this.reset(entry)
    if (count === frameSize) this.wholes[entry]! += 1
    else this.addParts(worker, entry, first, count)
    const after = before | membersFrom(memberOf(first), count)
    active.masks[entry] = after
    return memberCount(after) - memberCount(before)
  }

  /** Takes a holder of `count` blocks of one frame away; returns how many of them have none left. */
  private removeRun(worker: number, first: number, count: number): number {
    const { active } = this
    const frame = frameOf(first)
    const entry = active.find(frame, worker)
    const before = active.masks[entry]!
    if (count === frameSize) this.wholes[entry]! -= 1
    else this.removeParts(worker, entry, first, count)
    const after = this.wholes[entry]! > 0 ? wholeFrame : this.parts[entry]!
    active.masks[entry] = after
    if (after === 0) active.drop(frame, entry)
    return memberCount(before) - memberCount(after)
  }

  private addParts(worker: number, entry: number, first: number, count: number): void {
    const held = this.parts[entry]!
    const added = membersFrom(memberOf(first), count)
    this.parts[entry] = held | added
    if ((held & added) === 0) return
    const extra = (this.extra[worker] ??= new IntMap())
    for (let block = first; block < first + count; block++) {
      if ((held & (1 << memberOf(block))) !== 0) extra.add(block, 1)
    }
  }

  private removeParts(worker: number, entry: number, first: number, count: number): void {
    const extra = this.extra[worker]
    for (let block = first; block < first + count; block++) {
      if (extra !== undefined && extra.get(block) > 0) extra.add(block, -1)
      else this.parts[entry]! &= ~(1 << memberOf(block))
    }
  }

  private reset(entry: number): void {
    if (entry >= this.wholes.length) {
      this.wholes = grown(this.wholes, this.active.capacity)
      this.parts = grown(this.parts, this.active.capacity)
    }
    this.wholes[entry] = 0
    this.parts[entry] = 0
  }
}
