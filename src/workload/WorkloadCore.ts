/** The load of one run: a plain synchronous object fed with chunks of rows, at most one chunk ahead of what it needs. */
import type { BlockHolder } from "../request/BlockIdentity.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import type { TraceRow } from "../trace/TraceRow.ts"

/** The workload of one run: rows in, requests out when they are due. Synchronous; times in simulated ms. */
export interface WorkloadCore extends BlockHolder {
  /** Open loop: arrivals come from the trace. Closed loop: at most `limit` units are active. */
  readonly kind: "open" | "closed"
  /** Units (requests or sessions) that may be in flight; `Infinity` in an open loop. */
  readonly limit: number
  /** True while {@link nextReadyMs} cannot be known before more rows are pushed; {@link popReady} gives nothing then. */
  readonly needsRows: boolean
  pushRows(rows: ReadonlyArray<TraceRow>): void
  endRows(): void
  /** Earliest time at which a request is or becomes ready; `Infinity` when only a completion can make one ready. */
  nextReadyMs(): number
  /** None of the requests in flight makes another one ready by its end. Default: some may. */
  readonly ignoresEnds?: boolean
  /**
   * Takes the next request that is ready at `nowMs`, in dispatch order; `undefined` when there is none. In a closed loop
   * of single requests the caller's `inFlight` (requests dispatched and not terminal) limits it.
   */
  popReady(nowMs: number, inFlight: number): SimRequest | undefined
  /** The request is terminal (completed, rejected or failed): its slot is free, its follow-up turn gets its ready time. */
  onTerminal(request: SimRequest, nowMs: number): void
  /** No rows left, nothing ready or waiting for a completion. */
  readonly drained: boolean
}
