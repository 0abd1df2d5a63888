/**
 * A link between two KV tiers on which copies follow one another, first come, first served:
 *
 *     start = max(ready, end of the lane's last copy)      end = start + latency + bytes / bandwidth
 *
 * So the end of a copy is known when it is asked for. Unlike {@link TransferLink}, whose transfers share its rate.
 */
export class CopyLane<Copy> {
  /** Of copies that have ended, as those of {@link TransferLink}. */
  bytesMoved = 0
  busyMs = 0
  private readonly rate: number
  private readonly latencyMs: number
  /** When the last copy asked for ends. */
  private tailMs = 0
  /** Copies under way, oldest first. */
  private readonly copies: Array<Copy> = []
  private readonly endsMs: Array<number> = []
  private readonly bytes: Array<number> = []
  private readonly tookMs: Array<number> = []

  /** `gigabytesPerSecond`: 10^9 bytes per second; 0 for a lane whose copies take their latency only. */
  constructor(gigabytesPerSecond: number, latencyMs: number) {
    this.rate = gigabytesPerSecond > 0 ? gigabytesPerSecond * 1e6 : Number.POSITIVE_INFINITY
    this.latencyMs = latencyMs
  }

  /** Copies that have not ended. */
  get active(): number {
    return this.copies.length
  }

  /** When a copy asked for now would end, ms. */
  endOf(bytes: number, readyMs: number): number {
    return Math.max(readyMs, this.tailMs) + this.timeOf(bytes)
  }

  /** Asks for a copy of what is there at `readyMs`; returns its end, ms. */
  start(copy: Copy, bytes: number, readyMs: number): number {
    this.tailMs = this.endOf(bytes, readyMs)
    this.copies.push(copy)
    this.endsMs.push(this.tailMs)
    this.bytes.push(bytes)
    this.tookMs.push(this.timeOf(bytes))
    return this.tailMs
  }

  /** Tells of copies that end until `nowMs`, in their order, each with its end. True when any did. */
  advance(nowMs: number, ended: (copy: Copy, endMs: number) => void): boolean {
    let any = false
    while (this.endsMs.length > 0 && this.endsMs[0]! <= nowMs) {
      any = true
      const endMs = this.endsMs.shift()!
      const copy = this.copies.shift()!
      this.bytesMoved += this.bytes.shift()!
      this.busyMs += this.tookMs.shift()!
      ended(copy, endMs)
    }
    return any
  }

  /** When the next copy ends; `Infinity` when none is under way. */
  deadlineMs(): number {
    return this.endsMs[0] ?? Number.POSITIVE_INFINITY
  }

  private timeOf(bytes: number): number {
    return this.latencyMs + bytes / this.rate
  }
}
