/**
 * The way from the device to the host tier: what the device evicts is cut into batches, and each batch is one transfer.
 *
 * As many transfers as a batch has blocks run at a time; further batches queue. A block that the host tier has, that already
 * waits, or for which the host tier has no room is not copied.
 */
import type { Offload } from "./KvTiers.ts"
import type { TierArgs } from "./TierArgs.ts"
import type { TierAccount } from "./SharedTiers.ts"
import type { TierStore } from "./TierStore.ts"
import { TransferLink } from "./TransferLink.ts"

/** One transfer's share of an offload. */
export interface DownBatch {
  readonly offload: HostOffload
  readonly keys: ReadonlyArray<number>
  readonly parentKeys: ReadonlyArray<number>
  readonly slots: ReadonlyArray<number>
}

class HostOffload implements Offload {
  /** Order of submission. */
  readonly sequence: number
  /** Batches that have not ended. */
  batches = 0
  endedMs = Number.POSITIVE_INFINITY
  /** Slots of blocks that are not copied: they wait for those that are. */
  readonly uncopiedSlots: Array<number> = []

  constructor(sequence: number) {
    this.sequence = sequence
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
  private readonly queuedKeys = new Set<number>()
  private readonly ended: Array<DownBatch> = []
  /** Blocks accepted whose copies have not ended. */
  committed = 0
  private nextSequence = 0
  private readonly account: TierAccount

  constructor(args: TierArgs, host: TierStore, account: TierAccount) {
    this.account = account
    this.batchBlocks = args.batchBlocks
    this.blockBytes = args.blockBytes
    this.host = host
    this.link = new TransferLink(args.deviceToHostGbS)
  }

  submit(
    keys: ReadonlyArray<number>,
    parentKeys: ReadonlyArray<number>,
    slots: ReadonlyArray<number>,
    nowMs: number
  ): Offload | undefined {
    const offload = new HostOffload(this.nextSequence++)
    const accepted: Array<number> = []
    for (let index = 0; index < keys.length; index++) {
      if (this.accepts(keys[index]!)) {
        this.committed += 1
        accepted.push(index)
      } else offload.uncopiedSlots.push(slots[index]!)
    }
    if (accepted.length === 0) return undefined
    const batches: Array<DownBatch> = []
    for (let from = 0; from < accepted.length; from += this.batchBlocks) {
      const part = accepted.slice(from, from + this.batchBlocks)
      const pick = (values: ReadonlyArray<number>): Array<number> => part.map((index) => values[index]!)
      batches.push({ offload, keys: pick(keys), parentKeys: pick(parentKeys), slots: pick(slots) })
    }
    offload.batches = batches.length
    for (const batch of queueOrder(batches)) {
      this.queue.push(batch)
      for (const key of batch.keys) this.queuedKeys.add(key)
    }
    this.startQueued(nowMs, nobody)
    return offload.live ? offload : undefined
  }

  /** Moves the link to `nowMs`; the batches that ended until then, to be settled next. */
  advance(nowMs: number): ReadonlyArray<DownBatch> {
    this.link.advance(nowMs, this.ended)
    return this.ended
  }

  /** What has arrived becomes part of the host tier, and queued batches follow. Returns the batches that ended. */
  settle(nowMs: number, freeSlots: (slots: ReadonlyArray<number>) => void): ReadonlyArray<DownBatch> {
    if (this.ended.length === 0) return this.ended
    const ended = this.ended.splice(0)
    for (const batch of ended) {
      const { keys, offload, parentKeys, slots } = batch
      for (let index = 0; index < keys.length; index++) this.host.arrive(keys[index]!, parentKeys[index]!)
      this.endBatch(batch)
      if (!offload.live) offload.endedMs = nowMs
      freeSlots(slots)
      if (!offload.live) freeSlots(offload.uncopiedSlots)
      this.startQueued(nowMs, freeSlots)
    }
    return ended
  }

  deadlineMs(): number {
    return this.link.deadlineMs()
  }

  forEachKey(visit: (key: number) => void): void {
    const visitBatch = ({ keys, parentKeys }: DownBatch): void => {
      keys.forEach(visit)
      parentKeys.forEach(visit)
    }
    this.queue.forEach(visitBatch)
    this.link.forEach(visitBatch)
  }

  /** `others`: blocks for which somebody else has claimed room. */
  checkInvariants(others: number): void {
    let blocks = others
    for (const batch of this.queue) blocks += batch.keys.length
    this.link.forEach((batch) => void (blocks += batch.keys.length))
    if (blocks !== this.committed) throw new Error(`${blocks} blocks go down, ${this.committed} were accepted`)
  }

  private accepts(key: number): boolean {
    if (this.host.has(key) || this.queuedKeys.has(key)) return false
    if (this.committed + 1 <= this.host.available) return true
    this.account.droppedBlocks += 1
    return false
  }

  private endBatch({ keys, offload }: DownBatch): void {
    this.committed -= keys.length
    offload.batches -= 1
  }

  private startQueued(nowMs: number, freeSlots: (slots: ReadonlyArray<number>) => void): void {
    while (this.queue.length > 0 && this.link.active < this.batchBlocks) {
      const batch = this.withSlots(this.queue.shift()!)
      if (batch.keys.length > 0) this.link.start(batch, batch.keys.length * this.blockBytes, nowMs)
      else {
        this.endBatch(batch)
        if (!batch.offload.live) {
          batch.offload.endedMs = nowMs
          freeSlots(batch.offload.uncopiedSlots)
        }
      }
    }
  }

  /** Takes slots for a batch's blocks. Loads may have pinned what was room when they were accepted: those left over are not copied. */
  private withSlots(batch: DownBatch): DownBatch {
    const { keys, offload, parentKeys, slots } = batch
    for (const key of keys) this.queuedKeys.delete(key)
    const taken = keys.findIndex(() => !this.host.take())
    if (taken < 0) return batch
    const left = keys.length - taken
    this.committed -= left
    this.account.droppedBlocks += left
    offload.uncopiedSlots.push(...slots.slice(taken))
    return {
      offload,
      keys: keys.slice(0, taken),
      parentKeys: parentKeys.slice(0, taken),
      slots: slots.slice(0, taken)
    }
  }
}
