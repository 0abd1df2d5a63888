/** What the summary on a terminal tells beside the report, gathered from the events of a run at no cost worth a word. */
import * as Stream from "effect/Stream"
import { MeasuredWindow, type WindowBounds } from "../report/MeasuredWindow.ts"
import type { ReplayEvent } from "../report/ReplayEvent.ts"
import type { RequestRecord } from "../request/SimRequest.ts"
import type { SimulationView } from "../simulation/SimulationView.ts"

export class RunWatch {
  private readonly window: MeasuredWindow | undefined
  /** Requests that count and have a first token, and what their times to it are made of. */
  private requests = 0
  private queuedMs = 0
  private computedMs = 0
  /** Requests that the end of the run found waiting for their first admission. */
  neverAdmitted = 0
  /** Arrival of the latest request, and the latest token. */
  lastArrivalMs = 0
  lastTokenMs = 0
  private view: SimulationView["Service"] | undefined = undefined

  /** `bounds`: what part of the run counts, where not all of it does. */
  constructor(bounds?: WindowBounds) {
    this.window = bounds === undefined ? undefined : new MeasuredWindow(bounds)
  }

  readonly monitor = (view: SimulationView["Service"]): void => {
    this.view = view
  }

  readonly through = <E, R>(events: Stream.Stream<ReplayEvent, E, R>): Stream.Stream<ReplayEvent, E, R> =>
    Stream.mapArray(events, (chunk) => {
      for (const event of chunk) if (event._tag === "Request") this.add(event)
      return chunk
    })

  /** Mean wait before the first admission, and from there to the first token, ms; they add up to the mean TTFT. */
  get meanQueueMs(): number {
    return this.requests === 0 ? 0 : this.queuedMs / this.requests
  }

  get meanPrefillMs(): number {
    return this.requests === 0 ? 0 : this.computedMs / this.requests
  }

  /** Of the workers that are there at the end. */
  preemptions(): number {
    return (this.view?.workers() ?? []).reduce((total, { preemptions }) => total + preemptions, 0)
  }

  private add(record: RequestRecord): void {
    const { arrivalMs, firstAdmitMs, firstTokenMs, lastTokenMs, status } = record
    if (arrivalMs > this.lastArrivalMs) this.lastArrivalMs = arrivalMs
    if (lastTokenMs > this.lastTokenMs) this.lastTokenMs = lastTokenMs
    if (status === "in_flight" && Number.isNaN(firstAdmitMs)) this.neverAdmitted += 1
    if (this.window?.takes(record) === false) return
    if (Number.isNaN(firstAdmitMs) || Number.isNaN(firstTokenMs)) return
    this.requests += 1
    this.queuedMs += firstAdmitMs - arrivalMs
    this.computedMs += firstTokenMs - firstAdmitMs
  }
}
