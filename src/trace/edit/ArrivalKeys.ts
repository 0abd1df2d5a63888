/**
 * Numbers by which the rows of a trace can be sorted in among those of another, and stay in their own order: when the newest session so
 * far starts, or, where every row comes at its own time, the newest row.
 */
import { isAgenticRow } from "../AgenticMooncakeReader.ts"
import { TraceError } from "../TraceError.ts"
import type { TraceRow } from "../TraceRow.ts"
import type { TraceSource } from "../TraceSource.ts"
import { OpenSessions } from "./OpenSessions.ts"

/** What is wrong with a session that starts before one further up. */
export const outOfOrder = (file: string, { line }: TraceRow): TraceError =>
  new TraceError({
    file,
    line,
    problem: `trace line ${line} starts before an earlier one; sessions must come in the order of their starts here: sort them by timestamp`
  })

export class ArrivalKeys {
  private readonly trace: TraceSource
  private readonly sessions: OpenSessions<undefined>
  private latestMs = Number.NEGATIVE_INFINITY
  private problem: TraceError | undefined

  constructor(trace: TraceSource) {
    this.trace = trace
    this.sessions = new OpenSessions(trace.survey, (row) => void this.start(row))
  }

  /** In ms, never less than that of the row before; a problem where starts go back. Call once per row, in order. */
  of(row: TraceRow): number | TraceError {
    const { graph, survey } = this.trace
    if (graph !== undefined) {
      if (isAgenticRow(row) && row.waitFor.length === 0) this.start(row)
    } else if (survey.order === "by-row") this.start(row)
    else this.sessions.of(row)
    return this.problem ?? this.latestMs
  }

  private start(row: TraceRow): void {
    const { timestampMs } = row
    if (timestampMs === undefined) return
    if (timestampMs < this.latestMs) this.problem ??= outOfOrder(this.trace.file, row)
    this.latestMs = Math.max(this.latestMs, timestampMs)
  }
}
