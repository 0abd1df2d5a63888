/**
 * How many holders each member of a frame of 32 (`WideFrame.ts`) has, eight members at a time.
 *
 *     octet 1 of frame 5    wholes 2                        holders of all eight members
 *                           counts  1 1 0 0 0 0 0 0         further holders of each
 *                           parts   ●●○○○○○○                the members that have such: counts above 0
 *     together                      3 3 2 2 2 2 2 2
 *
 * Most holders hold whole octets: that is one addition for eight members. Parts of one cost one per member. A holder of the whole may
 * let go of it in parts, and the other way round: only the sums count. Eight million holders of the whole at most. 144 bytes per frame.
 */
import { frameBits, frameSize, memberOf, membersFrom } from "./FrameMask.ts"
import { regrown } from "./SpareColumns.ts"
import { octetBits, wideBits, wideSize } from "./WideFrame.ts"

const all = membersFrom(0, frameSize)
/** One holder of the whole, where the parts are the lowest bits. */
const whole = 1 << frameSize

export class MemberCounts {
  /** By octet, four to a frame: wholes and parts. */
  private holders: Int32Array
  private counts: Int32Array

  /** For frames below `capacity`, which nobody holds. */
  constructor(capacity: number) {
    this.holders = new Int32Array(capacity << octetBits)
    this.counts = new Int32Array(capacity * wideSize)
  }

  /** Makes room for frames below `capacity`. */
  grow(capacity: number): void {
    if (capacity << octetBits <= this.holders.length) return
    this.holders = regrown(this.holders, capacity << octetBits)
    this.counts = regrown(this.counts, capacity * wideSize)
  }

  /** The members that somebody holds. */
  held(frame: number): number {
    const octet = frame << octetBits
    return (
      this.heldOfOctet(octet)
      | (this.heldOfOctet(octet + 1) << frameSize)
      | (this.heldOfOctet(octet + 2) << (2 * frameSize))
      | (this.heldOfOctet(octet + 3) << (3 * frameSize))
    )
  }

  /** Holders of one member. */
  of(frame: number, member: number): number {
    const place = (frame << wideBits) + member
    return (this.holders[place >> frameBits]! >> frameSize) + this.counts[place]!
  }

  /** One more holder of the members `first … first + count`; returns those of them that nobody held. */
  add(frame: number, first: number, count: number): number {
    const start = frame << wideBits
    let fresh = 0
    for (let at = first, left = count; left > 0;) {
      const length = lengthInOctet(at, left)
      fresh |= this.addToOctet(start + at, length) << (at & -frameSize)
      at += length
      left -= length
    }
    return fresh
  }

  /** One holder less; returns those of the members that nobody holds any more. Each of them has one. */
  remove(frame: number, first: number, count: number): number {
    const start = frame << wideBits
    let gone = 0
    for (let at = first, left = count; left > 0;) {
      const length = lengthInOctet(at, left)
      gone |= this.removeFromOctet(start + at, length) << (at & -frameSize)
      at += length
      left -= length
    }
    return gone
  }

  private heldOfOctet(octet: number): number {
    const holders = this.holders[octet]!
    return holders < whole ? holders : all
  }

  private addToOctet(place: number, count: number): number {
    const octet = place >> frameBits
    const holders = this.holders[octet]!
    if (count === frameSize) {
      this.holders[octet] = holders + whole
      return holders < whole ? all & ~holders : 0
    }
    const { counts } = this
    const members = membersFrom(memberOf(place), count)
    for (let at = place; at < place + count; at++) counts[at]! += 1
    this.holders[octet] = holders | members
    return holders < whole ? members & ~holders : 0
  }

  private removeFromOctet(place: number, count: number): number {
    const octet = place >> frameBits
    const members = membersFrom(memberOf(place), count)
    const holders = this.holders[octet]!
    if (count === frameSize && holders >= whole) this.holders[octet] = holders - whole
    else this.removeFromParts(place, count, members)
    return members & ~this.heldOfOctet(octet)
  }

  private removeFromParts(place: number, count: number, members: number): void {
    const octet = place >> frameBits
    if ((this.holders[octet]! & members) !== members) this.split(octet)
    const { counts } = this
    let left = this.holders[octet]!
    for (let at = place; at < place + count; at++) {
      counts[at]! -= 1
      if (counts[at] === 0) left &= ~(1 << memberOf(at))
    }
    this.holders[octet] = left
  }

  /** A holder of the whole counts as one of each member. */
  private split(octet: number): void {
    const { counts } = this
    for (let at = octet << frameBits; at < (octet + 1) << frameBits; at++) counts[at]! += 1
    this.holders[octet] = (this.holders[octet]! - whole) | all
  }
}

/** How many of the `count` members from `first` on lie in the same octet. */
const lengthInOctet = (first: number, count: number): number => {
  const toEnd = frameSize - memberOf(first)
  return count < toEnd ? count : toEnd
}
