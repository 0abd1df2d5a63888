/**
 * The blocks of a pool that nobody holds, in the order in which they were released.
 *
 * Blocks of one frame that are released together, deepest first, are one entry: a frame and a mask of its members, the last of which
 * was released first.
 *
 *     first ──▶ [ f2: ●●●●○○○○ ] ⇄ [ f7: ●●●●●●●● ] ⇄ [ f2: ○○○○●●○○ ] ◀── last
 *                     ▲                                    │
 *                     └────────────── older ───────────────┘ ◀── newest[f2]
 *
 *     cells     | frame mask older before behind | frame mask …       an entry is the place of its first cell
 *
 * The entries of a frame hang together, newest first, so members can be taken from anywhere. Each operation costs a few reads and
 * writes, for all blocks of a frame as for one; frames are of eight or of 32 (`WideFrame.ts`). 20 bytes per entry, 4 per frame; starts with
 * a few entries and doubles.
 */
import { lastOf } from "./FrameMask.ts"
import { regrown } from "./SpareColumns.ts"
import { wideCount } from "./WideFrame.ts"

// Cells of an entry.
const frameCell = 0
const maskCell = 1
/** The entry of the same frame before this one, 0 for none; of a free entry the next free one. */
const olderCell = 2
/** Neighbours in order of release. */
const beforeCell = 3
const behindCell = 4
const entryCells = 5

const initialEntries = 16
/** The entry that links the first and the last one. */
const ends = 0

export class IdleBlocks {
  /** Blocks in all entries. */
  size = 0
  /** The members that {@link takeFirst} took last. */
  taken = 0
  private cells: Int32Array = new Int32Array(initialEntries * entryCells)
  /** By frame. */
  private newest = new Int32Array(initialEntries)
  private firstFree = 0
  private reached = entryCells

  /** Frame of the block released longest ago; there must be one. */
  get firstFrame(): number {
    return this.cells[this.cells[ends + behindCell]! + frameCell]!
  }

  /** The blocks of a mask have just been released, the last member first. None of them is idle. */
  add(frame: number, mask: number): void {
    const { cells } = this
    this.size += wideCount(mask)
    const last = cells[ends + beforeCell]!
    const lastMask = cells[last + maskCell]!
    // The lowest bit of the one above the highest of the other.
    if (last !== ends && cells[last + frameCell] === frame && Math.clz32(lastMask & -lastMask) < Math.clz32(mask))
      cells[last + maskCell] = lastMask | mask
    else this.append(frame, mask, last)
  }

  /** Takes the blocks of a mask out, all of which are idle. */
  take(frame: number, mask: number): void {
    const { cells } = this
    this.size -= wideCount(mask)
    let wanted = mask
    let newer = 0
    let entry = this.newest[frame]!
    while (wanted !== 0) {
      const members = cells[entry + maskCell]!
      const older = cells[entry + olderCell]!
      const left = members & ~wanted
      wanted &= ~members
      cells[entry + maskCell] = left
      if (left !== 0) newer = entry
      else {
        if (newer === 0) this.newest[frame] = older
        else cells[newer + olderCell] = older
        this.unlink(entry)
      }
      entry = older
    }
  }

  /**
   * Takes out the blocks released longest ago, up to `limit` of one entry, the last members first: returns their frame, {@link taken} are its
   * members. There must be an idle block.
   */
  takeFirst(limit: number): number {
    const { cells, newest } = this
    const entry = cells[ends + behindCell]!
    const frame = cells[entry + frameCell]!
    const members = cells[entry + maskCell]!
    let mask = limit === 1 ? 1 << lastOf(members) : members
    let count = limit === 1 ? 1 : wideCount(mask)
    for (; count > limit; count--) mask &= mask - 1
    this.size -= count
    this.taken = mask
    cells[entry + maskCell] = members & ~mask
    if (mask !== members) return frame
    // The first of all entries is the oldest of its frame.
    if (newest[frame] === entry) newest[frame] = 0
    else {
      let newer = newest[frame]!
      while (cells[newer + olderCell] !== entry) newer = cells[newer + olderCell]!
      cells[newer + olderCell] = 0
    }
    this.unlink(entry)
    return frame
  }

  /** Visits all entries in order. */
  forEach(visit: (frame: number, mask: number) => void): void {
    const { cells } = this
    for (let entry = cells[ends + behindCell]!; entry !== ends; entry = cells[entry + behindCell]!)
      visit(cells[entry + frameCell]!, cells[entry + maskCell]!)
  }

  private append(frame: number, mask: number, last: number): void {
    const entry = this.freeEntry()
    if (frame >= this.newest.length) this.newest = regrown(this.newest, Math.max(frame + 1, this.newest.length * 2))
    const { cells } = this
    cells[entry + frameCell] = frame
    cells[entry + maskCell] = mask
    cells[entry + olderCell] = this.newest[frame]!
    cells[entry + beforeCell] = last
    cells[entry + behindCell] = ends
    cells[last + behindCell] = entry
    cells[ends + beforeCell] = entry
    this.newest[frame] = entry
  }

  private unlink(entry: number): void {
    const { cells } = this
    const before = cells[entry + beforeCell]!
    const behind = cells[entry + behindCell]!
    cells[before + behindCell] = behind
    cells[behind + beforeCell] = before
    cells[entry + olderCell] = this.firstFree
    this.firstFree = entry
  }

  private freeEntry(): number {
    const free = this.firstFree
    if (free !== 0) {
      this.firstFree = this.cells[free + olderCell]!
      return free
    }
    if (this.reached === this.cells.length) this.cells = regrown(this.cells)
    this.reached += entryCells
    return this.reached - entryCells
  }
}
