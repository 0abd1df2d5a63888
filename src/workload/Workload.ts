/**
 * The load a run is put under: where rows come from and when each request is ready.
 *
 * The rows are a lazy stream; the core is a plain synchronous object fed with chunks of them, at most one chunk ahead.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { BlockHolder, BlockIdentity } from "../request/BlockIdentity.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import type { TraceError } from "../trace/TraceError.ts"
import type { TraceRow } from "../trace/TraceRow.ts"

export interface WorkloadCore extends BlockHolder {
  /** Open loop: arrivals come from the trace. Closed loop: at most `limit` units are active. */
  readonly kind: "open" | "closed"
  /** Units (requests or sessions) that may be in flight; `Infinity` in an open loop. */
  readonly limit: number
  /** True while {@link nextReadyMs} cannot be known before more rows are pushed. */
  readonly needsRows: boolean
  pushRows(rows: ReadonlyArray<TraceRow>): void
  endRows(): void
  /** Earliest time at which a request is or becomes ready; `Infinity` when only a completion can make one ready. */
  nextReadyMs(): number
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

export class Workload extends Context.Service<Workload, {
  /** Tokens per hash id; what block identities are built from. */
  readonly traceBlockTokens: number
  /** Whether prompts are built from token runs (planned outputs, accumulated prompts) instead of hash ids alone. */
  readonly usesTokenRuns: boolean
  readonly rows: Stream.Stream<TraceRow, TraceError>
  readonly make: (identity: BlockIdentity) => Effect.Effect<WorkloadCore, TraceError>
}>()("dynosim/workload/Workload") {}
