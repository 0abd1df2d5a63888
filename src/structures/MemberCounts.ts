/**
 * How many holders each member of a frame has.
 *
 *     frame 5    wholes 2                        holders of all eight members
 *                counts  1 1 0 0 0 0 0 0         further holders of each
 *                parts   ●●○○○○○○                the members that have such: counts above 0
 *     together           3 3 2 2 2 2 2 2
 *
 * Most holders hold whole frames: that is one addition for eight members. Parts of a frame cost one per member. A holder of the whole may
 * let go of it in parts, and the other way round: only the sums count. 37 bytes per frame.
 */
import { frameSize, membersFrom } from "./FrameMask.ts"
import { grown } from "./Grown.ts"
import { regrown } from "./SpareColumns.ts"

const all = membersFrom(0, frameSize)

export class MemberCounts {
  private wholes: Int32Array
  private parts: Uint8Array
  private counts: Int32Array

  /** For frames below `capacity`, which nobody holds. */
  constructor(capacity: number) {
    this.wholes = new Int32Array(capacity)
    this.parts = new Uint8Array(capacity)
    this.counts = new Int32Array(capacity * frameSize)
  }

  /** Makes room for frames below `capacity`. */
  grow(capacity: number): void {
    if (capacity <= this.wholes.length) return
    this.wholes = regrown(this.wholes, capacity)
    this.parts = grown(this.parts, capacity)
    this.counts = regrown(this.counts, capacity * frameSize)
  }

  /** The members that somebody holds. */
  held(frame: number): number {
    return this.wholes[frame]! > 0 ? all : this.parts[frame]!
  }

  /** Holders of one member. */
  of(frame: number, member: number): number {
    return this.wholes[frame]! + this.counts[frame * frameSize + member]!
  }

  /** One more holder of the members `first … first + count`; returns those of them that nobody held. */
  add(frame: number, first: number, count: number): number {
    const held = this.held(frame)
    const members = membersFrom(first, count)
    if (count === frameSize) this.wholes[frame]! += 1
    else {
      const { counts } = this
      const start = frame * frameSize + first
      for (let at = start; at < start + count; at++) counts[at]! += 1
      this.parts[frame]! |= members
    }
    return members & ~held
  }

  /** One holder less; returns those of the members that nobody holds any more. Each of them has one. */
  remove(frame: number, first: number, count: number): number {
    const members = membersFrom(first, count)
    if (count === frameSize && this.wholes[frame]! > 0) this.wholes[frame]! -= 1
    else this.removeFromParts(frame, first, count, members)
    return members & ~this.held(frame)
  }

  private removeFromParts(frame: number, first: number, count: number, members: number): void {
    if ((this.parts[frame]! & members) !== members) this.split(frame)
    const { counts } = this
    const start = frame * frameSize + first
    let left = this.parts[frame]!
    for (let at = start; at < start + count; at++) {
      counts[at]! -= 1
      if (counts[at] === 0) left &= ~(1 << (at - frame * frameSize))
    }
    this.parts[frame] = left
  }

  /** A holder of the whole counts as one of each member. */
  private split(frame: number): void {
    const { counts } = this
    this.wholes[frame]! -= 1
    for (let at = frame * frameSize; at < (frame + 1) * frameSize; at++) counts[at]! += 1
    this.parts[frame] = all
  }
}
