/**
 * How many holders each member of a frame of 32 (`WideFrame.ts`) has.
 *
 *     frame 5     wholes 2                          holders of all members
 *                 parts   ●●○○○○○○ …                the members that have others besides
 *                 shared  ●○○○○○○○ …                those of them that have more than one such
 *                 further 1 0 0 0 0 0 0 0 …         how many more
 *     together            4 3 2 2 2 2 2 2 …
 *
 * Most holders hold whole frames, or a part that nobody shares: that is one addition, or one mask, for all members. A holder of the whole may
 * let go of it in parts, and the other way round: only the sums count. 140 bytes per frame.
 */
import { lastOf } from "./FrameMask.ts"
import { regrown } from "./SpareColumns.ts"
import { wideBits, wideMembersFrom, wideSize } from "./WideFrame.ts"

// Cells of a frame.
const wholesCell = 0
const partsCell = 1
const sharedCell = 2
const frameCells = 3

export class MemberCounts {
  private cells: Int32Array
  /** By member. */
  private further: Int32Array

  /** For frames below `capacity`, which nobody holds. */
  constructor(capacity: number) {
    this.cells = new Int32Array(capacity * frameCells)
    this.further = new Int32Array(capacity * wideSize)
  }

  /** Makes room for frames below `capacity`. */
  grow(capacity: number): void {
    if (capacity * frameCells <= this.cells.length) return
    this.cells = regrown(this.cells, capacity * frameCells)
    this.further = regrown(this.further, capacity * wideSize)
  }

  /** The members that somebody holds. */
  held(frame: number): number {
    const { cells } = this
    const at = frame * frameCells
    return cells[at + wholesCell]! > 0 ? -1 : cells[at + partsCell]!
  }

  /** Holders of one member. */
  of(frame: number, member: number): number {
    const { cells, further } = this
    const at = frame * frameCells
    return cells[at + wholesCell]! + ((cells[at + partsCell]! >>> member) & 1) + further[frame * wideSize + member]!
  }

  /** One more holder of the members `first … first + count`; returns those of them that nobody held. */
  add(frame: number, first: number, count: number): number {
    const { cells } = this
    const at = frame * frameCells
    const wholes = cells[at + wholesCell]!
    const parts = cells[at + partsCell]!
    if (count === wideSize) {
      cells[at + wholesCell] = wholes + 1
      return wholes > 0 ? 0 : ~parts
    }
    const members = wideMembersFrom(first, count)
    cells[at + partsCell] = parts | members
    if ((parts & members) !== 0) this.share(frame, parts & members)
    return wholes > 0 ? 0 : members & ~parts
  }

  /** One holder less; returns those of the members that nobody holds any more. Each of them has one. */
  remove(frame: number, first: number, count: number): number {
    const { cells } = this
    const at = frame * frameCells
    const wholes = cells[at + wholesCell]!
    if (count === wideSize && wholes > 0) {
      cells[at + wholesCell] = wholes - 1
      return wholes > 1 ? 0 : ~cells[at + partsCell]!
    }
    const members = wideMembersFrom(first, count)
    if ((cells[at + partsCell]! & members) !== members) this.split(frame)
    const shared = cells[at + sharedCell]! & members
    const gone = members & ~shared
    cells[at + partsCell]! &= ~gone
    if (shared !== 0) this.unshare(frame, shared)
    return cells[at + wholesCell]! > 0 ? 0 : gone
  }

  /** One more holder of each member of a mask, all of which are parts. */
  private share(frame: number, mask: number): void {
    const { further } = this
    const start = frame << wideBits
    for (let rest = mask; rest !== 0;) {
      const member = lastOf(rest)
      further[start + member]! += 1
      rest &= ~(1 << member)
    }
    this.cells[frame * frameCells + sharedCell]! |= mask
  }

  /** One less of those that are shared. */
  private unshare(frame: number, mask: number): void {
    const { further } = this
    const start = frame << wideBits
    let single = 0
    for (let rest = mask; rest !== 0;) {
      const member = lastOf(rest)
      further[start + member]! -= 1
      if (further[start + member] === 0) single |= 1 << member
      rest &= ~(1 << member)
    }
    this.cells[frame * frameCells + sharedCell]! &= ~single
  }

  /** A holder of the whole counts as one of each member. */
  private split(frame: number): void {
    const { cells } = this
    const at = frame * frameCells
    const parts = cells[at + partsCell]!
    cells[at + wholesCell]! -= 1
    cells[at + partsCell] = -1
    if (parts !== 0) this.share(frame, parts)
  }
}
