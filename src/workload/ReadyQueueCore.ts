/**
 * What open loops have in common: rows become ready at times of their own, and leave in the order of those times. When a row
 * becomes ready, and what the end of a request makes ready, is the subclass's.
 */
import type { SimRequest } from "../request/SimRequest.ts"
import type { TraceRow } from "../trace/TraceRow.ts"
import { ArrivalFrontier } from "./ArrivalFrontier.ts"
import { ReadyHeap } from "./ReadyHeap.ts"
import { RequestFactory, type PromptOptions } from "./RequestFactory.ts"
import { RowStore } from "./RowStore.ts"
import type { WorkloadCore } from "./WorkloadCore.ts"

export abstract class ReadyQueueCore implements WorkloadCore {
  readonly kind = "open"
  readonly limit = Number.POSITIVE_INFINITY
  protected readonly rows: RowStore
  protected readonly ready = new ReadyHeap()
  protected readonly requests: RequestFactory
  protected readonly frontier: ArrivalFrontier
  protected ended: boolean
  private inFlight = 0

  /** `streamable`: rows come so that none is ready before one that came earlier; otherwise all are read first. */
  constructor(prompts: PromptOptions, streamable: boolean) {
    this.rows = new RowStore(prompts.interned === undefined)
    this.requests = new RequestFactory(prompts, this.rows)
    this.frontier = new ArrivalFrontier(streamable)
    this.ended = false
  }

  abstract pushRows(rows: ReadonlyArray<TraceRow>): void

  /** Makes the request at the head of {@link ready}. */
  protected abstract makeRequest(arrivalMs: number): SimRequest

  /** The end of a request makes others ready. */
  protected abstract followUp(request: SimRequest, nowMs: number): void

  get needsRows(): boolean {
    return !this.ended && !this.frontier.hasPassed(this.ready.headMs)
  }

  endRows(): void {
    this.ended = true
  }

  nextReadyMs(): number {
    return this.ready.headMs
  }

  popReady(nowMs: number): SimRequest | undefined {
    const { ready } = this
    const arrivalMs = ready.headMs
    if (arrivalMs > nowMs || ready.length === 0 || this.needsRows) return undefined
    const request = this.makeRequest(arrivalMs)
    ready.pop()
    this.inFlight += 1
    return request
  }

  onTerminal(request: SimRequest, nowMs: number): void {
    this.inFlight -= 1
    this.followUp(request, nowMs)
  }

  get drained(): boolean {
    return this.ended && this.inFlight === 0 && this.ready.length === 0
  }

  /** The workload keeps no blocks: a prompt becomes blocks when it is dispatched. */
  markBlocks(): void {}
}
