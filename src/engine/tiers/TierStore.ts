/**
 * What one KV tier below the device holds.
 *
 * Each of its slots is free, in flight (taken for a copy that has not arrived), pinned (held by somebody who reads it) or idle:
 *
 *     free ──take──▶ in flight ──arrive──▶ idle ──pin──▶ pinned ──unpin──▶ idle     evicted: next take without a free slot
 *
 * Only pinned and idle blocks can be found. Runs are of consecutive identities within a frame of 32 (`structures/WideFrame.ts`), each block
 * behind the one before it.
 */
import { markWideMembers, type MarkBlocks } from "../../request/BlockIdentity.ts"
import { firstOf } from "../../structures/FrameMask.ts"
import { FrameTable } from "../../structures/FrameTable.ts"
import { MemberCounts } from "../../structures/MemberCounts.ts"
import {
  wideBits,
  wideCount,
  wideFrameOf,
  wideLeading,
  wideMemberOf,
  wideMembersFrom,
  wideRunLength
} from "../../structures/WideFrame.ts"
import type { KvEventSink } from "../KvEvents.ts"
import type { BlockChains } from "./BlockChains.ts"
import { LeafOrder } from "./LeafOrder.ts"
import { TierListeners } from "./TierListeners.ts"

export class TierStore {
  readonly capacity: number
  private free: number
  private inFlight = 0
  private readonly idle = new LeafOrder()
  /** Frames of pinned blocks, how often each of those is pinned, and how many they are. */
  private readonly pinnedFrames = new FrameTable()
  private readonly pins = new MemberCounts(this.pinnedFrames.capacity)
  private pinned = 0

  private readonly listeners = new TierListeners()

  /** `capacity` may be `Infinity`: a tier that never evicts. */
  constructor(capacity: number) {
    this.capacity = capacity
    this.free = capacity
  }

  /** Tells `sink` of changes from now on, once however often it is asked to. */
  tell(sink: KvEventSink | undefined): void {
    this.listeners.add(sink)
  }

  /** Blocks that could be taken now. */
  get available(): number {
    return this.free + this.idle.size
  }

  /** Blocks that can be found here. */
  get blocks(): number {
    return this.idle.size + this.pinned
  }

  has(key: number): boolean {
    return (this.presentOf(wideFrameOf(key)) & (1 << wideMemberOf(key))) !== 0
  }

  /** The members of a frame that are here. */
  presentOf(frameNumber: number): number {
    const idle = this.idle.idleOf(frameNumber)
    return this.pinned === 0 ? idle : idle | this.pinnedOf(frameNumber)
  }

  /** Whether none of the blocks is here. */
  lacks(chains: BlockChains): boolean {
    for (let chain = 0; chain < chains.count; chain++) {
      const key = chains.keyOf(chain)
      const members = wideMembersFrom(wideMemberOf(key), chains.lengthOf(chain))
      if ((this.presentOf(wideFrameOf(key)) & members) !== 0) return false
    }
    return true
  }

  private pinnedOf(frameNumber: number): number {
    const frame = this.pinnedFrames.find(frameNumber)
    return frame === 0 ? 0 : this.pins.held(frame)
  }

  /** How many of `keys[from … to)` are here, up to the first that is not. */
  run(keys: Int32Array, from: number, to: number): number {
    let position = from
    while (position < to) {
      const key = keys[position]!
      const run = wideRunLength(keys, position, to)
      const present = wideLeading(this.presentOf(wideFrameOf(key)), wideMemberOf(key))
      if (present < run) return position + present - from
      position += run
    }
    return position - from
  }

  /** Takes slots for blocks to come, evicting if need be; fewer than `count` when all others are pinned or in flight. Returns their number. */
  take(count: number): number {
    let taken = count < this.free ? count : this.free
    this.free -= taken
    while (taken < count && this.idle.size > 0) {
      const key = this.idle.takeFirst(count - taken)
      taken += this.idle.taken
      if (!this.listeners.areNone) this.announce(key, this.idle.taken, false)
    }
    this.inFlight += taken
    return taken
  }

  /**
   * A run of blocks has arrived in slots taken for them, the last one first. Those that are here already give their
   * slots back, and count as just used.
   */
  arrive(key: number, count: number, parentKey: number): void {
    if (!this.hasPinned(key, count) && this.idle.insert(key, count, parentKey, false)) {
      this.inFlight -= count
      if (!this.listeners.areNone) this.announce(key, count, true)
      return
    }
    for (let block = key + count - 1; block >= key; block--)
      this.arriveSingly(block, block === key ? parentKey : block - 1)
  }

  private arriveSingly(key: number, parentKey: number): void {
    this.inFlight -= 1
    if (this.isPinned(key)) {
      this.free += 1
      return
    }
    if (this.idle.remove(key, 1) > 0) this.free += 1
    else this.announce(key, 1, true)
    this.idle.insert(key, 1, parentKey, false)
  }

  /** The block has arrived in a slot taken for it, and is held at once. */
  arrivePinned(key: number): void {
    this.inFlight -= 1
    if (this.has(key)) this.free += 1
    else this.announce(key, 1, true)
    this.pin(key, 1)
  }

  /** Whether any block of a run is pinned. */
  private hasPinned(key: number, count: number): boolean {
    return this.pinned > 0 && (this.pinnedOf(wideFrameOf(key)) & wideMembersFrom(wideMemberOf(key), count)) !== 0
  }

  /** Tells that a run has come or gone. */
  private announce(key: number, count: number, isHere: boolean): void {
    this.listeners.tell(wideFrameOf(key), wideMembersFrom(wideMemberOf(key), count), isHere)
  }

  /** Holds a run of blocks that are here, or have just arrived. */
  pin(key: number, count: number): void {
    const number = wideFrameOf(key)
    this.idle.remove(key, count)
    let frame = this.pinnedFrames.find(number)
    if (frame === 0) {
      frame = this.pinnedFrames.add(number)
      this.pins.grow(this.pinnedFrames.capacity)
    }
    this.pinned += wideCount(this.pins.add(frame, wideMemberOf(key), count))
  }

  /** Lets go of a run of blocks, prefix first; those that nobody holds any more become idle. */
  unpin(key: number, count: number, parentKey: number): void {
    const number = wideFrameOf(key)
    const frame = this.pinnedFrames.find(number)
    for (let rest = this.pins.remove(frame, wideMemberOf(key), count); rest !== 0;) {
      const member = firstOf(rest)
      const length = wideLeading(rest, member)
      const first = (number << wideBits) | member
      this.idle.insert(first, length, first === key ? parentKey : first - 1, true)
      this.pinned -= length
      rest &= ~wideMembersFrom(member, length)
    }
    if (this.pins.held(frame) === 0) this.pinnedFrames.remove(frame)
  }

  /** Every shareable identity that is known here. */
  markBlocks(mark: MarkBlocks): void {
    this.idle.markBlocks(mark)
    this.forEachPinnedFrame((frameNumber, members) => {
      if (frameNumber >= 0) markWideMembers(frameNumber, members, mark)
    })
  }

  checkInvariants(): void {
    this.idle.checkInvariants()
    const { free, idle, inFlight, pinned } = this
    if (this.capacity !== Number.POSITIVE_INFINITY && free + inFlight + pinned + idle.size !== this.capacity) {
      throw new Error(
        `a tier of ${this.capacity} blocks has ${free} free, ${inFlight} in flight, ${pinned} pinned and ${idle.size} idle`
      )
    }
    let found = 0
    this.forEachPinnedFrame((frameNumber, members) => {
      found += wideCount(members)
      if ((idle.idleOf(frameNumber) & members) !== 0)
        throw new Error(`a block of frame ${frameNumber} is idle and pinned`)
    })
    if (found !== pinned) throw new Error(`${found} blocks are pinned, counted ${pinned}`)
  }

  private isPinned(key: number): boolean {
    return (this.pinnedOf(wideFrameOf(key)) & (1 << wideMemberOf(key))) !== 0
  }

  private forEachPinnedFrame(visit: (frameNumber: number, members: number) => void): void {
    for (let frame = 1; frame < this.pinnedFrames.capacity; frame++) {
      const members = this.pins.held(frame)
      if (members !== 0) visit(this.pinnedFrames.numbers[frame]!, members)
    }
  }
}
