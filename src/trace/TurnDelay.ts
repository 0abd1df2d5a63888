/**
 * How long a turn waits after the previous turn of its session: one rule, used by the checks and by the workloads.
 */
import type { TraceRow } from "./TraceRow.ts"

/**
 * Wait in ms before a later turn of a session: its explicit delay, or the distance to the last timestamp seen in the
 * session, or nothing. `NaN` when it has a timestamp and the session had none before.
 */
export const turnDelayMs = (row: TraceRow, lastTimestampMs: number | undefined): number => {
  if (row.delayMs !== undefined) return row.delayMs
  if (row.timestampMs === undefined) return 0
  return lastTimestampMs === undefined ? Number.NaN : row.timestampMs - lastTimestampMs
}
