/**
 * The sessions of a run that are not over: their turns that wait, and what decides when they are ready.
 *
 * A session is forgotten when its last turn is terminal. Without {@link SessionTurns} that is known only at the end
 * of the rows, so sessions with a name are kept until then.
 */
import type { TraceRow } from "../trace/TraceRow.ts"
import { turnDelayMs } from "../trace/TurnDelay.ts"
import { SessionContext } from "./RequestFactory.ts"
import type { RowStore } from "./RowStore.ts"

/** Turns of the session with this index, counted in order of first appearance. */
export type SessionTurns = (sessionIndex: number) => number

export class Session {
  readonly index: number
  readonly id: string | undefined
  /** Finds the session from a request. */
  readonly key: number
  /** `Infinity` while unknown. */
  readonly turns: number
  /** The session's token string, where prompts accumulate. */
  readonly context: SessionContext | undefined
  /** Turns whose row has been read. */
  knownTurns = 0
  /** Turn that is ready, in flight or waiting for its row. */
  turn = 0
  lastTimestampMs: number | undefined
  /** Rows of later turns that wait for an earlier one: a list chained through the row store. */
  private firstWaiting = -1
  private lastWaiting = -1
  /** When the previous turn ended, while the row of {@link turn} is missing. */
  starvedSinceMs = Number.NaN

  constructor(init: Pick<Session, "index" | "id" | "key" | "turns" | "context">) {
    this.index = init.index
    this.id = init.id
    this.key = init.key
    this.turns = init.turns
    this.context = init.context
  }

  /** `null` while it is not known how many turns there will be. */
  isLastTurn(turn: number): boolean | null {
    return this.turns === Number.POSITIVE_INFINITY ? null : turn + 1 >= this.turns
  }

  wait(row: number, rows: RowStore): void {
    if (this.firstWaiting < 0) this.firstWaiting = row
    else rows.append(this.lastWaiting, row)
    this.lastWaiting = row
  }

  /** The row that waited longest, or `-1`. */
  takeWaiting(rows: RowStore): number {
    const row = this.firstWaiting
    if (row >= 0) this.firstWaiting = row === this.lastWaiting ? -1 : rows.next(row)
    return row
  }

  /** Wait before the turn of this row, in trace time; call once per row, in order. */
  delayMs(row: TraceRow): number {
    const delayMs = this.knownTurns === 0 ? 0 : turnDelayMs(row, this.lastTimestampMs)
    this.knownTurns += 1
    if (row.timestampMs !== undefined) this.lastTimestampMs = row.timestampMs
    return delayMs
  }
}

export interface SessionOptions {
  /** Turns of each session, where known. */
  readonly turnsOf: SessionTurns | undefined
  /** A row holds only what its turn adds to the session's prompt. */
  readonly accumulatesPrompts: boolean
}

export class Sessions {
  private readonly options: SessionOptions
  private readonly byId = new Map<string, Session>()
  private readonly byKey: Array<Session | undefined> = []
  private readonly freeKeys: Array<number> = []
  private nextIndex = 0

  constructor(options: SessionOptions) {
    this.options = options
  }

  /** No session is known that may go on. */
  get areNone(): boolean {
    return this.byKey.length === this.freeKeys.length
  }

  /** Index of the next new session. */
  takeIndex(): number {
    return this.nextIndex++
  }

  find(row: TraceRow): Session | undefined {
    return row.sessionId === undefined ? undefined : this.byId.get(row.sessionId)
  }

  create(row: TraceRow): Session {
    const id = row.sessionId
    const index = this.takeIndex()
    const turns = id === undefined ? 1 : (this.options.turnsOf?.(index) ?? Number.POSITIVE_INFINITY)
    const key = this.freeKeys.pop() ?? this.byKey.length
    const context = this.options.accumulatesPrompts ? new SessionContext() : undefined
    const session = new Session({ index, id, key, turns, context })
    this.byKey[key] = session
    if (id !== undefined && turns > 1) this.byId.set(id, session)
    return session
  }

  get(key: number): Session {
    return this.byKey[key]!
  }

  forget(session: Session): void {
    this.byKey[session.key] = undefined
    this.freeKeys.push(session.key)
    if (session.id !== undefined && session.turns > 1) this.byId.delete(session.id)
  }

  /** No more rows will come: names are not needed any more. */
  endRows(): void {
    this.byId.clear()
  }
}
