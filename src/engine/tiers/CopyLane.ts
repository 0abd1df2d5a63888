/** A lane whose copies are objects, few of them under way at a time. */
import { Lane } from "./Lane.ts"
import { TransferTimes } from "./TransferTimes.ts"

export interface LaneCopy<Self> {
  readonly bytes: number
  /** When it ends, ms; set by the lane, as is what follows it. */
  endMs: number
  behind: Self | undefined
}

export class CopyLane<Copy extends LaneCopy<Copy>> extends Lane {
  /** The copy that ends next, which the others follow. */
  private first: Copy | undefined = undefined
  private last: Copy | undefined = undefined

  constructor(gigabytesPerSecond: number, latencyMs: number, times = new TransferTimes()) {
    super(gigabytesPerSecond, latencyMs, times)
  }

  /** Asks for a copy of what is there at `readyMs`. */
  start(copy: Copy, readyMs: number): void {
    this.take(copy.bytes, readyMs)
    copy.endMs = this.tailMs
    if (this.last === undefined) {
      this.first = copy
      this.nextEndMs = copy.endMs
    } else this.last.behind = copy
    this.last = copy
  }

  /** Tells of copies that end until `nowMs`, in their order. True when any did. */
  advance(nowMs: number, ended: (copy: Copy) => void): boolean {
    if (this.nextEndMs > nowMs) return false
    this.times.changes += 1
    for (let copy = this.first; copy !== undefined && copy.endMs <= nowMs; copy = this.first) {
      this.account(copy.bytes)
      this.first = copy.behind
      this.nextEndMs = this.first === undefined ? Number.POSITIVE_INFINITY : this.first.endMs
      if (this.first === undefined) this.last = undefined
      copy.behind = undefined
      ended(copy)
    }
    return true
  }
}
