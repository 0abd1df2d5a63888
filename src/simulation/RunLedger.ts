/**
 * What a run has done so far: the counts that must add up, and the records on their way out.
 *
 * `arrived = finished + in flight` holds at any time; the report shows it.
 */
import type { RequestStatus, SimRequest } from "../request/SimRequest.ts"

export class RunLedger {
  arrived = 0
  finished = 0
  /** Terminal requests not handed out yet, in the order of their end. */
  readonly outbox: Array<SimRequest> = []

  get inFlight(): number {
    return this.arrived - this.finished
  }

  arrive(): void {
    this.arrived += 1
  }

  finish(request: SimRequest, status: RequestStatus): void {
    this.finished += 1
    request.finish(status)
    this.outbox.push(request)
  }

  /** Records of requests that the end of the run cuts off. */
  cutOff(requests: ReadonlyArray<SimRequest>): void {
    for (const request of requests) this.outbox.push(request)
  }
}
