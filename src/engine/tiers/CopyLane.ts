/**
 * A link between two KV tiers on which copies follow one another, first come, first served:
 *
 *     start = max(ready, end of the lane's last copy)      end = start + latency + bytes / bandwidth
 *
 * So the end of a copy is known when it is asked for. Unlike {@link TransferLink}, whose transfers share its rate.
 */
import { TransferTimes } from "./TransferTimes.ts"

export interface LaneCopy<Self> {
  readonly bytes: number
  /** When it ends, ms; set by the lane, as is what follows it. */
  endMs: number
  behind: Self | undefined
}

export class CopyLane<Copy extends LaneCopy<Copy>> {
  /** Of copies that have ended, as those of {@link TransferLink}. */
  bytesMoved = 0
  busyMs = 0
  /** Copies that have not ended. */
  active = 0
  /** When the next copy ends; `Infinity` when none is under way. */
  nextEndMs = Number.POSITIVE_INFINITY
  private readonly rate: number
  private readonly latencyMs: number
  /** When the last copy asked for ends. */
  private tailMs = 0
  /** The copy that ends next, which the others follow. */
  first: Copy | undefined = undefined
  private last: Copy | undefined = undefined
  private readonly times: TransferTimes

  /** `gigabytesPerSecond`: 10^9 bytes per second; 0 for a lane whose copies take their latency only. */
  constructor(gigabytesPerSecond: number, latencyMs: number, times = new TransferTimes()) {
    this.times = times
    this.rate = gigabytesPerSecond > 0 ? gigabytesPerSecond * 1e6 : Number.POSITIVE_INFINITY
    this.latencyMs = latencyMs
  }

  /** When a copy asked for now would end, ms. */
  endOf(bytes: number, readyMs: number): number {
    return Math.max(readyMs, this.tailMs) + this.timeOf(bytes)
  }

  /** Asks for a copy of what is there at `readyMs`. */
  start(copy: Copy, readyMs: number): void {
    copy.endMs = this.endOf(copy.bytes, readyMs)
    this.tailMs = copy.endMs
    if (this.last === undefined) {
      this.first = copy
      this.nextEndMs = copy.endMs
    } else this.last.behind = copy
    this.last = copy
    this.active += 1
    this.times.changes += 1
  }

  /** Tells of copies that end until `nowMs`, in their order. True when any did. */
  advance(nowMs: number, ended: (copy: Copy) => void): boolean {
    if (this.nextEndMs > nowMs) return false
    this.times.changes += 1
    for (let copy = this.first; copy !== undefined && copy.endMs <= nowMs; copy = this.first) {
      this.bytesMoved += copy.bytes
      this.busyMs += this.timeOf(copy.bytes)
      this.active -= 1
      this.first = copy.behind
      this.nextEndMs = this.first === undefined ? Number.POSITIVE_INFINITY : this.first.endMs
      if (this.first === undefined) this.last = undefined
      copy.behind = undefined
      ended(copy)
    }
    return true
  }

  private timeOf(bytes: number): number {
    return this.latencyMs + bytes / this.rate
  }
}
