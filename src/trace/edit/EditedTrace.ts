/**
 * A trace with something done to its rows, on the way to a file or to the next edit. Rows stay a stream: edits hold what is open, not
 * what has passed.
 */
import * as Stream from "effect/Stream"
import { isAgenticRow } from "../AgenticMooncakeReader.ts"
import { maxTimeMs } from "../FieldSchemas.ts"
import { TraceError } from "../TraceError.ts"
import type { TraceRow } from "../TraceRow.ts"
import type { TraceSource } from "../TraceSource.ts"
import { SurveyFold } from "../TraceSurvey.ts"
import { agenticMooncakeText, mooncakeText } from "../TraceWriter.ts"
import { type RowSteps, throughSteps } from "./RowSteps.ts"

/** What the rows are written as; that of the trace they came from, as far as it can be written. */
export type EditedFormat = "mooncake" | "mooncake-delta" | "agentic_mooncake"

/** A trace after an edit, ready to be written or edited again. */
export interface EditedTrace {
  /** What error messages call it. */
  readonly file: string
  readonly format: EditedFormat
  /** Tokens per hash id. */
  readonly traceBlockTokens: number
  /** The same rows at every run. */
  readonly rows: Stream.Stream<TraceRow, TraceError>
}

export const formatOf = ({ accumulatesPrompts, graph }: TraceSource): EditedFormat =>
  graph === undefined ? (accumulatesPrompts ? "mooncake-delta" : "mooncake") : "agentic_mooncake"

/** `make` makes what is done to the rows in one pass over them. */
export const edited = (trace: TraceSource, make: () => RowSteps): EditedTrace => ({
  file: trace.file,
  format: formatOf(trace),
  traceBlockTokens: trace.traceBlockTokens,
  rows: throughSteps(trace.rows, make)
})

/** Steps that change each row for itself. */
export const rowByRow = (change: (row: TraceRow) => TraceRow): RowSteps => ({
  take: (row, emit) => void emit(change(row))
})

/** A trace that cannot be edited as asked. */
export const refusal = ({ file }: Pick<TraceSource, "file">, problem: string): TraceError =>
  new TraceError({ file, problem })

/** What has been written so far. */
export interface WrittenRows {
  requests: number
}

/** How far a time may be from 0, so that readers take it. */
const isWritable = (ms: number | undefined): boolean => ms === undefined || Math.abs(ms) <= maxTimeMs

/**
 * The rows, counted, failing at the first that could not be replayed: no edit writes a trace that readers refuse. Graphs are whole where
 * their parts are, which edits see to. No row at all is a failure too.
 */
export const writableRows = (
  { file, format, rows }: EditedTrace,
  written: WrittenRows
): Stream.Stream<TraceRow, TraceError> =>
  throughSteps(rows, () => {
    const fold = format === "agentic_mooncake" ? undefined : new SurveyFold(file)
    return {
      take: (row, emit) => {
        if (!isWritable(row.timestampMs) || !isWritable(row.delayMs)) {
          return new TraceError({ file, line: row.line, problem: `would come more than ${maxTimeMs} ms away from 0` })
        }
        const problem = fold?.add(row, false)
        if (problem !== undefined) return problem
        written.requests += 1
        emit(row)
        return undefined
      },
      end: () => (written.requests === 0 ? refusal({ file }, "nothing of it is left") : undefined)
    }
  })

/** The text of an edited trace. `written` counts along. */
export const editedText = (trace: EditedTrace, written: WrittenRows): Stream.Stream<string, TraceError> => {
  const rows = writableRows(trace, written)
  return trace.format === "agentic_mooncake"
    ? agenticMooncakeText(Stream.filter(rows, isAgenticRow))
    : mooncakeText(rows)
}
