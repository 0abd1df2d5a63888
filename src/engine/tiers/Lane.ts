/**
 * A link between two KV tiers on which copies follow one another, first come, first served:
 *
 *     start = max(ready, end of the lane's last copy)      end = start + latency + bytes / bandwidth
 *
 * So the end of a copy is known when it is asked for. Unlike {@link TransferLink}, whose transfers share its rate. Which copies there are is
 * kept by {@link CopyLane}, and, for the many to host memory, by {@link HostCopies}.
 */
import type { TransferTimes } from "./TransferTimes.ts"

export abstract class Lane {
  /** Of copies that have ended, as those of {@link TransferLink}. */
  bytesMoved = 0
  busyMs = 0
  /** Copies that have not ended. */
  active = 0
  /** When the next copy ends; `Infinity` when none is under way. */
  nextEndMs = Number.POSITIVE_INFINITY
  /** When the last copy asked for ends. */
  protected tailMs = 0
  protected readonly times: TransferTimes
  private readonly rate: number
  private readonly latencyMs: number

  /** `gigabytesPerSecond`: 10^9 bytes per second; 0 for a lane whose copies take their latency only. */
  constructor(gigabytesPerSecond: number, latencyMs: number, times: TransferTimes) {
    this.times = times
    this.rate = gigabytesPerSecond > 0 ? gigabytesPerSecond * 1e6 : Number.POSITIVE_INFINITY
    this.latencyMs = latencyMs
  }

  /** When a copy asked for now would end, ms. */
  endOf(bytes: number, readyMs: number): number {
    return Math.max(readyMs, this.tailMs) + this.timeOf(bytes)
  }

  /** Takes a copy of what is there at `readyMs` on: it ends at {@link tailMs}. */
  protected take(bytes: number, readyMs: number): void {
    this.tailMs = this.endOf(bytes, readyMs)
    this.active += 1
    this.times.changes += 1
  }

  /** The copy that was under way has ended. */
  protected account(bytes: number): void {
    this.bytesMoved += bytes
    this.busyMs += this.timeOf(bytes)
    this.active -= 1
  }

  private timeOf(bytes: number): number {
    return this.latencyMs + bytes / this.rate
  }
}
