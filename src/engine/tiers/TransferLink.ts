/**
 * A link between two KV tiers: all transfers under way share its rate equally (processor sharing).
 *
 * A transfer progresses only while simulated time is advanced: {@link TransferLink.advance} goes from one end of a transfer to the
 * next, in the exact order in which they happen, however far the clock jumps.
 */

/** Rounding of clock arithmetic that still counts as "now", ms. */
const toleranceMs = 1e-9

export class TransferLink<Transfer> {
  /** Bytes of transfers that have ended. */
  bytesMoved = 0
  /** Time so far with at least one transfer under way, ms. */
  busyMs = 0
  /** Bytes per ms; `Infinity` for a link that takes no time. */
  private readonly rate: number
  /** Until when it has been advanced. */
  private lastMs = 0
  private readonly transfers: Array<Transfer> = []
  private readonly remaining: Array<number> = []
  private readonly bytes: Array<number> = []

  /** `gigabytesPerSecond`: 10^9 bytes per second; 0 for a link that takes no time. */
  constructor(gigabytesPerSecond: number) {
    this.rate = gigabytesPerSecond > 0 ? gigabytesPerSecond * 1e6 : Number.POSITIVE_INFINITY
  }

  get active(): number {
    return this.transfers.length
  }

  /** Starts a transfer; one that takes no time ends at the next advance. */
  start(transfer: Transfer, bytes: number, nowMs: number): void {
    this.lastMs = Math.max(nowMs, this.lastMs)
    this.transfers.push(transfer)
    this.remaining.push(this.rate === Number.POSITIVE_INFINITY ? 0 : bytes)
    this.bytes.push(bytes)
  }

  /** How long a transfer would take if it started now and nothing followed or ended, ms. */
  timeOf(bytes: number): number {
    return bytes === 0 ? 0 : (bytes * (this.transfers.length + 1)) / this.rate
  }

  /** Moves to `nowMs`; transfers that end until then are appended to `ended` in the order of their ends. */
  advance(nowMs: number, ended: Array<Transfer>): void {
    if (nowMs < this.lastMs) return
    const { rate, remaining, transfers } = this
    while (transfers.length > 0) {
      const smallest = this.smallest()
      const least = remaining[smallest]!
      const share = rate / transfers.length
      const tillEndMs = rate === Number.POSITIVE_INFINITY ? 0 : least / share
      const endMs = this.lastMs + tillEndMs
      if (endMs > nowMs + toleranceMs) {
        this.progress((nowMs - this.lastMs) * share)
        this.busyMs += nowMs - this.lastMs
        break
      }
      if (tillEndMs > 0) this.progress(tillEndMs * share)
      this.busyMs += tillEndMs
      this.lastMs = endMs
      ended.push(transfers[smallest]!)
      this.bytesMoved += this.bytes[smallest]!
      this.remove(smallest)
    }
    this.lastMs = Math.max(this.lastMs, nowMs)
  }

  /** When the next transfer ends if nothing else starts; `Infinity` when none is under way. */
  deadlineMs(): number {
    const { rate, remaining } = this
    if (remaining.length === 0) return Number.POSITIVE_INFINITY
    if (rate === Number.POSITIVE_INFINITY) return this.lastMs
    const least = remaining[this.smallest()]!
    let bytes = 0
    for (const left of remaining) bytes += Math.min(left, least)
    return this.lastMs + bytes / rate
  }

  forEach(visit: (transfer: Transfer) => void): void {
    this.transfers.forEach(visit)
  }

  private smallest(): number {
    const { remaining } = this
    let smallest = 0
    for (let index = 1; index < remaining.length; index++) {
      if (remaining[index]! < remaining[smallest]!) smallest = index
    }
    return smallest
  }

  private progress(bytes: number): void {
    const { remaining } = this
    for (let index = 0; index < remaining.length; index++) remaining[index] = Math.max(0, remaining[index]! - bytes)
  }

  /** The last transfer takes the place of the one that leaves. */
  private remove(index: number): void {
    const transfer = this.transfers.pop()
    const left = this.remaining.pop()
    const bytes = this.bytes.pop()
    if (transfer === undefined || left === undefined || bytes === undefined || index === this.transfers.length) return
    this.transfers[index] = transfer
    this.remaining[index] = left
    this.bytes[index] = bytes
  }
}
