/** When the turns of one session are ready if no request takes any time: the trace's own idea of when a row comes, in ms. */
import type { TraceRow } from "../TraceRow.ts"
import { turnDelayMs } from "../TurnDelay.ts"

export class SessionClock {
  /** Of the first turn; `undefined` where the trace does not say. */
  readonly startMs: number | undefined
  private readyMs: number
  private lastTimestampMs: number | undefined
  private isFirst = true

  /** Made of the session's first row, which {@link SessionClock.waitMs} is then told of like any other. */
  constructor({ timestampMs }: TraceRow) {
    this.startMs = timestampMs
    this.readyMs = timestampMs ?? Number.NaN
    this.lastTimestampMs = timestampMs
  }

  /** Wait before the turn of this row, 0 for the first; call once per row, in order. */
  waitMs(row: TraceRow): number {
    if (this.isFirst) {
      this.isFirst = false
      return 0
    }
    const waitMs = turnDelayMs(row, this.lastTimestampMs)
    if (row.timestampMs !== undefined) this.lastTimestampMs = row.timestampMs
    this.readyMs += waitMs
    return waitMs
  }

  /** When the turn of the row that was told last is ready; `NaN` where the trace does not say when the session starts. */
  get nowMs(): number {
    return this.readyMs
  }
}
