/**
 * A KV block pool with tiers below it: what is evicted may be copied down, and its slot is not free before the copy has ended.
 *
 *     inactive ──evicted──▶ quarantined (counts as active) ──copied──▶ free
 *
 * Blocks come back from the host prefix first, so the order of eviction needs the prefix tree.
 */
import { frameBits, frameSize, lastOf, memberCount, memberOf } from "../../structures/FrameMask.ts"
import { grown } from "../../structures/Grown.ts"
import type { KvEventSink } from "../KvEvents.ts"
import type { EvictionTiers, Offload } from "../tiers/KvTiers.ts"
import { LeafOrder, noBlock } from "../tiers/LeafOrder.ts"
import type { SharedTiers } from "../tiers/SharedTiers.ts"
import type { WorkerProbe } from "../WorkerProbe.ts"
import { KvBlockPool } from "./KvBlockPool.ts"

export class TieredBlockPool extends KvBlockPool {
  /** Why there was no room at the last try: the offload that makes some; nothing when even evicting everything would not. */
  blockedOn: Offload | undefined = undefined
  private readonly tiers: EvictionTiers<never>
  private readonly shared: SharedTiers
  /** Of the block in each slot. */
  private parentKeys: Int32Array = new Int32Array(frameSize)
  private readonly order = new LeafOrder()
  private quarantined = 0
  private readonly evictedKeys: Array<number> = []
  private readonly evictedParents: Array<number> = []
  private readonly evictedSlots: Array<number> = []

  constructor(
    capacity: number,
    tiers: EvictionTiers<never>,
    shared: SharedTiers,
    events: KvEventSink | undefined,
    probe: WorkerProbe | undefined
  ) {
    super(capacity, events, probe)
    this.tiers = tiers
    this.shared = shared
  }

  /** Lower tiers may hold this block beside those of other workers. */
  override privateKey(): number {
    return this.shared.privateKey()
  }

  /** The copies of blocks in these slots have ended, or were none. */
  endQuarantine(slots: ReadonlyArray<number>): void {
    this.free(slots.length)
    this.quarantined -= slots.length
  }

  /** Blocks `slots[from … to)` came up from a tier for nobody in particular: they become cached blocks, prefix first. */
  publish(keys: Int32Array, slots: Int32Array, from: number, to: number): void {
    for (let position = from; position < to; position++) {
      const parentKey = position > 0 ? keys[position - 1]! : noBlock
      this.release(this.promote(slots[position]!, keys[position]!, parentKey))
    }
  }

  /** Lets go of what {@link KvBlockPool.acquireUnregistered} found cached, prefix first. */
  letGoOfHits(slots: Int32Array, count: number): void {
    this.unpin(slots, count)
    this.giveBack(slots, 0, count)
  }

  /** Frees slots that never got a block. */
  freeUnregistered(_slots: Int32Array, from: number, to: number): void {
    this.free(to - from)
  }

  /** The leading cached blocks `keys[0 … count)` count as just used, prefix first, unless somebody holds them. */
  touch(keys: Int32Array, count: number): void {
    for (let position = 0; position < count; position++) {
      const slot = this.find(keys[position]!)
      if (this.isHeld(slot)) continue
      this.unlinkInactive(slot >> frameBits, 1 << memberOf(slot))
      this.linkInactive(slot >> frameBits, 1 << memberOf(slot))
    }
  }

  override markBlocks(mark: (block: number) => void): void {
    super.markBlocks(mark)
    this.order.forEachKey((key) => {
      if (key >= 0) mark(key)
    })
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
    if (count <= this.freeCount) return true
    if (!super.hasRoom(count)) return false
    this.blockedOn = this.evictForRoom(count - this.freeCount)
    return this.blockedOn === undefined
  }

  /** The reference gives back from the front; its order of eviction protects a prefix anyway. */
  protected override giveBack(slots: Int32Array, from: number, to: number): void {
    for (let position = from; position < to; position++) this.release(slots[position]!)
  }

  protected override register(slot: number, count: number, key: number, parentKey: number): void {
    if (slot + count > this.parentKeys.length)
      this.parentKeys = grown(this.parentKeys, Math.max(slot + count, this.parentKeys.length * 2))
    this.parentKeys[slot] = parentKey
    for (let block = 1; block < count; block++) this.parentKeys[slot + block] = key + block - 1
    super.register(slot, count, key, parentKey)
  }

  protected override linkInactive(frame: number, mask: number): void {
    for (let rest = mask; rest !== 0; rest &= ~(1 << lastOf(rest))) {
      const slot = frame * frameSize + lastOf(rest)
      this.order.insert(this.keyOf(slot), this.parentKeys[slot]!)
    }
    this.inactiveCount += memberCount(mask)
  }

  protected override unlinkInactive(frame: number, mask: number): void {
    for (let member = 0; member < frameSize; member++) {
      if ((mask & (1 << member)) !== 0) this.order.remove(this.keyOf(frame * frameSize + member))
    }
    this.inactiveCount -= memberCount(mask)
  }

  protected override checkInactive(): void {
    this.order.checkInvariants()
    if (this.order.size !== this.inactiveCount)
      throw new Error(`${this.order.size} blocks can be evicted, ${this.inactiveCount} are inactive`)
  }

  /** Evicts `count` blocks; the offload that the room must wait for, nothing when it is there at once. */
  private evictForRoom(count: number): Offload | undefined {
    const { evictedKeys, evictedParents, evictedSlots } = this
    for (let block = 0; block < count; block++) {
      const key = this.order.takeFirst()
      const slot = this.find(key)
      this.inactiveCount -= 1
      evictedKeys.push(key)
      evictedParents.push(this.parentKeys[slot]!)
      evictedSlots.push(slot)
      this.evict(slot >> frameBits, 1 << memberOf(slot))
    }
    this.quarantined += count
    const offload = this.tiers.offload(evictedKeys, evictedParents, evictedSlots)
    if (offload === undefined) this.endQuarantine(evictedSlots)
    evictedKeys.length = 0
    evictedParents.length = 0
    evictedSlots.length = 0
    return offload
  }
}
