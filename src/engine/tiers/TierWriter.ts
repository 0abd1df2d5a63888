/**
 * One worker's way from host memory into a lower tier: what arrives in host memory is written on at once, and pinned there until it is
 * written. A slow tier can so pin all of host memory.
 */
import { queuedInTurn } from "./HostDownlink.ts"
import type { LowerTier, TierWrite } from "./LowerTier.ts"
import type { TierStore } from "./TierStore.ts"

export class TierWriter {
  /** When a write ended that its owner has not counted yet; `Infinity` when none has. */
  noticeMs = Number.POSITIVE_INFINITY
  private readonly tier: LowerTier
  private readonly host: TierStore
  private readonly batchBlocks: number
  private readonly blockBytes: number
  private readonly queue: Array<TierWrite> = []
  private active = 0
  private uncounted = 0

  constructor(tier: LowerTier, host: TierStore, batchBlocks: number, blockBytes: number) {
    this.tier = tier
    this.host = host
    this.batchBlocks = batchBlocks
    this.blockBytes = blockBytes
  }

  /** Blocks that have just arrived in host memory. Those that the tier has, or has no room for, are not written. */
  submit(keys: ReadonlyArray<number>, parentKeys: ReadonlyArray<number>, nowMs: number): void {
    const { batchBlocks, host, tier } = this
    const present = keys.map((_, index) => index).filter((index) => host.has(keys[index]!))
    for (const index of present) host.pin(keys[index]!, 1)
    const accepted = present.filter((index) => {
      if (this.accepts(keys[index]!)) {
        tier.committed += 1
        return true
      }
      host.unpin(keys[index]!, 1, parentKeys[index]!)
      return false
    })
    const batches: Array<TierWrite> = []
    for (let from = 0; from < accepted.length; from += batchBlocks) {
      const part = accepted.slice(from, from + batchBlocks)
      const pick = (values: ReadonlyArray<number>): Array<number> => part.map((index) => values[index]!)
      batches.push({ owner: this, keys: pick(keys), parentKeys: pick(parentKeys) })
    }
    for (let turn = 0; turn < batches.length; turn++) {
      const batch = batches[queuedInTurn(turn, batches.length)]!
      this.queue.push(batch)
      for (const key of batch.keys) tier.queuedKeys.add(key)
    }
    this.startQueued(nowMs)
  }

  /** The write is in the tier. */
  ended({ keys, parentKeys }: TierWrite, nowMs: number): void {
    this.active -= 1
    this.uncounted += keys.length
    this.noticeMs = Math.min(this.noticeMs, nowMs)
    for (let index = 0; index < keys.length; index++) this.host.unpin(keys[index]!, 1, parentKeys[index]!)
    this.startQueued(nowMs)
  }

  /** The owner's tick: room that ended writes had claimed is open to others again. */
  count(): void {
    this.tier.committed -= this.uncounted
    this.uncounted = 0
    this.noticeMs = Number.POSITIVE_INFINITY
  }

  forEachKey(visit: (key: number) => void): void {
    for (const { keys } of this.queue) keys.forEach(visit)
  }

  private accepts(key: number): boolean {
    const { tier } = this
    return !tier.store.has(key) && !tier.queuedKeys.has(key) && tier.committed + 1 <= tier.store.available
  }

  private startQueued(nowMs: number): void {
    const { queue, tier } = this
    while (queue.length > 0 && this.active < tier.writesAtATime) {
      const batch = this.withSlots(queue.shift()!)
      if (batch.keys.length === 0) continue
      this.active += 1
      tier.writes.start(batch, batch.keys.length * this.blockBytes, nowMs)
    }
  }

  /** Takes slots for a batch's blocks. Readers may have pinned what was room when they were accepted: those left over are not written. */
  private withSlots(batch: TierWrite): TierWrite {
    const { host, tier } = this
    for (const key of batch.keys) tier.queuedKeys.delete(key)
    const taken = tier.store.take(batch.keys.length)
    if (taken === batch.keys.length) return batch
    for (let index = taken; index < batch.keys.length; index++) {
      host.unpin(batch.keys[index]!, 1, batch.parentKeys[index]!)
      tier.committed -= 1
    }
    return { owner: this, keys: batch.keys.slice(0, taken), parentKeys: batch.parentKeys.slice(0, taken) }
  }
}
