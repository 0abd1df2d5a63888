/**
 * One pass over all rows before anything is simulated: checks what a single row cannot tell, and finds out how much of
 * the trace a workload must keep in memory.
 *
 * Memory: a few numbers per session; nothing per row.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { grown } from "../structures/Grown.ts"
import { TraceError } from "./TraceError.ts"
import type { TraceRow } from "./TraceRow.ts"
import { turnDelayMs } from "./TurnDelay.ts"

/**
 * What the order of the rows lets a reader conclude about rows it has not seen yet, in an open loop.
 *
 * - `by-row`: no later row is ready before the timestamp of any earlier row.
 * - `by-session`: no later row is ready before the first timestamp of any earlier session.
 * - `none`: a later row may be ready at any time; all rows must be read before the first is dispatched.
 */
export type RowOrder = "by-row" | "by-session" | "none"

/** What is known of a trace once all of its rows have been seen. Times in ms. */
export interface TraceSurvey {
  readonly rows: number
  readonly sessions: number
  /** Some session has more than one turn. */
  readonly multiTurn: boolean
  /** Turns per session, in order of first appearance; `undefined` when every session has one. */
  readonly sessionTurns: Uint32Array | undefined
  /** Smallest timestamp of a session's first row; `undefined` when none has one. */
  readonly originMs: number | undefined
  readonly lastStartMs: number | undefined
  /** The latest time, in trace time, at which some row would be ready if no request took any time. */
  readonly horizonMs: number | undefined
  readonly order: RowOrder
  /** Some row plans its generated tokens. */
  readonly plansOutputs: boolean
  /** Some row names a class of requests. */
  readonly hasClasses: boolean
  /** Rows that asked for more prompt tokens than their hash ids supply. */
  readonly clampedRows: number
  readonly promptTokens: number
  readonly outputTokens: number
  /** Why the rows cannot be replayed at their own times; they may still be replayed at fixed concurrency. */
  readonly openLoopProblem: TraceError | undefined
  /** Why the rows cannot be replayed at fixed concurrency. */
  readonly closedLoopProblem: TraceError | undefined
}

const named = (row: TraceRow): string => row.sessionId ?? `request_${row.line}`

/** Doubling array of per-session counts. */
class Counts {
  private values = new Uint32Array(1024)
  length = 0

  push(value: number): void {
    if (this.length === this.values.length) this.values = grown(this.values)
    this.values[this.length++] = value
  }

  increment(index: number): number {
    return ++this.values[index]!
  }

  toArray(): Uint32Array {
    return this.values.slice(0, this.length)
  }
}

interface SessionState {
  readonly index: number
  lastTimestampMs: number | undefined
  /** No turn so far can be ready before this, whatever the engine does. */
  earliestMs: number
}

/** Folds rows into a {@link TraceSurvey}; {@link SurveyFold.add} returns the problem that ends it. */
export class SurveyFold {
  private readonly file: string
  private readonly sessions = new Map<string, SessionState>()
  private readonly turns = new Counts()
  private rows = 0
  private multiTurn = false
  private originMs = Number.POSITIVE_INFINITY
  private lastStartMs = Number.NEGATIVE_INFINITY
  private horizonMs = Number.NEGATIVE_INFINITY
  private rowsSorted = true
  private sessionsSorted = true
  private latestRowMs = Number.NEGATIVE_INFINITY
  private latestStartMs = Number.NEGATIVE_INFINITY
  private plansOutputs = false
  private hasClasses = false
  private clampedRows = 0
  private promptTokens = 0
  private outputTokens = 0
  openLoopProblem: TraceError | undefined
  private closedLoopProblem: TraceError | undefined

  constructor(file: string) {
    this.file = file
  }

  add(row: TraceRow, clamped: boolean): TraceError | undefined {
    const session = row.sessionId === undefined ? undefined : this.sessions.get(row.sessionId)
    const turn = session === undefined ? 0 : this.turns.increment(session.index) - 1
    const problem = session === undefined ? this.firstTurn(row) : this.laterTurn(row, session)
    if (problem !== undefined) return this.error(row, problem)
    if (row.promptTokens < 1) {
      return this.error(row, `session ${named(row)} turn ${turn} must have a positive input_length`)
    }
    this.rows += 1
    this.plansOutputs ||= row.outputTokenIds !== undefined
    this.hasClasses ||= row.className !== undefined
    this.promptTokens += row.promptTokens
    this.outputTokens += row.outputTokens
    if (clamped) this.clampedRows += 1
    return undefined
  }

  /** Of the rows so far. */
  get order(): RowOrder {
    if (this.rowsSorted) return "by-row"
    return this.sessionsSorted ? "by-session" : "none"
  }

  finish(): TraceSurvey | TraceError {
    const { file } = this
    if (this.rows === 0) {
      return new TraceError({ file, problem: "holds no requests" })
    }
    return {
      rows: this.rows,
      sessions: this.turns.length,
      multiTurn: this.multiTurn,
      sessionTurns: this.multiTurn ? this.turns.toArray() : undefined,
      originMs: Number.isFinite(this.originMs) ? this.originMs : undefined,
      lastStartMs: Number.isFinite(this.lastStartMs) ? this.lastStartMs : undefined,
      horizonMs: Number.isFinite(this.horizonMs) ? this.horizonMs : undefined,
      order: this.order,
      plansOutputs: this.plansOutputs,
      hasClasses: this.hasClasses,
      clampedRows: this.clampedRows,
      promptTokens: this.promptTokens,
      outputTokens: this.outputTokens,
      openLoopProblem: this.openLoopProblem,
      closedLoopProblem: this.closedLoopProblem
    }
  }

  private firstTurn(row: TraceRow): string | undefined {
    const { timestampMs } = row
    if (row.sessionId !== undefined) {
      this.sessions.set(row.sessionId, {
        index: this.turns.length,
        lastTimestampMs: timestampMs,
        earliestMs: timestampMs ?? Number.NEGATIVE_INFINITY
      })
    }
    this.turns.push(1)
    if (row.delayMs !== undefined && row.delayMs !== 0) {
      return (
        `trace line ${row.line} sets delay on the first turn of session ${named(row)}`
        + ` (delay ${row.delayMs}; only later turns wait for an earlier one)`
      )
    }
    if (timestampMs === undefined) this.noteMissingStart(row)
    else this.noteStart(row, timestampMs)
    return undefined
  }

  private noteMissingStart(row: TraceRow): void {
    this.rowsSorted = this.sessionsSorted = false
    this.openLoopProblem ??= this.error(
      row,
      `trace mode requires first_arrival_timestamp_ms for session ${named(row)}`
        + ` (its first row has no timestamp; add one, or replay at fixed concurrency)`
    )
  }

  private noteStart(row: TraceRow, timestampMs: number): void {
    this.originMs = Math.min(this.originMs, timestampMs)
    this.lastStartMs = Math.max(this.lastStartMs, timestampMs)
    this.horizonMs = Math.max(this.horizonMs, timestampMs)
    if (timestampMs < this.latestStartMs) this.sessionsSorted = false
    this.latestStartMs = timestampMs
    this.noteTimestamp(timestampMs)
    if (timestampMs < 0) {
      this.closedLoopProblem ??= this.error(
        row,
        `session ${named(row)} has invalid first_arrival_timestamp_ms ${timestampMs} (it must not be negative)`
      )
    }
  }

  private noteTimestamp(timestampMs: number): void {
    if (timestampMs < this.latestRowMs) this.rowsSorted = false
    this.latestRowMs = timestampMs
  }

  private laterTurn(row: TraceRow, session: SessionState): string | undefined {
    this.multiTurn = true
    const delayMs = turnDelayMs(row, session.lastTimestampMs)
    if (Number.isNaN(delayMs)) {
      return (
        `trace line ${row.line} for session ${named(row)} cannot infer delay without a previous timestamp`
        + ` (give the session's first row a timestamp, or this row a delay)`
      )
    }
    if (!Number.isFinite(delayMs) || delayMs < 0) {
      const source =
        row.delayMs === undefined
          ? ` (timestamp ${row.timestampMs} after ${session.lastTimestampMs} in session ${named(row)})`
          : ""
      return `trace line ${row.line} has invalid delay ${delayMs}${source}; it must be finite and not negative`
    }
    session.earliestMs += delayMs
    this.horizonMs = Math.max(this.horizonMs, session.earliestMs)
    if (!(session.earliestMs >= this.latestStartMs)) this.sessionsSorted = false
    if (row.timestampMs === undefined || row.delayMs !== undefined) this.rowsSorted = false
    if (row.timestampMs !== undefined) {
      session.lastTimestampMs = row.timestampMs
      this.noteTimestamp(row.timestampMs)
    }
    return undefined
  }

  private error(row: TraceRow, problem: string): TraceError {
    return new TraceError({ file: this.file, line: row.line, problem })
  }
}

/** Surveys rows; fails with the first row that cannot be replayed at all. */
export const surveyRows = <Row extends TraceRow>(
  rows: Stream.Stream<Row, TraceError>,
  file: string,
  isClamped: (row: Row) => boolean
): Effect.Effect<TraceSurvey, TraceError> =>
  Effect.suspend(() => {
    const fold = new SurveyFold(file)
    const addAll = (chunk: ReadonlyArray<Row>): Effect.Effect<void, TraceError> => {
      for (const row of chunk) {
        const problem = fold.add(row, isClamped(row))
        if (problem !== undefined) return Effect.fail(problem)
      }
      return Effect.void
    }
    return Effect.flatMap(Stream.runForEachArray(rows, addAll), () => {
      const survey = fold.finish()
      return survey instanceof TraceError ? Effect.fail(survey) : Effect.succeed(survey)
    })
  })
