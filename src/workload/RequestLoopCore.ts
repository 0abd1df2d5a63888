/**
 * Closed loop over single requests, in order: the next one goes as soon as fewer than the limit are in flight.
 * A request's arrival is the moment it is dispatched.
 */
import type { SimRequest } from "../request/SimRequest.ts"
import type { TraceRow } from "../trace/TraceRow.ts"
import { RequestFactory } from "./RequestFactory.ts"
import type { PromptOptions } from "./RequestFactory.ts"
import { RowStore } from "./RowStore.ts"
import type { WorkloadCore } from "./WorkloadCore.ts"

export interface RequestLoopOptions extends PromptOptions {
  /** Requests in flight, counted by the simulation: on workers or parked in the router. */
  readonly concurrency: number
}

export class RequestLoopCore implements WorkloadCore {
  readonly kind = "closed"
  readonly limit: number
  private readonly rows = new RowStore()
  private readonly requests: RequestFactory
  /** Handles of a row store are consecutive: the rows that wait are `first … end - 1`. */
  private first = 0
  private end = 0
  private ended = false
  private inFlight = 0

  constructor(options: RequestLoopOptions) {
    this.limit = options.concurrency
    this.requests = new RequestFactory(options, this.rows)
  }

  get needsRows(): boolean {
    return !this.ended && this.first === this.end
  }

  pushRows(rows: ReadonlyArray<TraceRow>): void {
    for (const row of rows) this.end = this.rows.add(row, 0) + 1
  }

  endRows(): void {
    this.ended = true
  }

  /** Only completions make room, never the passing of time. */
  nextReadyMs(): number {
    return Number.POSITIVE_INFINITY
  }

  popReady(nowMs: number, inFlight: number): SimRequest | undefined {
    if (inFlight >= this.limit || this.first === this.end) return undefined
    this.inFlight += 1
    return this.requests.make({
      row: this.first++,
      sessionId: null,
      turnIndex: 0,
      isLastTurn: true,
      arrivalMs: nowMs,
      workloadKey: -1
    })
  }

  onTerminal(): void {
    this.inFlight -= 1
  }

  get drained(): boolean {
    return this.ended && this.first === this.end && this.inFlight === 0
  }

  /** The workload keeps no blocks: a prompt becomes blocks when it is dispatched. */
  markBlocks(): void {}
}
