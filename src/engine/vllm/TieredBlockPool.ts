/**
 * A KV block pool with tiers below it: what is evicted may be copied down, and its slot is not free before the copy has ended.
 *
 *     inactive ──evicted──▶ quarantined (counts as active) ──copied──▶ free
 *
 * Blocks come back from the host prefix first, so the order of eviction needs the prefix tree.
 */
import {
  frameBits,
  frameSize,
  lastOf,
  leadingMembers,
  memberCount,
  memberOf,
  membersFrom
} from "../../structures/FrameMask.ts"
import { grown } from "../../structures/Grown.ts"
import type { KvEventSink } from "../KvEvents.ts"
import { addChain } from "../tiers/BlockChains.ts"
import type { EvictionTiers, Offload } from "../tiers/KvTiers.ts"
import { LeafOrder, noBlock } from "../tiers/LeafOrder.ts"
import { PrivateKeys } from "../tiers/PrivateKeys.ts"
import type { SharedTiers } from "../tiers/SharedTiers.ts"
import type { WorkerProbe } from "../WorkerProbe.ts"
import { KvBlockPool } from "./KvBlockPool.ts"

export class TieredBlockPool extends KvBlockPool {
  /** Why there was no room at the last try: the offload that makes some; nothing when even evicting everything would not. */
  blockedOn: Offload | undefined = undefined
  private readonly tiers: EvictionTiers<never>
  private readonly identities: PrivateKeys
  /** Of the block in each slot. */
  private parentKeys: Int32Array = new Int32Array(frameSize)
  /** By frame: members that follow the one before them there. */
  private chained = new Uint8Array(1)
  private readonly order = new LeafOrder()
  private quarantined = 0
  private readonly evicted: Array<number> = []

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

  /** Lower tiers may hold this block beside those of other workers. */
  override privateKey(): number {
    return this.identities.privateKey()
  }

  /** The copies of so many blocks have ended, or were none. */
  endQuarantine(count: number): void {
    this.free(count)
    this.quarantined -= count
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
    const frame = slot >> frameBits
    if (slot + count > this.parentKeys.length) {
      const slots = Math.max(slot + count, this.parentKeys.length * 2)
      this.parentKeys = grown(this.parentKeys, slots)
      this.chained = grown(this.chained, (slots >> frameBits) + 1)
    }
    this.parentKeys[slot] = parentKey
    for (let block = 1; block < count; block++) this.parentKeys[slot + block] = key + block - 1
    const members = membersFrom(memberOf(slot), count)
    const first = parentKey === key - 1 ? 0 : 1 << memberOf(slot)
    this.chained[frame] = (this.chained[frame]! & ~members) | (members & ~first)
    super.register(slot, count, key, parentKey)
  }

  protected override linkInactive(frame: number, mask: number): void {
    const frameKey = this.keyOf(frame * frameSize)
    const chained = this.chained[frame]!
    for (let rest = mask; rest !== 0;) {
      const last = lastOf(rest)
      let first = last
      while ((chained & (1 << first)) !== 0 && first > 0 && (rest & (1 << (first - 1))) !== 0) first -= 1
      const count = last - first + 1
      this.order.insert(frameKey + first, count, this.parentKeys[frame * frameSize + first]!, false)
      rest &= ~membersFrom(first, count)
    }
    this.inactiveCount += memberCount(mask)
  }

  protected override unlinkInactive(frame: number, mask: number): void {
    const frameKey = this.keyOf(frame * frameSize)
    for (let rest = mask; rest !== 0;) {
      const first = lastOf(rest & -rest)
      const count = leadingMembers(rest, first)
      this.order.remove(frameKey + first, count)
      rest &= ~membersFrom(first, count)
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
    const { evicted, order } = this
    for (let left = count; left > 0; left -= order.taken) {
      const key = order.takeFirst(left)
      const slot = this.find(key)
      this.inactiveCount -= order.taken
      addChain(evicted, key, order.taken, this.parentKeys[slot]!)
      this.evict(slot >> frameBits, membersFrom(memberOf(slot), order.taken))
    }
    this.quarantined += count
    const offload = this.tiers.offload(evicted)
    if (offload === undefined) this.endQuarantine(count)
    evicted.length = 0
    return offload
  }
}
