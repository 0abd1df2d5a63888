/**
 * Sessions of a run, as the report shows them: how long they lasted, and how soon the first token came in their first turn (cold) and in
 * later ones (warm), whose prompts begin with what has been said. Holds the sessions that are open.
 */
import type { RequestRecord } from "../request/SimRequest.ts"
import type { SessionsReport } from "./Report.ts"
import { RequestMetric } from "./RequestMetric.ts"

interface OpenSession {
  readonly startMs: number
  endMs: number
}

/** When nothing of a request can be waited for any more. */
const endOf = ({ arrivalMs, lastTokenMs }: RequestRecord): number =>
  Number.isNaN(lastTokenMs) ? arrivalMs : Math.max(arrivalMs, lastTokenMs)

export class SessionReport {
  private readonly open = new Map<string, OpenSession>()
  private readonly durationMs: RequestMetric
  private readonly coldTtftMs: RequestMetric
  private readonly warmTtftMs: RequestMetric
  private ended = 0
  private turns = 0
  private firstTurns = 0
  private laterTurns = 0

  constructor(exactRequests?: number) {
    this.durationMs = new RequestMetric(exactRequests)
    this.coldTtftMs = new RequestMetric(exactRequests)
    this.warmTtftMs = new RequestMetric(exactRequests)
  }

  /** Any request that ended, in the order in which turns end; a session counts with its last turn. Graphs know no turns. */
  end(record: RequestRecord, counts: boolean): void {
    const { arrivalMs, isLastTurn, sessionId, status, turnIndex } = record
    if (sessionId === null || isLastTurn === null || status === "in_flight") return
    const session = this.open.get(sessionId) ?? { startMs: arrivalMs, endMs: arrivalMs }
    session.endMs = Math.max(session.endMs, endOf(record))
    if (!isLastTurn) {
      if (turnIndex === 0) this.open.set(sessionId, session)
      return
    }
    this.open.delete(sessionId)
    if (!counts) return
    this.ended += 1
    this.turns += turnIndex + 1
    this.durationMs.add(session.endMs - session.startMs)
  }

  /** A request that counts and has a token. */
  add({ isLastTurn, sessionId, turnIndex }: RequestRecord, ttftMs: number): void {
    if (sessionId === null || isLastTurn === null) return
    if (turnIndex === 0) {
      this.firstTurns += 1
      this.coldTtftMs.add(ttftMs)
    } else {
      this.laterTurns += 1
      this.warmTtftMs.add(ttftMs)
    }
  }

  /** Nothing where no session had an answer. */
  json(): SessionsReport | undefined {
    if (this.firstTurns + this.laterTurns === 0) return undefined
    return {
      ended_sessions: this.ended,
      mean_turns: this.ended === 0 ? 0 : this.turns / this.ended,
      duration_ms: this.durationMs.statistics(),
      first_turns: this.firstTurns,
      cold_ttft_ms: this.coldTtftMs.statistics(),
      later_turns: this.laterTurns,
      warm_ttft_ms: this.warmTtftMs.statistics()
    }
  }
}
