/**
 * KV block pool of one worker with prefix caching.
 *
 * Every block is in one of three states:
 *
 *     free ──take──▶ active (held by >= 1 request) ──last release──▶ inactive (full, matchable, nobody holds it)
 *      ▲                │  ▲                                            │  │
 *      └── partial ─────┘  └───────────────── hit ──────────────────────┘  └── evicted: next take
 *
 * Inactive blocks form one list in release order. Holders always hold a whole prefix and release deepest first, so the head
 * of that list is exactly the least recently released leaf of the prefix tree: plain LRU needs no tree.
 *
 * Full blocks lie in frames of 32 consecutive identities (`structures/WideFrame.ts`); the blocks of a prompt come in such runs, so
 * looking up, holding, releasing and evicting them is one step for a whole run, or for what can be done of it:
 *
 *     keys     | 64 65 66 67 … 94 95 | 8 9 10 …           of a prompt
 *     frames        f5: resident ●●●…●●     f2: ○…●●○…   found by key >> 5
 *     slots    | 160 161 162 … 191   | 72 73 …             slot = 32 frame + member; a block being filled has none, it only counts
 *
 * Typed arrays that grow with the blocks in use: a pool that nobody uses costs next to nothing.
 */
import { type MarkBlocks, markWideMembers } from "../../request/BlockIdentity.ts"
import { frameBits, frameOf, frameSize, lastOf, memberOf } from "../../structures/FrameMask.ts"
import { FrameTable } from "../../structures/FrameTable.ts"
import { grown } from "../../structures/Grown.ts"
import { MemberCounts } from "../../structures/MemberCounts.ts"
import type { KvEventSink } from "../KvEvents.ts"
import { noBlock } from "../tiers/LeafOrder.ts"
import type { WorkerProbe } from "../WorkerProbe.ts"
import { IdleBlocks } from "../../structures/IdleBlocks.ts"
import {
  isOne,
  wideBits,
  wideCount,
  wideFrameOf,
  wideLeading,
  wideMemberOf,
  wideMembersFrom,
  wideRunLength,
  wideRunLengthBefore,
  wideSize,
  wideTrailing
} from "../../structures/WideFrame.ts"

/** Stands in slot lists for every block still being filled: private to its request, never matched. Frames count from 1. */
export const partialSlot = 0
/**
 * Privately generated full blocks of a request lie in frames of eight of its own, which are given out from the first down to the last one. The
 * one before the first has {@link noBlock}.
 */
const firstPrivateFrame = -2
const lastPrivateFrame = frameOf(-0x80000000)

export class KvBlockPool {
  readonly capacity: number
  /** Increases whenever a shareable block starts or stops being active: what a cached gate decision depends on. */
  activeVersion = 0
  protected freeCount: number
  /** Frames by number; a frame is there while one of its members is resident. */
  private readonly frames = new FrameTable()
  /** Members of each frame that are resident, active or not. */
  private resident = new Int32Array(this.frames.capacity)
  /**
   * Members of each frame, of those that are resident, that extend the block with the identity before theirs. As an identity stands for all
   * before it as well, whoever names the last of such blocks and has room for them before it names all of them: no need to compare each.
   */
  protected chained = new Int32Array(this.frames.capacity)
  private readonly holders = new MemberCounts(this.frames.capacity)
  /** How many of a member's holders are reservations, see {@link acquireUnregistered}; none where nobody ever made one. */
  private pins: MemberCounts | undefined = undefined
  /** Reserved holds of all members. */
  private pinnedHolds = 0
  /** The inactive ones. */
  protected readonly idle = new IdleBlocks()
  private nextPrivateFrame = firstPrivateFrame
  private reservedCount = 0
  private readonly events: KvEventSink | undefined
  private readonly probe: WorkerProbe | undefined

  constructor(capacity: number, events: KvEventSink | undefined, probe?: WorkerProbe) {
    this.capacity = capacity
    this.events = events
    this.probe = probe
    this.freeCount = capacity
  }

  /** Distinct blocks held by at least one request; those set aside by {@link reserve} do not count. */
  get activeBlocks(): number {
    return this.capacity - this.freeCount - this.idle.size - this.reservedCount
  }

  /** Blocks that can be handed out now. */
  get availableBlocks(): number {
    return this.freeCount + this.idle.size
  }

  /** Those of them that nobody has to wait for. */
  get blocksAtOnce(): number {
    return this.availableBlocks
  }

  /** Blocks that can be taken without anybody being told: of evicted ones routers and probes may be. */
  get blocksUntold(): number {
    return this.events === undefined && this.probe?.evicted === undefined ? this.blocksAtOnce : this.freeCount
  }

  /** Blocks that nobody holds but that can still be matched. */
  get cachedBlocks(): number {
    return this.idle.size
  }

  /**
   * A fresh identity for a block that nobody else can match, behind `parentKey` of the same request: blocks that it has generated itself lie in
   * frames of its own, in their order.
   */
  privateKey(parentKey: number): number {
    if (parentKey < noBlock && memberOf(parentKey) < frameSize - 1) return parentKey + 1
    return this.privateFrame() << frameBits
  }

  /** Fresh identities for all blocks of a request from `keys[from]` on. */
  privateKeys(keys: Int32Array, from: number): void {
    for (let block = from; block < keys.length; block++)
      keys[block] = this.privateKey(block > 0 ? keys[block - 1]! : noBlock)
  }

  /** A frame that nobody has. */
  protected privateFrame(): number {
    const frame = this.nextPrivateFrame
    this.nextPrivateFrame = frame === lastPrivateFrame ? firstPrivateFrame : frame - 1
    return frame
  }

  /** Number of leading `keys[0 … count)` that are cached here, active or not. */
  residentPrefix(keys: Int32Array, count: number): number {
    const { frames, resident } = this
    let position = 0
    while (position < count) {
      const frame = frames.find(wideFrameOf(keys[position]!))
      const hits = this.named(resident[frame]!, frame, keys, position, count)
      if (hits === 0) break
      position += hits
    }
    return position
  }

  /** Number of leading `keys[0 … count)` that are held by some request; reservations alone do not make a block active. */
  activePrefix(keys: Int32Array, count: number): number {
    const { frames } = this
    let position = 0
    while (position < count) {
      const frame = frames.find(wideFrameOf(keys[position]!))
      const active = this.named(this.activeMembers(frame), frame, keys, position, count)
      if (active === 0) break
      position += active
    }
    return position
  }

  /**
   * Acquires list positions `from … to` of a request, all or nothing: positions below `fullCount` are the full blocks
   * `keys[position]`, a position beyond them is a block to be filled. Slots go to `slots[position]`.
   *
   * Residency is prefix-closed, so cached blocks form a leading run and the walk may stop at the first miss.
   */
  acquire(keys: Int32Array, fullCount: number, from: number, to: number, slots: Int32Array): boolean {
    const fullEnd = to < fullCount ? to : fullCount
    const hitEnd = this.pinHits(keys, from, fullEnd, slots)
    if (!this.hasRoom(to - hitEnd)) {
      this.releaseAll(slots, from, hitEnd)
      return false
    }
    if (to > from) this.activeVersion += 1
    this.take(to - hitEnd)
    for (let position = hitEnd; position < fullEnd;) position += this.enter(keys, position, fullEnd, slots)
    for (let position = hitEnd > fullEnd ? hitEnd : fullEnd; position < to; position++) slots[position] = partialSlot
    return true
  }

  /**
   * A reservation: pins a prompt's leading cached full blocks and takes as many unregistered slots as the rest of its `blocks` needs,
   * all or nothing. Returns the number of blocks that were cached, -1 when there is no room. {@link unpin} makes the pins ordinary holds.
   */
  acquireUnregistered(keys: Int32Array, fullCount: number, blocks: number, slots: Int32Array): number {
    const hits = this.pinHits(keys, 0, fullCount, slots)
    if (!this.hasRoom(blocks - hits)) {
      this.releaseAll(slots, 0, hits)
      return -1
    }
    const pins = (this.pins ??= new MemberCounts(this.frames.capacity))
    this.pinnedHolds += hits
    for (let position = 0; position < hits;) {
      const run = wideRunLength(slots, position, hits)
      pins.add(slots[position]! >> wideBits, wideMemberOf(slots[position]!), run)
      position += run
    }
    this.take(blocks - hits)
    for (let position = hits; position < blocks; position++) slots[position] = partialSlot
    return hits
  }

  /** The reservation whose first `count` slots were cached ends: what it pinned is held like any other block from now on. */
  unpin(slots: Int32Array, count: number): void {
    const { pins } = this
    if (pins === undefined || count === 0) return
    this.pinnedHolds -= count
    for (let position = 0; position < count;) {
      const run = wideRunLength(slots, position, count)
      pins.remove(slots[position]! >> wideBits, wideMemberOf(slots[position]!), run)
      position += run
    }
    this.activeVersion += 1
  }

  /** A slot for one block to be filled, or -1 when none is left. */
  acquirePartial(): number {
    if (!this.hasRoom(1)) return -1
    this.take(1)
    return partialSlot
  }

  /**
   * Makes the next `count` blocks that are taken free ones, evicting those released longest ago: as taking them would, but before their
   * time. The caller knows that there are so many.
   */
  vacate(count: number): void {
    const missing = count - this.freeCount
    if (missing <= 0) return
    this.freeCount = count
    this.evictOldest(missing)
  }

  /** Sets `count` blocks aside for {@link takeReserved}, evicting as needed; false and no change when there are too few. */
  reserve(count: number): boolean {
    if (!this.hasRoom(count)) return false
    this.take(count)
    this.reservedCount += count
    return true
  }

  /** The slot of one of the blocks set aside, to be filled. */
  takeReserved(): number {
    if (this.reservedCount === 0) throw new Error("no reserved KV slot is left")
    this.reservedCount -= 1
    return partialSlot
  }

  /** Frees what {@link reserve} set aside and nobody took. */
  returnReserved(): void {
    this.free(this.reservedCount)
    this.reservedCount = 0
  }

  /** Identity of the full block in a slot. */
  keyOf(slot: number): number {
    return (this.frames.numbers[slot >> wideBits]! << wideBits) | wideMemberOf(slot)
  }

  /**
   * Turns a filled block into a full one under `key`, behind the block `parentKey` in `parentSlot`, where there is one; returns the slot that
   * now stands for it.
   */
  promote(parentSlot: number, key: number, parentKey = noBlock): number {
    const member = wideMemberOf(key)
    const isNext = key === parentKey + 1 && member !== 0 && parentSlot !== partialSlot
    const frame = isNext ? parentSlot >> wideBits : this.frameFor(key)
    const slot = frame * wideSize + member
    if (key >= 0 && (this.resident[frame]! & (1 << member)) !== 0) {
      this.hold(slot, 1)
      this.activeVersion += 1
      this.free(1)
      return slot
    }
    this.holders.add(frame, member, 1)
    this.register(slot, 1, key, parentKey)
    if (key >= 0) this.activeVersion += 1
    return slot
  }

  /** The filled blocks at list positions `from … to` become full ones under `keys`, as by {@link promote}. */
  promoteAll(keys: Int32Array, from: number, to: number, slots: Int32Array): void {
    for (let position = from; position < to;) {
      const key = keys[position]!
      const run = wideRunLength(keys, position, to)
      const known = this.resident[this.frames.find(wideFrameOf(key))]! & wideMembersFrom(wideMemberOf(key), run)
      if (known === 0) {
        position += this.enter(keys, position, to, slots)
        this.activeVersion += 1
        continue
      }
      for (const end = position + run; position < end; position++) {
        const parentSlot = position > 0 ? slots[position - 1]! : partialSlot
        const parentKey = position > 0 ? this.keyOf(parentSlot) : noBlock
        slots[position] = this.promote(parentSlot, keys[position]!, parentKey)
      }
    }
  }

  /** Gives back the hold on list positions `from … to`, deepest first, so that a prefix outlives what extends it. */
  releaseAll(slots: Int32Array, from: number, to: number): void {
    for (let end = to; end > from;) {
      if (slots[end - 1] === partialSlot) {
        this.free(1)
        end -= 1
        continue
      }
      const run = this.heldBefore(slots, from, end)
      end -= run
      this.releaseRun(slots[end]!, run)
    }
  }

  /** Gives back one hold: a block still being filled becomes free, a full one inactive once nobody holds it. */
  release(slot: number): void {
    if (slot === partialSlot) this.free(1)
    else this.releaseRun(slot, 1)
  }

  /** Every shareable identity cached here. */
  markBlocks(mark: MarkBlocks): void {
    const { resident } = this
    const { numbers } = this.frames
    for (let frame = 0; frame < resident.length; frame++) {
      if (resident[frame] !== 0 && numbers[frame]! >= 0) markWideMembers(numbers[frame]!, resident[frame]!, mark)
    }
  }

  /** Walks all frames and lists: each full block in exactly one state, each found under its key. */
  checkInvariants(): void {
    this.checkInactive()
    let held = 0
    let residents = 0
    this.forEachResident((slot, key) => {
      residents += 1
      if (this.isHeld(slot)) held += 1
      if (this.holdersOf(slot) < this.pinsOf(slot))
        throw new Error(`KV block ${key} has more reservations than holders`)
      if (this.find(key) !== slot) throw new Error(`KV block ${key} is not found in its slot ${slot}`)
    })
    if (residents - held !== this.idle.size)
      throw new Error(`${residents - held} full KV blocks have no holder, counted ${this.idle.size}`)
    if (held + this.quarantinedBlocks > this.activeBlocks)
      throw new Error(`${held} full KV blocks are held, counted ${this.activeBlocks}`)
  }

  /** Evicted blocks whose room is not free yet; they count as active. */
  get quarantinedBlocks(): number {
    return 0
  }

  protected checkInactive(): void {
    let inactive = 0
    this.idle.forEach((frame, mask) => {
      inactive += wideCount(mask)
      for (let member = 0; member < wideSize; member++) {
        const slot = frame * wideSize + member
        if ((mask & (1 << member)) !== 0 && this.isHeld(slot))
          throw new Error(`KV slot ${slot} is inactive but has holders`)
      }
      if (inactive > this.capacity) throw new Error("the inactive list is circular")
    })
    if (inactive !== this.idle.size) throw new Error(`inactive list has ${inactive} blocks, counted ${this.idle.size}`)
  }

  /** Whether `count` blocks can be taken now; where evicting takes time, it begins with it. */
  protected hasRoom(count: number): boolean {
    return count <= this.freeCount + this.idle.size
  }

  protected free(count: number): void {
    this.freeCount += count
  }

  /** The slot of a cached block, -1 when it is not cached. */
  private find(key: number): number {
    const frame = this.frames.find(wideFrameOf(key))
    const member = wideMemberOf(key)
    return (this.resident[frame]! & (1 << member)) === 0 ? -1 : frame * wideSize + member
  }

  /** The slots from `slot` on hold the `count` full blocks `key …` of one frame from now on; the first of them follows `parentKey`. */
  protected register(slot: number, count: number, key: number, parentKey: number): void {
    const { chained } = this
    const frame = slot >> wideBits
    const members = wideMembersFrom(wideMemberOf(slot), count)
    this.resident[frame]! |= members
    if (parentKey === key - 1) chained[frame]! |= members
    else chained[frame] = (chained[frame]! | members) & ~(1 << wideMemberOf(slot))
    if (key >= 0 && this.events !== undefined) this.events.stored(key, count)
  }

  /** The members of a mask, which nobody holds and no list has any more, are cached no longer; their room is the caller's. */
  protected evict(frame: number, mask: number): void {
    const left = this.resident[frame]! & ~mask
    const firstKey = this.frames.numbers[frame]! << wideBits
    this.resident[frame] = left
    if (left === 0) this.frames.remove(frame)
    if (firstKey >= 0 && this.events !== undefined) this.announceRemoval(this.events, firstKey, mask)
    this.probe?.evicted?.(wideCount(mask))
  }

  private isHeld(slot: number): boolean {
    return this.holdersOf(slot) > 0
  }

  private holdersOf(slot: number): number {
    return this.holders.of(slot >> wideBits, wideMemberOf(slot))
  }

  private pinsOf(slot: number): number {
    return this.pins === undefined ? 0 : this.pins.of(slot >> wideBits, wideMemberOf(slot))
  }

  /** The members of a frame that some reservation holds. */
  private pinsOfFrame(frame: number): number {
    return this.pins === undefined || this.pinnedHolds === 0 ? 0 : this.pins.held(frame)
  }

  /** The members of a frame that are held by more than reservations. */
  private activeMembers(frame: number): number {
    let active = this.holders.held(frame)
    for (let rest = this.pinsOfFrame(frame); rest !== 0; rest &= ~(1 << lastOf(rest))) {
      const slot = frame * wideSize + lastOf(rest)
      if (this.holdersOf(slot) <= this.pinsOf(slot)) active &= ~(1 << wideMemberOf(slot))
    }
    return active
  }

  /** Holds the leading blocks of `keys[from … end)` that are cached; returns where they end. */
  protected pinHits(keys: Int32Array, from: number, end: number, slots: Int32Array): number {
    let position = from
    while (position < end) {
      const key = keys[position]!
      const frame = this.frames.find(wideFrameOf(key))
      const hits = this.named(this.resident[frame]!, frame, keys, position, end)
      if (hits === 0) break
      const slot = frame * wideSize + wideMemberOf(key)
      this.hold(slot, hits)
      for (let hit = 0; hit < hits; hit++) slots[position + hit] = slot + hit
      position += hits
    }
    return position
  }

  /** How many of `keys[position … end)`, from the first on, are blocks of a frame and members of the mask, which are all resident. */
  private named(mask: number, frame: number, keys: Int32Array, position: number, end: number): number {
    const key = keys[position]!
    const member = wideMemberOf(key)
    if ((mask & (1 << member)) === 0) return 0
    const found = wideLeading(mask & (this.chained[frame]! | (1 << member)), member)
    const count = found < end - position ? found : end - position
    return keys[position + count - 1] === key + count - 1 ? count : wideRunLength(keys, position, position + count)
  }

  /** How many of `slots[from … end)`, up to the last one, are of blocks of a frame, each behind the one before it. */
  private heldBefore(slots: Int32Array, from: number, end: number): number {
    const slot = slots[end - 1]!
    const member = wideMemberOf(slot)
    const chained = wideTrailing(this.chained[slot >> wideBits]!, member)
    const most = chained > member ? chained : chained + 1
    const count = most < end - from ? most : end - from
    return slots[end - count] === slot - count + 1 ? count : wideRunLengthBefore(slots, from, end)
  }

  /** Holds the resident blocks in `count` slots of a frame. */
  private hold(slot: number, count: number): void {
    const frame = slot >> wideBits
    const idle = this.holders.add(frame, wideMemberOf(slot), count)
    if (idle !== 0) this.idle.take(frame, idle)
  }

  /** Gives back the holds on the blocks in `count` slots of a frame, the last one first. */
  private releaseRun(slot: number, count: number): void {
    const frame = slot >> wideBits
    const isPinned = this.pinsOfFrame(frame) !== 0
    const before = isPinned ? this.activeMembers(frame) : 0
    const idle = this.holders.remove(frame, wideMemberOf(slot), count)
    if (isPinned ? this.activeMembers(frame) !== before : idle !== 0) this.activeVersion += 1
    if (idle !== 0) this.idle.add(frame, idle)
  }

  /** Registers the run of full blocks that starts at `keys[position]`, held once; returns its length. */
  private enter(keys: Int32Array, position: number, end: number, slots: Int32Array): number {
    const key = keys[position]!
    const frame = this.frameFor(key)
    const member = wideMemberOf(key)
    const slot = frame * wideSize + member
    const most = wideSize - member < end - position ? wideSize - member : end - position
    slots[position] = slot
    let run = 1
    for (; run < most && keys[position + run] === key + run; run++) slots[position + run] = slot + run
    this.holders.add(frame, member, run)
    this.register(slot, run, key, position > 0 ? keys[position - 1]! : noBlock)
    return run
  }

  /** The frame of a block that is about to be cached. */
  private frameFor(key: number): number {
    const number = wideFrameOf(key)
    let frame = this.frames.find(number)
    if (frame === 0) {
      frame = this.frames.add(number)
      if (frame >= this.resident.length) this.growSlots()
    }
    return frame
  }

  /** Takes `count` blocks: free ones, then those released longest ago, evicting them. The caller knows that there are so many. */
  private take(count: number): void {
    this.vacate(count)
    this.freeCount -= count
  }

  /** Evicts the `count` blocks that were released longest ago; their room is the caller's. */
  protected evictOldest(count: number): void {
    const { idle } = this
    for (const left = idle.size - count; idle.size > left;) {
      const frame = idle.takeFirst(idle.size - left)
      this.evict(frame, idle.taken)
    }
  }

  private announceRemoval(events: KvEventSink, firstKey: number, mask: number): void {
    if (isOne(mask)) {
      events.removed(firstKey + lastOf(mask), 1)
      return
    }
    for (let rest = mask; rest !== 0;) {
      const last = lastOf(rest)
      const length = wideTrailing(rest, last)
      const first = last - length + 1
      events.removed(firstKey + first, length)
      rest &= ~wideMembersFrom(first, length)
    }
  }

  private forEachResident(visit: (slot: number, key: number) => void): void {
    const { resident } = this
    for (let slot = 0; slot < resident.length * wideSize; slot++) {
      if ((resident[slot >> wideBits]! & (1 << wideMemberOf(slot))) !== 0) visit(slot, this.keyOf(slot))
    }
  }

  private growSlots(): void {
    this.resident = grown(this.resident, this.frames.capacity)
    this.chained = grown(this.chained, this.frames.capacity)
    this.holders.grow(this.frames.capacity)
    this.pins?.grow(this.frames.capacity)
  }
}
