/** A trace at other times: later or earlier as a whole, or with its long pauses cut short. */
import * as Effect from "effect/Effect"
import { isAgenticRow } from "../AgenticMooncakeReader.ts"
import type { TraceError } from "../TraceError.ts"
import type { TraceRow } from "../TraceRow.ts"
import type { TraceSource } from "../TraceSource.ts"
import { outOfOrder } from "./ArrivalKeys.ts"
import { edited, type EditedTrace, rowByRow } from "./EditedTrace.ts"
import { OpenSessions } from "./OpenSessions.ts"
import type { RowSteps } from "./RowSteps.ts"
import { SessionClock } from "./SessionClock.ts"

/** By how much timestamps move, or where the first one comes, ms. */
export type ShiftOptions = { readonly byMs: number } | { readonly toMs: number }

/** Moves all timestamps by as much, or so that the first arrival comes at a time. */
export const shift = Effect.fnUntraced(function* (
  trace: TraceSource,
  options: ShiftOptions
): Effect.fn.Return<EditedTrace, TraceError> {
  const { openLoopProblem, originMs = 0 } = trace.survey
  if (openLoopProblem !== undefined) return yield* openLoopProblem
  const byMs = "byMs" in options ? options.byMs : options.toMs - originMs
  return edited(trace, () => rowByRow((row) => shifted(row, byMs)))
})

/** The row so much later. */
export const shifted = (row: TraceRow, byMs: number): TraceRow =>
  row.timestampMs === undefined ? row : { ...row, timestampMs: row.timestampMs + byMs }

/** Which waits are cut short. */
export interface CapOptions {
  /** Longest time between the starts of two sessions after each other, ms; infinite to leave it. */
  readonly maxGapMs: number
  /** Longest wait between two turns of a session, or between a request and what it waits for, ms; infinite to leave it. */
  readonly maxWaitMs: number
}

/** How much of the time so far has been cut out. */
class GapCutter {
  private readonly file: string
  private readonly maxGapMs: number
  private lastStartMs = Number.NaN
  cutMs = 0

  constructor(file: string, maxGapMs: number) {
    this.file = file
    this.maxGapMs = maxGapMs
  }

  /** A session starts at the time of this row. */
  start(row: TraceRow): TraceError | undefined {
    const { timestampMs } = row
    if (timestampMs === undefined || this.maxGapMs === Number.POSITIVE_INFINITY) return undefined
    const gapMs = timestampMs - this.lastStartMs
    if (gapMs < 0) return outOfOrder(this.file, row)
    if (gapMs > this.maxGapMs) this.cutMs += gapMs - this.maxGapMs
    this.lastStartMs = timestampMs
    return undefined
  }
}

/** What a session has been cut by: in front of its start, and in the waits between its turns so far. */
interface CutSession {
  readonly clock: SessionClock
  cutMs: number
}

const cutSessions = ({ file, survey }: TraceSource, { maxGapMs, maxWaitMs }: CapOptions): RowSteps => {
  const cutter = new GapCutter(file, maxGapMs)
  let problem: TraceError | undefined
  const sessions = new OpenSessions(survey, (row): CutSession => {
    problem = cutter.start(row)
    return { clock: new SessionClock(row), cutMs: cutter.cutMs }
  })
  return {
    take: (row, emit) => {
      const session = sessions.of(row)
      if (problem !== undefined) return problem
      const waitMs = session.clock.waitMs(row)
      session.cutMs += Math.max(0, waitMs - maxWaitMs)
      const cut = shifted(row, -session.cutMs)
      emit(row.delayMs === undefined ? cut : { ...cut, delayMs: Math.min(row.delayMs, maxWaitMs) })
      return undefined
    }
  }
}

const cutGraph = ({ file }: TraceSource, { maxGapMs, maxWaitMs }: CapOptions): RowSteps => {
  const cutter = new GapCutter(file, maxGapMs)
  return {
    take: (row, emit) => {
      const problem = isAgenticRow(row) && row.waitFor.length === 0 ? cutter.start(row) : undefined
      if (problem !== undefined) return problem
      emit({ ...shifted(row, -cutter.cutMs), delayMs: Math.min(row.delayMs ?? 0, maxWaitMs) })
      return undefined
    }
  }
}

/**
 * Cuts pauses down to a length. What starts after a cut pause comes as much earlier; waits inside a session are cut on their own, and
 * otherwise stay as they are.
 */
export const capGaps = Effect.fnUntraced(function* (
  trace: TraceSource,
  options: CapOptions
): Effect.fn.Return<EditedTrace, TraceError> {
  const { openLoopProblem } = trace.survey
  if (options.maxGapMs < Number.POSITIVE_INFINITY && openLoopProblem !== undefined) return yield* openLoopProblem
  return edited(trace, () => (trace.graph === undefined ? cutSessions(trace, options) : cutGraph(trace, options)))
})
