/**
 * Something kept per session of a trace, from its first turn to its last: memory follows the sessions that are open, not the trace.
 * A row that names no session is one of its own.
 */
import type { TraceRow } from "../TraceRow.ts"
import type { TraceSurvey } from "../TraceSurvey.ts"

interface Open<State> {
  readonly state: State
  turnsLeft: number
}

export class OpenSessions<State> {
  private readonly turnsOf: (index: number) => number
  private readonly make: (row: TraceRow, index: number) => State
  private readonly open = new Map<string, Open<State>>()
  private next = 0

  /** `make` is asked at the first row of each session, with the session's place in the order of appearance. */
  constructor({ sessionTurns }: TraceSurvey, make: (row: TraceRow, index: number) => State) {
    this.turnsOf = (index) => sessionTurns?.[index] ?? 1
    this.make = make
  }

  /** Call once per row, in order. */
  of(row: TraceRow): State {
    const { sessionId } = row
    const known = sessionId === undefined ? undefined : this.open.get(sessionId)
    if (known === undefined) return this.begin(row)
    known.turnsLeft -= 1
    if (known.turnsLeft === 0 && sessionId !== undefined) this.open.delete(sessionId)
    return known.state
  }

  private begin(row: TraceRow): State {
    const index = this.next++
    const state = this.make(row, index)
    const turnsLeft = this.turnsOf(index) - 1
    if (row.sessionId !== undefined && turnsLeft > 0) this.open.set(row.sessionId, { state, turnsLeft })
    return state
  }
}
