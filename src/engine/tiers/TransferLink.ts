/**
 * A link between two KV tiers: all transfers under way share its rate equally (processor sharing).
 *
 * A transfer progresses only while simulated time is advanced: {@link TransferLink.advance} goes from one end of a transfer to the
 * next, in the exact order in which they happen, however far the clock jumps. In between nothing is computed, so that ends do not depend
 * on who looks when.
 */
import { emptyObjects } from "../../structures/EmptyObjects.ts"
import { grown } from "../../structures/Grown.ts"
import type { RefilledList } from "../../structures/RefilledList.ts"
import { TransferTimes } from "./TransferTimes.ts"

/** Rounding of clock arithmetic that still counts as "now", ms. */
export const clockToleranceMs = 1e-9

const initialTransfers = 4

export class TransferLink<Transfer extends object> {
  /** Bytes of transfers that have ended. */
  bytesMoved = Number.NaN
  /** Transfers under way. */
  active = 0
  /** When the next of them ends if nothing else starts; `Infinity` when none is under way. */
  nextEndMs = Number.POSITIVE_INFINITY
  /** Bytes per ms; `Infinity` for a link that takes no time. */
  private readonly rate: number
  /** Until when it has been advanced. */
  private nowMs = Number.NaN
  /** When a transfer last began or ended: what is {@link remaining} is of that time. */
  private sinceMs = Number.NaN
  /** Time until then with at least one transfer under way, ms. */
  private busyUntilThenMs = Number.NaN
  /** The transfer that ends next. */
  private next = 0
  /** The first {@link active} are under way, in no order. */
  private readonly transfers = emptyObjects<Transfer>()
  /** Of each of the transfers. */
  private remaining = new Float64Array(initialTransfers)
  private bytes = new Float64Array(initialTransfers)

  private readonly times: TransferTimes

  /** `gigabytesPerSecond`: 10^9 bytes per second; 0 for a link that takes no time. */
  constructor(gigabytesPerSecond: number, times = new TransferTimes()) {
    this.times = times
    this.rate = gigabytesPerSecond > 0 ? gigabytesPerSecond * 1e6 : Number.POSITIVE_INFINITY
    // Fields that begin as integers would change their kind in mid-run, and all code that was compiled for links with them.
    this.bytesMoved = 0
    this.nowMs = 0
    this.sinceMs = 0
    this.busyUntilThenMs = 0
  }

  /** Time so far with at least one transfer under way, ms. */
  get busyMs(): number {
    return this.busyUntilThenMs + (this.active > 0 ? Math.max(0, this.nowMs - this.sinceMs) : 0)
  }

  /** Starts a transfer; one that takes no time ends at the next advance. */
  start(transfer: Transfer, bytes: number, nowMs: number): void {
    if (nowMs > this.nowMs) this.nowMs = nowMs
    const index = this.active
    if (index === 0) this.sinceMs = this.nowMs
    else this.progress()
    if (index === this.bytes.length) {
      this.remaining = grown(this.remaining)
      this.bytes = grown(this.bytes)
    }
    this.active = index + 1
    this.transfers[index] = transfer
    this.remaining[index] = this.rate === Number.POSITIVE_INFINITY ? 0 : bytes
    this.bytes[index] = bytes
    this.findNext()
  }

  /** How long a transfer would take if it started now and nothing followed or ended, ms. */
  timeOf(bytes: number): number {
    return bytes === 0 ? 0 : (bytes * (this.active + 1)) / this.rate
  }

  /** Nothing ends until then. */
  isQuietUntil(timeMs: number): boolean {
    return this.nextEndMs > timeMs + clockToleranceMs
  }

  /** Moves to `nowMs`, until when nothing ends. */
  moveTo(nowMs: number): void {
    if (nowMs > this.nowMs) this.nowMs = nowMs
  }

  /** Moves to `nowMs`; transfers that end until then are appended to `ended` in the order of their ends. */
  advance(nowMs: number, ended: RefilledList<Transfer>): void {
    const untilMs = nowMs > this.nowMs ? nowMs : this.nowMs
    while (this.nextEndMs <= nowMs + clockToleranceMs) {
      const { next } = this
      this.nowMs = this.nextEndMs
      this.progress()
      ended.push(this.transfers[next]!)
      this.bytesMoved += this.bytes[next]!
      this.remove(next)
      this.findNext()
    }
    this.nowMs = untilMs
  }

  forEach(visit: (transfer: Transfer) => void): void {
    for (let index = 0; index < this.active; index++) visit(this.transfers[index]!)
  }

  /** Of several that end together the first comes first. */
  private findNext(): void {
    this.times.changes += 1
    const { active, remaining } = this
    if (active === 0) {
      this.nextEndMs = Number.POSITIVE_INFINITY
      return
    }
    let next = 0
    let least = remaining[0]!
    for (let index = 1; index < active; index++) {
      const left = remaining[index]!
      if (left >= least) continue
      next = index
      least = left
    }
    this.next = next
    this.nextEndMs = this.sinceMs + (least === 0 ? 0 : least / (this.rate / active))
  }

  /** Every transfer has got its share by {@link nowMs}. */
  private progress(): void {
    const { active, nowMs, rate, remaining } = this
    const passedMs = nowMs - this.sinceMs
    this.sinceMs = nowMs
    if (active === 0 || passedMs <= 0) return
    this.busyUntilThenMs += passedMs
    const bytes = passedMs * (rate / active)
    for (let index = 0; index < active; index++) {
      const left = remaining[index]! - bytes
      remaining[index] = left > 0 ? left : 0
    }
  }

  /** The last transfer takes the place of the one that leaves. */
  private remove(index: number): void {
    const { bytes, remaining, transfers } = this
    const last = this.active - 1
    this.active = last
    if (index === last) return
    transfers[index] = transfers[last]!
    remaining[index] = remaining[last]!
    bytes[index] = bytes[last]!
  }
}
