/** What a worker does in an interval, and how it is at its end. */
import { SeriesState } from "./SeriesState.ts"
import { Tally } from "./Tally.ts"

export class WorkerInterval {
  endMs = Number.NaN
  readonly tally = new Tally()
  /** At its end, while the worker is there. */
  readonly state = new SeriesState()
  /** End of the pass that is under way then; infinite when there is none. */
  passEndMs = Number.POSITIVE_INFINITY
  /** The one after it: in a ring, so that each is used again. */
  next: WorkerInterval = this
}
