/**
 * The way from the device to the host tier: what the device evicts is cut into batches, and each batch is one transfer.
 *
 * As many transfers as a batch has blocks run at a time; further batches queue. A block that the host tier has, that already
 * waits, or for which the host tier has no room is not copied.
 */
import { frameOf, memberCount, memberOf, membersFrom } from "../../structures/FrameMask.ts"
import { addChain, addMembers, type BlockChains, chainLength, forEachBlock, leadingChains } from "./BlockChains.ts"
import type { Offload } from "./KvTiers.ts"
import type { TierArgs } from "./TierArgs.ts"
import type { SharedTiers, TierAccount } from "./SharedTiers.ts"
import type { TierStore } from "./TierStore.ts"
import { TransferLink } from "./TransferLink.ts"

/** One transfer's share of an offload. */
export interface DownBatch {
  readonly offload: HostOffload
  readonly chains: BlockChains
  readonly blocks: number
}

class HostOffload implements Offload {
  /** Order of submission. */
  readonly sequence: number
  /** Batches that have not ended. */
  batches = 0
  endedMs = Number.POSITIVE_INFINITY
  /** Blocks that are not copied: their slots wait for those that are. */
  uncopiedBlocks: number

  constructor(sequence: number, uncopiedBlocks: number) {
    this.sequence = sequence
    this.uncopiedBlocks = uncopiedBlocks
  }

  get live(): boolean {
    return this.batches > 0
  }
}

/** Batches in the order in which they queue: the first, the last, then the others. The reference's task scheduler makes it so. */
export const queueOrder = <Batch>(batches: ReadonlyArray<Batch>): ReadonlyArray<Batch> =>
  batches.length < 3 ? batches : [batches[0]!, batches.at(-1)!, ...batches.slice(1, -1)]

/** Where a submission comes to nothing its slots are the pool's own again, with all others of it. */
const nobody = (): void => {}

export class HostDownlink {
  private readonly batchBlocks: number
  private readonly blockBytes: number
  private readonly host: TierStore
  readonly link: TransferLink<DownBatch>
  private readonly queue: Array<DownBatch> = []
  /** Blocks of the batches that queue. */
  private readonly queuedKeys = new Set<number>()
  /** Batches that ended until the last advance. */
  readonly ended: Array<DownBatch> = []
  /** Blocks accepted whose copies have not ended. */
  committed = 0
  private nextSequence = 0
  private readonly account: TierAccount

  constructor(args: TierArgs, host: TierStore, { account, times }: SharedTiers) {
    this.account = account
    this.batchBlocks = args.batchBlocks
    this.blockBytes = args.blockBytes
    this.host = host
    this.link = new TransferLink(args.deviceToHostGbS, times)
  }

  submit(evicted: BlockChains, nowMs: number): Offload | undefined {
    const accepted: Array<number> = []
    let blocks = 0
    let uncopiedBlocks = 0
    for (let at = 0; at < evicted.length; at += chainLength) {
      const key = evicted[at]!
      const members = this.accept(key, evicted[at + 1]!)
      blocks += memberCount(members)
      uncopiedBlocks += evicted[at + 1]! - memberCount(members)
      addMembers(accepted, key, evicted[at + 2]!, members)
    }
    const sequence = this.nextSequence++
    if (blocks === 0) return undefined
    const offload = new HostOffload(sequence, uncopiedBlocks)
    const batches =
      blocks <= this.batchBlocks ? [{ offload, chains: accepted, blocks }] : this.batchesOf(offload, accepted)
    offload.batches = batches.length
    for (const batch of queueOrder(batches)) this.queue.push(batch)
    this.startQueued(nowMs, nobody)
    if (this.queue.length === 0) return offload.live ? offload : undefined
    const waiting = Math.min(batches.length, this.queue.length)
    for (const { chains } of this.queue.slice(this.queue.length - waiting))
      forEachBlock(chains, (key) => this.queuedKeys.add(key))
    return offload.live ? offload : undefined
  }

  /** Moves the link to `nowMs`; true when batches have ended, to be settled next. */
  advance(nowMs: number): boolean {
    this.link.advance(nowMs, this.ended)
    return this.ended.length > 0
  }

  /** What has arrived becomes part of the host tier, and queued batches follow. */
  settle(nowMs: number, freeSlots: (count: number) => void): void {
    for (const batch of this.ended) {
      const { chains, offload } = batch
      for (let at = 0; at < chains.length; at += chainLength)
        this.host.arrive(chains[at]!, chains[at + 1]!, chains[at + 2]!)
      this.endBatch(batch)
      if (!offload.live) offload.endedMs = nowMs
      freeSlots(batch.blocks)
      if (!offload.live) freeSlots(offload.uncopiedBlocks)
      this.startQueued(nowMs, freeSlots)
    }
  }

  /** What follows from the ends of these batches is done. */
  forget(): void {
    while (this.ended.length > 0) this.ended.pop()
  }

  deadlineMs(): number {
    return this.link.deadlineMs()
  }

  forEachKey(visit: (key: number) => void): void {
    const visitBatch = ({ chains }: DownBatch): void =>
      forEachBlock(chains, (key, parentKey) => {
        visit(key)
        visit(parentKey)
      })
    this.queue.forEach(visitBatch)
    this.link.forEach(visitBatch)
  }

  /** `others`: blocks for which somebody else has claimed room. */
  checkInvariants(others: number): void {
    let blocks = others
    for (const batch of this.queue) blocks += batch.blocks
    this.link.forEach((batch) => void (blocks += batch.blocks))
    if (blocks !== this.committed) throw new Error(`${blocks} blocks go down, ${this.committed} were accepted`)
  }

  /** Which members of a chain are to be copied, the last ones first as far as there is room. */
  private accept(key: number, count: number): number {
    let wanted = membersFrom(memberOf(key), count) & ~this.host.presentOf(frameOf(key))
    if (this.queuedKeys.size > 0) {
      for (let block = key; block < key + count; block++)
        if (this.queuedKeys.has(block)) wanted &= ~(1 << memberOf(block))
    }
    const room = Math.max(0, this.host.available - this.committed)
    for (; memberCount(wanted) > room; wanted &= wanted - 1) this.account.droppedBlocks += 1
    this.committed += memberCount(wanted)
    return wanted
  }

  private batchesOf(offload: HostOffload, accepted: BlockChains): ReadonlyArray<DownBatch> {
    const { batchBlocks } = this
    const batches: Array<DownBatch> = []
    let chains: Array<number> = []
    let blocks = 0
    const close = (): void => {
      batches.push({ offload, chains, blocks })
      chains = []
      blocks = 0
    }
    for (let at = 0; at < accepted.length; at += chainLength) {
      const key = accepted[at]!
      for (let left = accepted[at + 1]!; left > 0;) {
        const count = Math.min(left, batchBlocks - blocks)
        left -= count
        addChain(chains, key + left, count, left === 0 ? accepted[at + 2]! : key + left - 1)
        blocks += count
        if (blocks === batchBlocks) close()
      }
    }
    if (blocks > 0) close()
    return batches
  }

  private endBatch({ blocks, offload }: DownBatch): void {
    this.committed -= blocks
    offload.batches -= 1
  }

  private startQueued(nowMs: number, freeSlots: (count: number) => void): void {
    while (this.queue.length > 0 && this.link.active < this.batchBlocks) {
      const batch = this.withSlots(this.queue.shift()!)
      if (batch.blocks > 0) this.link.start(batch, batch.blocks * this.blockBytes, nowMs)
      else {
        this.endBatch(batch)
        if (!batch.offload.live) {
          batch.offload.endedMs = nowMs
          freeSlots(batch.offload.uncopiedBlocks)
        }
      }
    }
  }

  /** Takes slots for a batch's blocks. Loads may have pinned what was room when they were accepted: those left over are not copied. */
  private withSlots(batch: DownBatch): DownBatch {
    const { blocks, chains, offload } = batch
    if (this.queuedKeys.size > 0) forEachBlock(chains, (key) => this.queuedKeys.delete(key))
    const taken = this.host.take(blocks)
    if (taken === blocks) return batch
    const left = blocks - taken
    this.committed -= left
    this.account.droppedBlocks += left
    offload.uncopiedBlocks += left
    return { offload, chains: leadingChains(chains, taken), blocks: taken }
  }
}
