/**
 * The way from the device to the host tier: what the device evicts is cut into batches, and each batch is one transfer.
 *
 * As many transfers as a batch has blocks run at a time; further batches queue. A block that the host tier has, that already
 * waits, or for which the host tier has no room is not copied.
 */
import { Fifo } from "../../structures/Fifo.ts"
import { lastOf } from "../../structures/FrameMask.ts"
import { RefilledList } from "../../structures/RefilledList.ts"
import {
  wideCount,
  wideFrameOf,
  wideMemberOf,
  wideMembersFrom,
  wideSize,
  wideTrailing
} from "../../structures/WideFrame.ts"
import { BlockChains } from "./BlockChains.ts"
import type { Offload } from "./KvTiers.ts"
import type { TierArgs } from "./TierArgs.ts"
import type { SharedTiers, TierAccount } from "./SharedTiers.ts"
import type { TierStore } from "./TierStore.ts"
import { TransferLink } from "./TransferLink.ts"

class HostOffload implements Offload {
  /** Order of submission. */
  readonly sequence: number
  /** Batches that have not ended. */
  batches = 0
  endedMs = Number.POSITIVE_INFINITY
  /** Blocks that are not copied: their slots wait for those that are. */
  uncopiedBlocks = 0

  constructor(sequence: number) {
    this.sequence = sequence
  }

  get live(): boolean {
    return this.batches > 0
  }
}

/** One transfer's share of an offload; used again once it has ended. */
export class DownBatch {
  offload: HostOffload
  readonly chains = new BlockChains()

  constructor(offload: HostOffload) {
    this.offload = offload
  }
}

/** Which of an offload's batches queues in this turn: the first, the last, then the others. The reference's task scheduler makes it so. */
export const queuedInTurn = (turn: number, batches: number): number => {
  if (turn === 0) return 0
  return turn === 1 ? batches - 1 : turn - 1
}

export class HostDownlink {
  private readonly batchBlocks: number
  private readonly blockBytes: number
  private readonly host: TierStore
  readonly link: TransferLink<DownBatch>
  private readonly queue = new Fifo<DownBatch>()
  /** Blocks of the batches that queue. */
  private readonly queuedKeys = new Set<number>()
  /** Batches that ended until the last advance. */
  readonly ended = new RefilledList<DownBatch>()
  /** Blocks accepted whose copies have not ended. */
  committed = 0
  private nextSequence = 0
  /** Batches of what is being taken over, and how many blocks they have. */
  private readonly accepted = new RefilledList<DownBatch>()
  private acceptedBlocks = 0
  /** The last of them while it has room. */
  private open: DownBatch | undefined = undefined
  private readonly spare = new RefilledList<DownBatch>()
  private readonly noteQueued = (key: number): void => void this.queuedKeys.add(key)
  private readonly noteStarted = (key: number): void => void this.queuedKeys.delete(key)
  private readonly account: TierAccount

  constructor(args: TierArgs, host: TierStore, { account, times }: SharedTiers) {
    this.account = account
    this.batchBlocks = args.batchBlocks
    this.blockBytes = args.blockBytes
    this.host = host
    this.link = new TransferLink(args.deviceToHostGbS, times)
  }

  /** Takes over evicted blocks, which may leave the list, and starts to copy them, as far as they have to be. */
  submit(evicted: BlockChains, nowMs: number): Offload | undefined {
    const isWhole = this.wantsAll(evicted)
    if (isWhole && evicted.blocks <= this.batchBlocks) return this.submitBatch(evicted, nowMs)
    if (isWhole) this.acceptAll(evicted)
    else this.acceptWanted(evicted)
    return this.submitAccepted(evicted.blocks, nowMs)
  }

  /** Whether all of the blocks are to be copied. */
  private wantsAll(evicted: BlockChains): boolean {
    return this.queue.length === 0 && this.committed + evicted.blocks <= this.host.available && this.host.lacks(evicted)
  }

  private submitBatch(evicted: BlockChains, nowMs: number): Offload | undefined {
    const offload = new HostOffload(this.nextSequence++)
    const batch = this.emptyBatch(offload)
    batch.chains.exchange(evicted)
    this.committed += batch.chains.blocks
    offload.batches = 1
    this.startOrQueue(batch, nowMs)
    return offload.live ? offload : undefined
  }

  /** Starts what was accepted of so many blocks. */
  private submitAccepted(blocks: number, nowMs: number): Offload | undefined {
    const { accepted } = this
    if (accepted.length === 0) return undefined
    const { offload } = accepted.at(0)
    offload.uncopiedBlocks = blocks - this.acceptedBlocks
    offload.batches = accepted.length
    for (let turn = 0; turn < accepted.length; turn++)
      this.startOrQueue(accepted.at(queuedInTurn(turn, accepted.length)), nowMs)
    accepted.clear()
    this.open = undefined
    return offload.live ? offload : undefined
  }

  /** Moves the link to `nowMs`; true when batches have ended, to be settled next. */
  advance(nowMs: number): boolean {
    this.link.advance(nowMs, this.ended)
    return this.ended.length > 0
  }

  /** What has arrived becomes part of the host tier, and queued batches follow; returns how many slots of evicted blocks are free. */
  settle(nowMs: number): number {
    const { ended } = this
    let freed = 0
    for (let index = 0; index < ended.length; index++) {
      const batch = ended.at(index)
      freed += batch.chains.blocks
      this.arrive(batch.chains)
      freed += this.endBatch(batch, nowMs)
      if (this.queue.length > 0) freed += this.startQueued(nowMs)
    }
    return freed
  }

  /** What follows from the ends of these batches is done. */
  forget(): void {
    const { ended, spare } = this
    for (let index = 0; index < ended.length; index++) spare.push(ended.at(index))
    ended.clear()
  }

  forEachKey(visit: (key: number) => void): void {
    const visitBatch = ({ chains }: DownBatch): void =>
      chains.forEachBlock((key, parentKey) => {
        visit(key)
        visit(parentKey)
      })
    this.queue.forEach(visitBatch)
    this.link.forEach(visitBatch)
  }

  /** `others`: blocks for which somebody else has claimed room. */
  checkInvariants(others: number): void {
    let blocks = others
    const count = ({ chains }: DownBatch): void => void (blocks += chains.blocks)
    this.queue.forEach(count)
    this.link.forEach(count)
    if (blocks !== this.committed) throw new Error(`${blocks} blocks go down, ${this.committed} were accepted`)
  }

  private acceptAll(evicted: BlockChains): void {
    this.acceptedBlocks = evicted.blocks
    this.committed += evicted.blocks
    for (let chain = 0; chain < evicted.count; chain++)
      this.addToBatches(evicted.keyOf(chain), evicted.lengthOf(chain), evicted.parentOf(chain))
  }

  private acceptWanted(evicted: BlockChains): void {
    this.acceptedBlocks = 0
    for (let chain = 0; chain < evicted.count; chain++)
      this.accept(evicted.keyOf(chain), evicted.lengthOf(chain), evicted.parentOf(chain))
  }

  /** Accepts those of a chain that are to be copied, the last one first. */
  private accept(key: number, count: number, parentKey: number): void {
    const frameKey = key & -wideSize
    for (let rest = this.wanted(key, count); rest !== 0;) {
      const last = lastOf(rest)
      const first = last - wideTrailing(rest, last) + 1
      const firstKey = frameKey | first
      this.addToBatches(firstKey, last - first + 1, firstKey === key ? parentKey : firstKey - 1)
      rest &= ~wideMembersFrom(first, last - first + 1)
    }
  }

  /** Which members of a chain's frame are to be copied, the last ones first as far as there is room. */
  private wanted(key: number, count: number): number {
    let wanted = wideMembersFrom(wideMemberOf(key), count) & ~this.host.presentOf(wideFrameOf(key))
    if (this.queue.length > 0) {
      for (let block = key; block < key + count; block++)
        if (this.queuedKeys.has(block)) wanted &= ~(1 << wideMemberOf(block))
    }
    const room = this.host.available - this.committed
    let blocks = wideCount(wanted)
    for (; blocks > 0 && blocks > room; blocks--, wanted &= wanted - 1) this.account.droppedBlocks += 1
    this.committed += blocks
    this.acceptedBlocks += blocks
    return wanted
  }

  private addToBatches(key: number, count: number, parentKey: number): void {
    for (let left = count; left > 0;) {
      const { chains } = this.open ?? this.addBatch()
      const room = this.batchBlocks - chains.blocks
      const part = left < room ? left : room
      left -= part
      chains.add(key + left, part, left === 0 ? parentKey : key + left - 1)
      if (part === room) this.open = undefined
    }
  }

  private addBatch(): DownBatch {
    const { accepted } = this
    const offload = accepted.length === 0 ? new HostOffload(this.nextSequence++) : accepted.at(0).offload
    const batch = this.emptyBatch(offload)
    accepted.push(batch)
    this.open = batch
    return batch
  }

  private emptyBatch(offload: HostOffload): DownBatch {
    const batch = this.spare.pop() ?? new DownBatch(offload)
    batch.offload = offload
    batch.chains.clear()
    return batch
  }

  private arrive(chains: BlockChains): void {
    const { count } = chains
    for (let chain = 0; chain < count; chain++)
      this.host.arrive(chains.keyOf(chain), chains.lengthOf(chain), chains.parentOf(chain))
  }

  /** Returns how many slots besides its own are free with it: with the last one of an offload, those that are not copied. */
  private endBatch({ chains, offload }: DownBatch, nowMs: number): number {
    this.committed -= chains.blocks
    offload.batches -= 1
    if (offload.batches > 0) return 0
    offload.endedMs = nowMs
    return offload.uncopiedBlocks
  }

  private startOrQueue(batch: DownBatch, nowMs: number): void {
    if (this.queue.length === 0 && this.link.active < this.batchBlocks) {
      // What comes to nothing is the pool's own again with the submission.
      this.startBatch(batch, nowMs)
      return
    }
    this.queue.push(batch)
    batch.chains.forEachBlock(this.noteQueued)
  }

  private startQueued(nowMs: number): number {
    let freed = 0
    while (this.queue.length > 0 && this.link.active < this.batchBlocks) {
      const batch = this.queue.shift()!
      batch.chains.forEachBlock(this.noteStarted)
      freed += this.startBatch(batch, nowMs)
    }
    return freed
  }

  /** Returns how many slots are free because it comes to nothing. */
  private startBatch(batch: DownBatch, nowMs: number): number {
    const { blocks } = batch.chains
    const taken = this.host.take(blocks)
    // Loads may have pinned what was room when the blocks were accepted.
    if (taken < blocks) this.giveUp(batch, taken)
    if (taken > 0) {
      this.link.start(batch, taken * this.blockBytes, nowMs)
      return 0
    }
    this.spare.push(batch)
    return this.endBatch(batch, nowMs)
  }

  /** Only the first `count` blocks of a batch are copied. */
  private giveUp({ chains, offload }: DownBatch, count: number): void {
    const left = chains.blocks - count
    this.committed -= left
    this.account.droppedBlocks += left
    offload.uncopiedBlocks += left
    chains.keepFirst(count)
  }
}
