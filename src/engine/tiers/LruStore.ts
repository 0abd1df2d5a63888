/**
 * A KV tier that gives up the block that nobody has used for longest.
 *
 *     free ──claim──▶ arriving ──arrive──▶ present, idle ◀──unpin── ──pin──▶ present, pinned      evicted: an idle one, for a claim
 *
 * Blocks lie in frames of 32 consecutive identities, a trace block's: what happens to a run of them is one step. Of a run the last block
 * always counts as used first, so that a prefix outlives what extends it.
 *
 *     frames    f3 = 7 (identities 224 … 255)
 *     present   ●●●●●●●●○○○○…       found here
 *     arriving  ○○○○○○○○●●●●…       room is taken
 *     pinned    ●●●●○○○○○○○○…       held, by as many as `pins` say
 *
 * Everything grows with what the tier holds, 2 bytes a block where frames are full, and some 5 more once anything was held.
 */
import { FrameTable } from "../../structures/FrameTable.ts"
import { grown } from "../../structures/Grown.ts"
import { IdleBlocks } from "../../structures/IdleBlocks.ts"
import { MemberCounts } from "../../structures/MemberCounts.ts"
import {
  wideCount,
  wideFrameOf,
  wideLeading,
  wideMemberOf,
  wideMembersFrom,
  wideRunLengthBefore
} from "../../structures/WideFrame.ts"
import { type MarkBlocks, markWideMembers } from "../../request/BlockIdentity.ts"
import type { KvEventSink } from "../KvEvents.ts"
import type { RunList } from "./BlockRuns.ts"
import { TierListeners } from "./TierListeners.ts"

export const BlockState = { Absent: 0, Arriving: 1, Idle: 2, Pinned: 3 } as const
export type BlockState = (typeof BlockState)[keyof typeof BlockState]

/** No frame is this one. */
const noFrame = 0

export class LruStore {
  readonly capacity: number
  /** Blocks that can be found here: all but arriving ones. */
  blocks = 0
  /** Blocks for which no room was found. */
  refused = 0
  private arrivals = 0
  /** A frame is there while one of its members is known. */
  private readonly frames = new FrameTable()
  /** By frame masks of members. */
  private present = new Int32Array(this.frames.capacity)
  private arriving = new Int32Array(this.frames.capacity)
  private pinned = new Int32Array(this.frames.capacity)
  /** None where nobody ever held anything. */
  private pins: MemberCounts | undefined = undefined
  private readonly idle = new IdleBlocks()
  private readonly listeners = new TierListeners()

  constructor(capacity: number) {
    this.capacity = capacity
  }

  /** Tells `sink` of changes from now on, once however often it is asked to. */
  tell(sink: KvEventSink | undefined): void {
    this.listeners.add(sink)
  }

  /** Blocks for which room could be taken now. */
  get available(): number {
    return this.capacity - this.arrivals - this.blocks + this.idle.size
  }

  /** What is to be said of a block here. */
  stateOf(key: number): BlockState {
    const frame = this.frames.find(wideFrameOf(key))
    const member = 1 << wideMemberOf(key)
    if ((this.arriving[frame]! & member) !== 0) return BlockState.Arriving
    if ((this.present[frame]! & member) === 0) return BlockState.Absent
    return (this.pinned[frame]! & member) === 0 ? BlockState.Idle : BlockState.Pinned
  }

  /** How many of the `count` blocks `key …` of a frame can be found here, up to the first that cannot. */
  presentRun(key: number, count: number): number {
    return Math.min(count, wideLeading(this.present[this.frames.find(wideFrameOf(key))]!, wideMemberOf(key)))
  }

  /** How many of the `count` blocks `key …` of a frame are held. All of them are here. */
  pinnedAmong(key: number, count: number): number {
    if (count === 0) return 0
    return wideCount(this.pinned[this.frames.find(wideFrameOf(key))]! & wideMembersFrom(wideMemberOf(key), count))
  }

  /** Takes room for those of the `count` blocks `key …` of a frame that are not known here, as far as there is any; adds them to `runs`. */
  claim(key: number, count: number, runs: RunList): void {
    const number = wideFrameOf(key)
    const frame = this.frames.find(number)
    const known = this.present[frame]! | this.arriving[frame]!
    const absent = wideMembersFrom(wideMemberOf(key), count) & ~known
    if (absent === 0) return
    if (!this.makeRoom(wideCount(absent), frame)) this.claimSingly(key, count, runs)
    else {
      this.enter(frame, number, absent)
      runs.addMembers(number, absent)
    }
  }

  /** The blocks for which room was taken are here. */
  arrive(key: number, count: number): void {
    const number = wideFrameOf(key)
    const frame = this.frames.find(number)
    const members = wideMembersFrom(wideMemberOf(key), count)
    this.arriving[frame]! &= ~members
    this.present[frame]! |= members
    this.arrivals -= count
    this.blocks += count
    this.idle.add(frame, members)
    this.listeners.tell(number, members, true)
  }

  /** Holds blocks that are here. */
  pin(key: number, count: number): void {
    const frame = this.frames.find(wideFrameOf(key))
    const pins = (this.pins ??= new MemberCounts(this.frames.capacity))
    const idle = pins.add(frame, wideMemberOf(key), count)
    if (idle === 0) return
    this.pinned[frame]! |= idle
    this.idle.take(frame, idle)
  }

  /** Lets go of them; those that nobody holds any more count as just used. */
  unpin(key: number, count: number): void {
    const { pins } = this
    if (pins === undefined) return
    const frame = this.frames.find(wideFrameOf(key))
    const idle = pins.remove(frame, wideMemberOf(key), count)
    if (idle === 0) return
    this.pinned[frame]! &= ~idle
    this.idle.add(frame, idle)
  }

  /** Those of the leading `keys[0 … count)` that are here count as just used, the first of them last. */
  touch(keys: Int32Array, count: number): void {
    for (let end = count; end > 0;) {
      const run = wideRunLengthBefore(keys, 0, end)
      end -= run
      const key = keys[end]!
      const frame = this.frames.find(wideFrameOf(key))
      const idle = wideMembersFrom(wideMemberOf(key), run) & this.present[frame]! & ~this.pinned[frame]!
      if (idle === 0) continue
      this.idle.take(frame, idle)
      this.idle.add(frame, idle)
    }
  }

  /** Every shareable identity that is known here. */
  markBlocks(mark: MarkBlocks): void {
    const { numbers } = this.frames
    this.forEachFrame((frame, known) => {
      if (numbers[frame]! >= 0) markWideMembers(numbers[frame]!, known, mark)
    })
  }

  checkInvariants(): void {
    let known = 0
    let arrivals = 0
    let pinned = 0
    this.forEachFrame((frame, mask) => {
      const [present, arriving, held] = [this.present[frame]!, this.arriving[frame]!, this.pinned[frame]!]
      known += wideCount(mask)
      arrivals += wideCount(arriving)
      pinned += wideCount(held)
      const number = this.frames.numbers[frame]!
      if (this.frames.find(number) !== frame) throw new Error(`frame ${number} is twice in a tier`)
      if ((arriving & present) !== 0) throw new Error(`a block of frame ${number} is here and arriving`)
      if (held !== this.pinsOf(frame) || (held & ~present) !== 0)
        throw new Error(`a block of frame ${number} is held but not here, or the other way round`)
    })
    let idle = 0
    this.idle.forEach((frame, mask) => {
      idle += wideCount(mask)
      if ((mask & (this.pinned[frame]! | ~this.present[frame]!)) !== 0)
        throw new Error(`a block of frame ${this.frames.numbers[frame]} may be given up but is held, or not here`)
    })
    if (arrivals !== this.arrivals || known - arrivals !== this.blocks || idle !== this.idle.size)
      throw new Error(
        `a tier knows ${known} blocks, ${arrivals} arriving and ${idle} idle; counted ${this.blocks} present, ${this.arrivals} arriving `
          + `and ${this.idle.size} idle`
      )
    if (idle + pinned !== this.blocks)
      throw new Error(`${this.blocks} blocks are here, ${idle} idle and ${pinned} held`)
    if (known > this.capacity) throw new Error(`a tier of ${this.capacity} blocks holds ${known}`)
  }

  private pinsOf(frame: number): number {
    return this.pins === undefined ? 0 : this.pins.held(frame)
  }

  private forEachFrame(visit: (frame: number, known: number) => void): void {
    for (let frame = 1; frame < this.present.length; frame++) {
      const known = this.present[frame]! | this.arriving[frame]!
      if (known !== 0) visit(frame, known)
    }
  }

  /** The same one by one: a block that makes room may be one of the run that was here when its turn had not come. */
  private claimSingly(key: number, count: number, runs: RunList): void {
    let taken = 0
    for (let block = key; block < key + count; block++) {
      const member = 1 << wideMemberOf(block)
      const number = wideFrameOf(block)
      const frame = this.frames.find(number)
      if (((this.present[frame]! | this.arriving[frame]!) & member) !== 0) continue
      if (this.makeRoom(1, noFrame)) {
        this.enter(this.frames.find(number), number, member)
        taken |= member
      } else this.refused += 1
    }
    runs.addMembers(wideFrameOf(key), taken)
  }

  /** Gives up idle blocks until there is room for `count`, but for those of one frame; false when that is not enough. */
  private makeRoom(count: number, sparedFrame: number): boolean {
    for (;;) {
      const lacking = count - (this.capacity - this.arrivals - this.blocks)
      if (lacking <= 0) return true
      if (this.idle.size === 0 || this.idle.firstFrame === sparedFrame) return false
      this.evict(lacking)
    }
  }

  /** Gives up to `limit` of the blocks up that were used longest ago, all of one frame. */
  private evict(limit: number): void {
    const { frames, idle } = this
    const frame = idle.takeFirst(limit)
    const mask = idle.taken
    this.blocks -= wideCount(mask)
    this.present[frame]! &= ~mask
    const number = frames.numbers[frame]!
    if ((this.present[frame]! | this.arriving[frame]!) === 0) frames.remove(frame)
    this.listeners.tell(number, mask, false)
  }

  /** Takes room for members of the frame with this number, a new one where it has none. */
  private enter(known: number, number: number, members: number): void {
    let frame = known
    if (frame === noFrame) {
      frame = this.frames.add(number)
      if (frame >= this.present.length) this.grow()
    }
    this.arriving[frame]! |= members
    this.arrivals += wideCount(members)
  }

  private grow(): void {
    const { capacity } = this.frames
    this.present = grown(this.present, capacity)
    this.arriving = grown(this.arriving, capacity)
    this.pinned = grown(this.pinned, capacity)
    this.pins?.grow(capacity)
  }
}
