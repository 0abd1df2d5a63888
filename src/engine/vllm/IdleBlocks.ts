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
 * The entries of a frame hang together, newest first, so members can be taken from anywhere. Each operation costs a few reads and
 * writes, for eight blocks as for one. 20 bytes per entry, 4 per frame; starts with a few entries and doubles.
 */
import { memberCount } from "../../structures/FrameMask.ts"
import { grown } from "../../structures/Grown.ts"

const initialEntries = 16
/** The entry that links the first and the last one. */
const ends = 0

export class IdleBlocks {
  /** Blocks in all entries. */
  size = 0
  private frames = new Int32Array(initialEntries)
  private masks = new Int32Array(initialEntries)
  private next = new Int32Array(initialEntries)
  private previous = new Int32Array(initialEntries)
  /** The entry of the same frame before this one, 0 for none; of a free entry the next free one. */
  private older = new Int32Array(initialEntries)
  private newest = new Int32Array(initialEntries)
  private firstFree = 0
  private reached = 1

  /** Frame of the block released longest ago; there must be one. */
  get firstFrame(): number {
    return this.frames[this.next[ends]!]!
  }

  /** The blocks of {@link firstFrame} that come before any other; the last member is the first of them. */
  get firstMask(): number {
    return this.masks[this.next[ends]!]!
  }

  /** The blocks of a mask have just been released, the last member first. None of them is idle. */
  add(frame: number, mask: number): void {
    this.size += memberCount(mask)
    const last = this.previous[ends]!
    const lastMask = this.masks[last]!
    // The lowest bit of the one above the highest of the other.
    if (last !== ends && this.frames[last] === frame && (lastMask & -lastMask) > mask) {
      this.masks[last] = lastMask | mask
      return
    }
    this.append(frame, mask, last)
  }

  /** Takes the blocks of a mask out, all of which are idle. */
  take(frame: number, mask: number): void {
    const { masks, older } = this
    this.size -= memberCount(mask)
    let wanted = mask
    let newer = 0
    let entry = this.newest[frame]!
    while (wanted !== 0) {
      const left = masks[entry]! & ~wanted
      wanted &= ~masks[entry]!
      masks[entry] = left
      const before = older[entry]!
      if (left !== 0) newer = entry
      else {
        if (newer === 0) this.newest[frame] = before
        else older[newer] = before
        this.unlink(entry)
      }
      entry = before
    }
  }

  /** Visits all entries in order. */
  forEach(visit: (frame: number, mask: number) => void): void {
    for (let entry = this.next[ends]!; entry !== ends; entry = this.next[entry]!)
      visit(this.frames[entry]!, this.masks[entry]!)
  }

  private append(frame: number, mask: number, last: number): void {
    const entry = this.freeEntry()
    if (frame >= this.newest.length) this.newest = grown(this.newest, Math.max(frame + 1, this.newest.length * 2))
    this.frames[entry] = frame
    this.masks[entry] = mask
    this.older[entry] = this.newest[frame]!
    this.newest[frame] = entry
    this.next[entry] = ends
    this.previous[entry] = last
    this.next[last] = entry
    this.previous[ends] = entry
  }

  private unlink(entry: number): void {
    const before = this.previous[entry]!
    const after = this.next[entry]!
    this.next[before] = after
    this.previous[after] = before
    this.older[entry] = this.firstFree
    this.firstFree = entry
  }

  private freeEntry(): number {
    const free = this.firstFree
    if (free !== 0) {
      this.firstFree = this.older[free]!
      return free
    }
    if (this.reached === this.frames.length) this.grow()
    return this.reached++
  }

  private grow(): void {
    this.frames = grown(this.frames)
    this.masks = grown(this.masks)
    this.next = grown(this.next)
    this.previous = grown(this.previous)
    this.older = grown(this.older)
  }
}
