/**
 * How many holders each member of a frame has.
 *
 *     frame 5    wholes 2                        holders of all eight members
 *                counts  1 1 0 0 0 0 0 0         further holders of each
 *                parts   ●●○○○○○○                the members that have such: counts above 0
 *     together           3 3 2 2 2 2 2 2
 *
 * Most holders hold whole frames: that is one addition for eight members. Parts of a frame cost one per member. A holder of the whole may
 * let go of it in parts, and the other way round: only the sums count. Eight million holders of the whole at most. 36 bytes per frame.
 */
import { frameSize, membersFrom } from "./FrameMask.ts"
import { regrown } from "./SpareColumns.ts"

const all = membersFrom(0, frameSize)
/** One holder of the whole, where the parts are the lowest bits. */
const whole = 1 << frameSize

export class MemberCounts {
  /** By frame: wholes and parts. */
  private holders: Int32Array
  private counts: Int32Array

  /** For frames below `capacity`, which nobody holds. */
  constructor(capacity: number) {
    this.holders = new Int32Array(capacity)
    this.counts = new Int32Array(capacity * frameSize)
  }

  /** Makes room for frames below `capacity`. */
  grow(capacity: number): void {
    if (capacity <= this.holders.length) return
    this.holders = regrown(this.holders, capacity)
    this.counts = regrown(this.counts, capacity * frameSize)
  }

  /** The members that somebody holds. */
  held(frame: number): number {
    const holders = this.holders[frame]!
    return holders < whole ? holders : all
  }

  /** Holders of one member. */
  of(frame: number, member: number): number {
    return (this.holders[frame]! >> frameSize) + this.counts[frame * frameSize + member]!
  }

  /** One more holder of the members `first … first + count`; returns those of them that nobody held. */
  add(frame: number, first: number, count: number): number {
    const holders = this.holders[frame]!
    const members = membersFrom(first, count)
    if (count === frameSize) this.holders[frame] = holders + whole
    else {
      const { counts } = this
      const start = frame * frameSize + first
      for (let at = start; at < start + count; at++) counts[at]! += 1
      this.holders[frame] = holders | members
    }
    return holders < whole ? members & ~holders : 0
  }

  /** One holder less; returns those of the members that nobody holds any more. Each of them has one. */
  remove(frame: number, first: number, count: number): number {
    const members = membersFrom(first, count)
    const holders = this.holders[frame]!
    if (count === frameSize && holders >= whole) this.holders[frame] = holders - whole
    else this.removeFromParts(frame, first, count, members)
    return members & ~this.held(frame)
  }

  private removeFromParts(frame: number, first: number, count: number, members: number): void {
    if ((this.holders[frame]! & members) !== members) this.split(frame)
    const { counts } = this
    const start = frame * frameSize + first
    let left = this.holders[frame]!
    for (let at = start; at < start + count; at++) {
      counts[at]! -= 1
      if (counts[at] === 0) left &= ~(1 << (at - frame * frameSize))
    }
    this.holders[frame] = left
  }

  /** A holder of the whole counts as one of each member. */
  private split(frame: number): void {
    const { counts } = this
    for (let at = frame * frameSize; at < (frame + 1) * frameSize; at++) counts[at]! += 1
    this.holders[frame] = (this.holders[frame]! - whole) | all
  }
}
