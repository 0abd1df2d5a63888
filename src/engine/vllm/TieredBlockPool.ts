/**
 * A KV block pool with tiers below it: what is evicted may be copied down, and its slot is not free before the copy has ended.
 *
 *     inactive ──evicted──▶ quarantined (counts as active) ──copied──▶ free
 *
 * The reference gives hits back, and lets blocks that have come up go, prefix first, and evicts leaves first. As they go one right after another,
 * and all that extends them is idle longer, that comes to the same as to release them deepest first, like everything else, and to evict
 * what was released first: the list of inactive blocks will do.
 */
import { lastOf } from "../../structures/FrameMask.ts"
import { grown } from "../../structures/Grown.ts"
import { isOne, wideBits, wideMemberOf, wideMembersFrom, wideSize, wideTrailing } from "../../structures/WideFrame.ts"
import type { KvEventSink } from "../KvEvents.ts"
import { BlockChains } from "../tiers/BlockChains.ts"
import type { EvictionTiers, Offload } from "../tiers/KvTiers.ts"
import { PrivateKeys } from "../tiers/PrivateKeys.ts"
import type { SharedTiers } from "../tiers/SharedTiers.ts"
import type { WorkerProbe } from "../WorkerProbe.ts"
import { KvBlockPool } from "./KvBlockPool.ts"

export class TieredBlockPool extends KvBlockPool {
  /** Why there was no room at the last try: the offload that makes some; nothing when even evicting everything would not. */
  blockedOn: Offload | undefined = undefined
  private readonly tiers: EvictionTiers<never>
  private readonly identities: PrivateKeys
  /** By slot: what those extend that are not {@link KvBlockPool.chained}. */
  private parentKeys: Int32Array = new Int32Array(wideSize)
  private quarantined = 0
  /** What is evicted to make room. */
  private readonly evicted = new BlockChains()

  constructor(
    capacity: number,
    tiers: EvictionTiers<never>,
    shared: SharedTiers,
    events: KvEventSink | undefined,
    probe: WorkerProbe | undefined
  ) {
    super(capacity, events, probe)
    this.tiers = tiers
    this.identities = new PrivateKeys(shared.privateFrames)
  }

  /** Lower tiers may hold its blocks beside those of other workers. */
  protected override privateFrame(): number {
    return this.identities.frameOfEight()
  }

  /** The copies of so many blocks have ended, or were none. */
  endQuarantine(count: number): void {
    this.free(count)
    this.quarantined -= count
  }

  /** Blocks `slots[from … to)` came up from a tier for nobody in particular: they become cached blocks. */
  publish(keys: Int32Array, slots: Int32Array, from: number, to: number): void {
    this.promoteAll(keys, from, to, slots)
    this.releaseAll(slots, from, to)
  }

  /** Lets go of what {@link KvBlockPool.acquireUnregistered} found cached. */
  letGoOfHits(slots: Int32Array, count: number): void {
    this.unpin(slots, count)
    this.releaseAll(slots, 0, count)
  }

  /** Frees slots that never got a block. */
  freeUnregistered(_slots: Int32Array, from: number, to: number): void {
    this.free(to - from)
  }

  /** The leading cached blocks `keys[0 … count)` count as just used, unless somebody holds them; overwrites `slots[0 … count)`. */
  touch(keys: Int32Array, count: number, slots: Int32Array): void {
    this.releaseAll(slots, 0, this.pinHits(keys, 0, count, slots))
  }

  /** Evicting takes time, unless nothing has to be copied. */
  override get blocksAtOnce(): number {
    return this.freeCount
  }

  override get quarantinedBlocks(): number {
    return this.quarantined
  }

  protected override hasRoom(count: number): boolean {
    this.blockedOn = undefined
    const missing = count - this.freeCount
    if (missing <= 0) return true
    if (missing > this.idle.size) return false
    this.blockedOn = this.evictForRoom(missing)
    return this.blockedOn === undefined
  }

  protected override register(slot: number, count: number, key: number, parentKey: number): void {
    if (parentKey !== key - 1) {
      if (slot >= this.parentKeys.length)
        this.parentKeys = grown(this.parentKeys, Math.max(slot + 1, this.parentKeys.length * 2))
      this.parentKeys[slot] = parentKey
    }
    super.register(slot, count, key, parentKey)
  }

  /** A block that came to be inactive before one that extends it would be evicted too early. */
  protected override checkInactive(): void {
    super.checkInactive()
    const passed = new Set<number>()
    this.idle.forEach((frame, mask) => {
      for (let rest = mask; rest !== 0; rest &= ~(1 << lastOf(rest))) {
        const slot = frame * wideSize + lastOf(rest)
        if (passed.has(this.parentKeyOf(slot, this.keyOf(slot))))
          throw new Error(`KV block ${this.keyOf(slot)} is evicted behind the one it extends`)
        passed.add(this.keyOf(slot))
      }
    })
  }

  protected override evict(frame: number, mask: number): void {
    const slot = frame * wideSize
    const frameKey = this.keyOf(slot)
    const chained = this.chained[frame]!
    if (isOne(mask)) {
      const member = lastOf(mask)
      this.evicted.add(frameKey + member, 1, this.parentKeyOf(slot + member, frameKey + member))
      super.evict(frame, mask)
      return
    }
    for (let rest = mask; rest !== 0;) {
      const last = lastOf(rest)
      const first = last - wideTrailing(chained & (rest << 1), last)
      this.evicted.add(frameKey + first, last - first + 1, this.parentKeyOf(slot + first, frameKey + first))
      rest &= ~wideMembersFrom(first, last - first + 1)
    }
    super.evict(frame, mask)
  }

  /** What the block `key` in a slot extends. */
  private parentKeyOf(slot: number, key: number): number {
    const isChained = (this.chained[slot >> wideBits]! & (1 << wideMemberOf(slot))) !== 0
    return isChained ? key - 1 : this.parentKeys[slot]!
  }

  /** Evicts `count` blocks; the offload that the room must wait for, nothing when it is there at once. */
  private evictForRoom(count: number): Offload | undefined {
    this.evicted.clear()
    this.evictOldest(count)
    this.quarantined += count
    const offload = this.tiers.offload(this.evicted)
    if (offload === undefined) this.endQuarantine(count)
    return offload
  }
}
