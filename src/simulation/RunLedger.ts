/**
 * What a run has done so far: the counts that must add up, and the records on their way out.
 *
 * `arrived = finished + in flight` holds at any time; the report shows it.
 */
import { checkHeap } from "./HeapGuard.ts"
import type { RequestStatus, SimRequest } from "../request/SimRequest.ts"
import { emptyObjects } from "../structures/EmptyObjects.ts"

/** Arrivals between looks at the heap, a power of two: less than a fiftieth of the smallest heap that a run starts in. */
const arrivalsPerLook = 2048

export class RunLedger {
  arrived = 0
  finished = 0
  /** Terminal requests not handed out yet, in the order of their end. */
  readonly outbox = emptyObjects<SimRequest>()

  get inFlight(): number {
    return this.arrived - this.finished
  }

  /** Throws `HeapFull` where there is no room for more of them. */
  arrive(): void {
    this.arrived += 1
    if (this.arrived % arrivalsPerLook === 0) checkHeap(this.inFlight)
  }

  /** The request has ended and nothing in the simulation needs it any more. */
  finish(request: SimRequest, status: RequestStatus): void {
    this.settle(request, status)
    this.emit(request)
  }

  /** The request has ended, but somebody still holds on to it: {@link emit} follows. */
  settle(request: SimRequest, status: RequestStatus): void {
    this.finished += 1
    request.status = status
  }

  /** Hands out the record of a settled request. */
  emit(request: SimRequest): void {
    request.letGo()
    this.outbox.push(request)
  }

  /** Records of requests that the end of the run cuts off. */
  cutOff(requests: Iterable<SimRequest>): void {
    for (const request of requests) this.outbox.push(request)
  }
}
