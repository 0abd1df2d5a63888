/**
 * A KV tier that gives up the block that nobody has used for longest.
 *
 *     free ──claim──▶ arriving ──arrive──▶ present, idle ◀──unpin── ──pin──▶ present, pinned      evicted: an idle one, for a claim
 *
 * Blocks lie in frames of eight consecutive identities, as in the KV block pool: what happens to a run of them is one step. Of a run the
 * last block always counts as used first, so that a prefix outlives what extends it. Everything grows with what the tier holds, some
 * 10 bytes a block where frames are full.
 */
import {
  frameBits,
  frameOf,
  frameSize,
  leadingMembers,
  memberCount,
  memberOf,
  membersFrom,
  runLengthBefore
} from "../../structures/FrameMask.ts"
import { FrameTable } from "../../structures/FrameTable.ts"
import { grown } from "../../structures/Grown.ts"
import { IdleBlocks } from "../../structures/IdleBlocks.ts"
import { MemberCounts } from "../../structures/MemberCounts.ts"
import type { KvEventSink } from "../KvEvents.ts"
import { addRuns } from "./BlockRuns.ts"

export const BlockState = { Absent: 0, Arriving: 1, Idle: 2, Pinned: 3 } as const
export type BlockState = (typeof BlockState)[keyof typeof BlockState]

const arrivingShift = 8
const pinnedShift = 16

const presentOf = (state: number): number => state & 0xff
const arrivingOf = (state: number): number => (state >> arrivingShift) & 0xff
const pinnedOf = (state: number): number => state >> pinnedShift
const knownOf = (state: number): number => presentOf(state) | arrivingOf(state)

/** No frame has this number. */
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
  /** By frame three masks of members: present, arriving and pinned ones. */
  private states = new Int32Array(this.frames.capacity)
  private readonly pins = new MemberCounts(this.frames.capacity)
  private readonly idle = new IdleBlocks()
  /** Who is told which blocks are here, as far as others can have them. */
  private readonly listeners: Array<KvEventSink> = []

  constructor(capacity: number) {
    this.capacity = capacity
  }

  /** Tells `sink` of changes from now on, once however often it is asked to. */
  tell(sink: KvEventSink | undefined): void {
    if (sink !== undefined && !this.listeners.includes(sink)) this.listeners.push(sink)
  }

  /** Blocks for which room could be taken now. */
  get available(): number {
    return this.capacity - this.arrivals - this.blocks + this.idle.size
  }

  /** What is to be said of a block here. */
  stateOf(key: number): BlockState {
    const state = this.states[this.frames.find(frameOf(key))]!
    const member = 1 << memberOf(key)
    if ((arrivingOf(state) & member) !== 0) return BlockState.Arriving
    if ((presentOf(state) & member) === 0) return BlockState.Absent
    return (pinnedOf(state) & member) === 0 ? BlockState.Idle : BlockState.Pinned
  }

  /** How many of the `count` blocks `key …` of a frame can be found here, up to the first that cannot. */
  presentRun(key: number, count: number): number {
    return Math.min(count, leadingMembers(presentOf(this.states[this.frames.find(frameOf(key))]!), memberOf(key)))
  }

  /** How many of them are held. All of them are here. */
  pinnedAmong(key: number, count: number): number {
    return memberCount(pinnedOf(this.states[this.frames.find(frameOf(key))]!) & membersFrom(memberOf(key), count))
  }

  /** Takes room for those of the `count` blocks `key …` of a frame that are not known here, as far as there is any; adds them to `runs`. */
  claim(key: number, count: number, runs: Array<number>): void {
    const frame = this.frames.find(frameOf(key))
    const members = membersFrom(memberOf(key), count)
    const absent = members & ~knownOf(this.states[frame]!)
    if (absent === 0) return
    if (!this.makeRoom(memberCount(absent), frame)) this.claimSingly(key, count, runs)
    else {
      this.enter(frameOf(key), absent)
      addRuns(runs, frameOf(key), absent)
    }
  }

  /** The blocks for which room was taken are here. */
  arrive(key: number, count: number): void {
    const frame = this.frames.find(frameOf(key))
    const members = membersFrom(memberOf(key), count)
    this.states[frame] = (this.states[frame]! & ~(members << arrivingShift)) | members
    this.arrivals -= count
    this.blocks += count
    this.idle.add(frame, members)
    if (key >= 0) for (const listener of this.listeners) listener.stored(key, count)
  }

  /** Holds blocks that are here. */
  pin(key: number, count: number): void {
    const frame = this.frames.find(frameOf(key))
    const idle = this.pins.add(frame, memberOf(key), count)
    if (idle === 0) return
    this.states[frame]! |= idle << pinnedShift
    this.idle.take(frame, idle)
  }

  /** Lets go of them; those that nobody holds any more count as just used. */
  unpin(key: number, count: number): void {
    const frame = this.frames.find(frameOf(key))
    const idle = this.pins.remove(frame, memberOf(key), count)
    if (idle === 0) return
    this.states[frame]! &= ~(idle << pinnedShift)
    this.idle.add(frame, idle)
  }

  /** Those of the leading `keys[0 … count)` that are here count as just used, the first of them last. */
  touch(keys: Int32Array, count: number): void {
    for (let end = count; end > 0;) {
      const run = runLengthBefore(keys, 0, end)
      end -= run
      const key = keys[end]!
      const frame = this.frames.find(frameOf(key))
      const state = this.states[frame]!
      const idle = membersFrom(memberOf(key), run) & presentOf(state) & ~pinnedOf(state)
      if (idle === 0) continue
      this.idle.take(frame, idle)
      this.idle.add(frame, idle)
    }
  }

  /** Every identity that is known here. */
  forEachKey(visit: (key: number) => void): void {
    this.forEachFrame((frame, known) => {
      const firstKey = this.frames.numbers[frame]! << frameBits
      for (let member = 0; member < frameSize; member++) if ((known & (1 << member)) !== 0) visit(firstKey + member)
    })
  }

  checkInvariants(): void {
    let known = 0
    let arrivals = 0
    let pinned = 0
    this.forEachFrame((frame, mask) => {
      const state = this.states[frame]!
      known += memberCount(mask)
      arrivals += memberCount(arrivingOf(state))
      pinned += memberCount(pinnedOf(state))
      const number = this.frames.numbers[frame]!
      if (this.frames.find(number) !== frame) throw new Error(`frame ${number} is twice in a tier`)
      if ((arrivingOf(state) & presentOf(state)) !== 0)
        throw new Error(`a block of frame ${number} is here and arriving`)
      if (pinnedOf(state) !== this.pins.held(frame) || (pinnedOf(state) & ~presentOf(state)) !== 0)
        throw new Error(`a block of frame ${number} is held but not here, or the other way round`)
    })
    let idle = 0
    this.idle.forEach((frame, mask) => {
      idle += memberCount(mask)
      if ((mask & (pinnedOf(this.states[frame]!) | ~presentOf(this.states[frame]!))) !== 0)
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

  private forEachFrame(visit: (frame: number, known: number) => void): void {
    for (let frame = 1; frame < this.states.length; frame++) {
      const known = knownOf(this.states[frame]!)
      if (known !== 0) visit(frame, known)
    }
  }

  /** The same one by one: a block that makes room may be one of the run that was here when its turn had not come. */
  private claimSingly(key: number, count: number, runs: Array<number>): void {
    let taken = 0
    for (let block = key; block < key + count; block++) {
      const member = 1 << memberOf(block)
      if ((knownOf(this.states[this.frames.find(frameOf(block))]!) & member) !== 0) continue
      if (this.makeRoom(1, noFrame)) {
        this.enter(frameOf(block), member)
        taken |= member
      } else this.refused += 1
    }
    addRuns(runs, frameOf(key), taken)
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
    const { idle } = this
    const frame = idle.firstFrame
    let mask = idle.firstMask
    while (memberCount(mask) > limit) mask &= mask - 1
    idle.take(frame, mask)
    this.blocks -= memberCount(mask)
    this.states[frame]! &= ~mask
    const number = this.frames.numbers[frame]!
    if (this.states[frame] === 0) this.frames.remove(frame)
    if (number >= 0 && this.listeners.length > 0) this.announceRemoval(number, mask)
  }

  private announceRemoval(frameNumber: number, mask: number): void {
    const runs: Array<number> = []
    addRuns(runs, frameNumber, mask)
    for (let at = 0; at < runs.length; at += 2)
      for (const listener of this.listeners) listener.removed(runs[at]!, runs[at + 1]!)
  }

  private enter(number: number, members: number): void {
    let frame = this.frames.find(number)
    if (frame === 0) {
      frame = this.frames.add(number)
      if (frame >= this.states.length) this.grow()
    }
    this.states[frame]! |= members << arrivingShift
    this.arrivals += memberCount(members)
  }

  private grow(): void {
    const { capacity } = this.frames
    this.states = grown(this.states, capacity)
    this.pins.grow(capacity)
  }
}
