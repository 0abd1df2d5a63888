/**
 * Closed loop over sessions: a fixed number of sessions is active, in the order in which the trace first names them.
 *
 * A session keeps its slot through all its turns, thinking time included; when its last turn is terminal the next one
 * becomes active at that moment. Start timestamps and the arrival speedup play no part. A request's arrival is the
 * moment it is dispatched.
 */
import type { SimRequest } from "../request/SimRequest.ts"
import type { TraceRow } from "../trace/TraceRow.ts"
import { Fifo } from "../structures/Fifo.ts"
import { ReadyHeap } from "./ReadyHeap.ts"
import { RequestFactory } from "./RequestFactory.ts"
import type { PromptOptions } from "./RequestFactory.ts"
import { RowStore } from "./RowStore.ts"
import { Sessions } from "./Sessions.ts"
import type { Session, SessionOptions } from "./Sessions.ts"
import type { WorkloadCore } from "./WorkloadCore.ts"

/** Without the turns of each session all rows are read before the first is dispatched. */
export interface ClosedLoopOptions extends PromptOptions, SessionOptions {
  /** Active sessions. */
  readonly concurrency: number
}

export class ClosedLoopCore implements WorkloadCore {
  readonly kind = "closed"
  readonly limit: number
  private readonly readsAllFirst: boolean
  private readonly rows: RowStore
  private readonly ready = new ReadyHeap()
  private readonly sessions: Sessions
  private readonly requests: RequestFactory
  /** Sessions that have no slot yet; the row of their first turn is the first of their waiting rows. */
  private readonly pending = new Fifo<Session>()
  /** Slots nobody has used yet: free since time 0. */
  private unusedSlots: number
  /** When the other free slots became free. */
  private readonly freedSlots = new Fifo<number>()
  /** Active sessions whose next row has not been read. */
  private starved = 0
  private ended = false
  private inFlight = 0

  constructor(options: ClosedLoopOptions) {
    this.limit = options.concurrency
    this.unusedSlots = options.concurrency
    this.readsAllFirst = options.turnsOf === undefined
    this.sessions = new Sessions(options)
    this.rows = new RowStore(options.interned === undefined)
    this.requests = new RequestFactory(options, this.rows)
  }

  get needsRows(): boolean {
    if (this.ended) return false
    return this.readsAllFirst || this.starved > 0 || (this.hasFreeSlot && this.pending.length === 0)
  }

  pushRows(rows: ReadonlyArray<TraceRow>): void {
    for (const row of rows) {
      const session = this.sessions.find(row)
      if (session === undefined) this.addSession(row)
      else this.addTurn(session, row)
    }
    this.activate()
  }

  endRows(): void {
    this.ended = true
    this.sessions.endRows()
    this.activate()
  }

  nextReadyMs(): number {
    return this.ready.headMs
  }

  popReady(nowMs: number): SimRequest | undefined {
    const { ready } = this
    if (ready.length === 0 || ready.headMs > nowMs || this.needsRows) return undefined
    const workloadKey = ready.headKey
    const session = this.sessions.get(workloadKey)
    const request = this.requests.make({
      row: ready.headRow,
      sessionId: session.id ?? null,
      turnIndex: ready.headTurn,
      isLastTurn: session.isLastTurn(ready.headTurn),
      arrivalMs: nowMs,
      workloadKey,
      context: session.context
    })
    ready.pop()
    this.inFlight += 1
    return request
  }

  onTerminal(request: SimRequest, nowMs: number): void {
    this.inFlight -= 1
    const session = this.sessions.get(request.workloadKey)
    session.turn += 1
    session.context?.settle(request.emittedTokens)
    const row = session.takeWaiting(this.rows)
    if (row >= 0) this.schedule(session, row, nowMs)
    else if (this.ended || session.turn >= session.turns) {
      this.sessions.forget(session)
      this.freedSlots.push(nowMs)
      this.activate()
    } else {
      session.starvedSinceMs = nowMs
      this.starved += 1
    }
  }

  get drained(): boolean {
    return this.ended && this.inFlight === 0 && this.ready.length === 0
  }

  /** The workload keeps no blocks: a prompt becomes blocks when it is dispatched. */
  markBlocks(): void {}

  private get hasFreeSlot(): boolean {
    return this.unusedSlots > 0 || this.freedSlots.length > 0
  }

  private addSession(row: TraceRow): void {
    const session = this.sessions.create(row)
    session.wait(this.rows.add(row, session.delayMs(row)), this.rows)
    this.pending.push(session)
  }

  private addTurn(session: Session, row: TraceRow): void {
    const handle = this.rows.add(row, session.delayMs(row))
    if (Number.isNaN(session.starvedSinceMs)) {
      session.wait(handle, this.rows)
      return
    }
    this.schedule(session, handle, session.starvedSinceMs)
    session.starvedSinceMs = Number.NaN
    this.starved -= 1
  }

  private schedule(session: Session, row: number, terminalMs: number): void {
    this.ready.push(terminalMs + this.rows.delayMs(row), session.index, session.turn, row, session.key)
  }

  /** Gives free slots to pending sessions. */
  private activate(): void {
    if (this.readsAllFirst && !this.ended) return
    while (this.hasFreeSlot && this.pending.length > 0) {
      const session = this.pending.shift()!
      const row = session.takeWaiting(this.rows)
      this.ready.push(this.takeSlot(), session.index, 0, row, session.key)
    }
  }

  private takeSlot(): number {
    if (this.unusedSlots > 0) {
      this.unusedSlots -= 1
      return 0
    }
    return this.freedSlots.shift() ?? 0
  }
}
