/**
 * The front end of a deployment: what a request goes through between its arrival and the queue of a router or engine
 * (HTTP, tokenisation).
 *
 * A client's time to first token holds this time; an engine's does not. Requests are independent of each other here: a long prompt
 * does not hold up a short one behind it.
 */
import { markPrefix } from "../request/BlockIdentity.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import type { TraceRow } from "../trace/TraceRow.ts"
import type { WorkloadCore } from "./WorkloadCore.ts"

/** A load whose requests become ready once they are through a front end that takes `delayMs`; unchanged where there is none. */
export const throughFrontEnd = (
  workload: WorkloadCore,
  delayMs: ((promptTokens: number) => number) | undefined
): WorkloadCore => (delayMs === undefined ? workload : new FrontEndCore(workload, delayMs))

class FrontEndCore implements WorkloadCore {
  private readonly inner: WorkloadCore
  private readonly delayMs: (promptTokens: number) => number
  /** Requests under way in order of their due times, the earliest last. */
  private readonly held: Array<{ readonly request: SimRequest; readonly dueMs: number }> = []

  constructor(inner: WorkloadCore, delayMs: (promptTokens: number) => number) {
    this.inner = inner
    this.delayMs = delayMs
  }

  get kind(): "open" | "closed" {
    return this.inner.kind
  }

  get limit(): number {
    return this.inner.limit
  }

  get needsRows(): boolean {
    return this.inner.needsRows
  }

  get ignoresEnds(): boolean {
    return this.inner.ignoresEnds === true
  }

  get drained(): boolean {
    return this.held.length === 0 && this.inner.drained
  }

  pushRows(rows: ReadonlyArray<TraceRow>): void {
    this.inner.pushRows(rows)
  }

  endRows(): void {
    this.inner.endRows()
  }

  nextReadyMs(): number {
    return Math.min(this.inner.nextReadyMs(), this.held.at(-1)?.dueMs ?? Number.POSITIVE_INFINITY)
  }

  popReady(nowMs: number, inFlight: number): SimRequest | undefined {
    for (;;) {
      const request = this.inner.popReady(nowMs, inFlight + this.held.length)
      if (request === undefined) break
      this.hold(request)
    }
    const earliest = this.held.at(-1)
    if (earliest === undefined || earliest.dueMs > nowMs) return undefined
    this.held.pop()
    return earliest.request
  }

  onTerminal(request: SimRequest, nowMs: number): void {
    this.inner.onTerminal(request, nowMs)
  }

  markBlocks(mark: (block: number) => void): void {
    this.inner.markBlocks(mark)
    for (const { request } of this.held) markPrefix(request.blocks, mark)
  }

  /** Behind everybody who is due at the same time. */
  private hold(request: SimRequest): void {
    const { held } = this
    const dueMs = request.arrivalMs + this.delayMs(request.promptTokens)
    let low = 0
    let high = held.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (held[middle]!.dueMs > dueMs) low = middle + 1
      else high = middle
    }
    held.splice(low, 0, { request, dueMs })
  }
}
