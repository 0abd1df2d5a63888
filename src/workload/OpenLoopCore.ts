/**
 * Open loop: requests arrive at the times of their trace, whatever the engines do.
 *
 * The first turn of a session is ready at `(timestamp - origin) / speedup`, a later one when the previous turn is
 * terminal plus its delay divided by the speedup. Ready turns go in the order (ready time, session, turn). A
 * request's arrival is its scheduled ready time, also when the engine looks for it later.
 */
import type { SimRequest } from "../request/SimRequest.ts"
import type { TraceRow } from "../trace/TraceRow.ts"
import type { RowOrder } from "../trace/TraceSurvey.ts"
import { ReadyQueueCore } from "./ReadyQueueCore.ts"
import type { PromptOptions } from "./RequestFactory.ts"
import { Sessions } from "./Sessions.ts"
import type { Session, SessionOptions } from "./Sessions.ts"

export interface OpenLoopOptions extends PromptOptions, SessionOptions {
  /** Trace time that becomes 0; the first row's when absent. */
  readonly originMs: number | undefined
  /** Arrivals come this many times faster, and waits between turns are as much shorter. */
  readonly arrivalSpeedup: number
  readonly order: RowOrder
}

/** Key of a request without a session that could go on. */
const noSession = -1

export class OpenLoopCore extends ReadyQueueCore {
  private readonly options: OpenLoopOptions
  private readonly sessions: Sessions
  private originMs: number | undefined

  constructor(options: OpenLoopOptions) {
    super(options, options.order !== "none")
    this.options = options
    this.originMs = options.originMs
    this.sessions = new Sessions(options)
  }

  pushRows(rows: ReadonlyArray<TraceRow>): void {
    for (const row of rows) {
      const session = this.sessions.find(row)
      if (session === undefined) this.addSession(row)
      else this.addTurn(session, row)
    }
  }

  get ignoresEnds(): boolean {
    return this.sessions.areNone
  }

  override endRows(): void {
    super.endRows()
    this.sessions.endRows()
  }

  protected makeRequest(arrivalMs: number): SimRequest {
    const { ready } = this
    const workloadKey = ready.headKey
    const session = workloadKey === noSession ? undefined : this.sessions.get(workloadKey)
    return this.requests.make({
      row: ready.headRow,
      sessionId: session?.id ?? null,
      turnIndex: ready.headTurn,
      isLastTurn: session === undefined || session.isLastTurn(ready.headTurn),
      arrivalMs,
      workloadKey,
      context: session?.context
    })
  }

  protected followUp(request: SimRequest, nowMs: number): void {
    if (request.workloadKey === noSession) return
    const session = this.sessions.get(request.workloadKey)
    session.turn += 1
    session.context?.settle(request.emittedTokens)
    const row = session.takeWaiting(this.rows)
    if (row >= 0) this.schedule(session, row, nowMs)
    else if (this.ended || session.turn >= session.turns) this.sessions.forget(session)
    else session.starvedSinceMs = nowMs
  }

  private addSession(row: TraceRow): void {
    // Checked rows have a timestamp here.
    const timestampMs = row.timestampMs ?? 0
    this.originMs ??= timestampMs
    const startMs = this.scaled(timestampMs - this.originMs)
    this.frontier.raise(startMs)
    if (row.sessionId === undefined) {
      this.ready.push(startMs, this.sessions.takeIndex(), 0, this.rows.add(row, 0), noSession)
      return
    }
    const session = this.sessions.create(row)
    this.ready.push(startMs, session.index, 0, this.rows.add(row, session.delayMs(row)), session.key)
  }

  private addTurn(session: Session, row: TraceRow): void {
    if (this.options.order === "by-row" && row.timestampMs !== undefined && this.originMs !== undefined) {
      this.frontier.raise(this.scaled(row.timestampMs - this.originMs))
    }
    const handle = this.rows.add(row, this.scaled(session.delayMs(row)))
    if (Number.isNaN(session.starvedSinceMs)) {
      session.wait(handle, this.rows)
      return
    }
    this.schedule(session, handle, session.starvedSinceMs)
    session.starvedSinceMs = Number.NaN
  }

  private schedule(session: Session, row: number, terminalMs: number): void {
    this.ready.push(terminalMs + this.rows.delayMs(row), session.index, session.turn, row, session.key)
  }

  private scaled(traceMs: number): number {
    return traceMs / this.options.arrivalSpeedup
  }
}
