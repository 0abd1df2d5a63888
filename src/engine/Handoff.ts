/**
 * What disaggregated serving asks of workers: a prefill worker keeps a finished prompt's KV until it has been sent, a decode
 * worker sets KV aside for a prompt before it arrives.
 *
 * The protocol between the two is the simulation's business; workers only hold, reserve, activate and release.
 */
import type { SimRequest } from "../request/SimRequest.ts"
import type { WorkerContext } from "./WorkerContext.ts"
import type { WorkerCore } from "./WorkerCore.ts"

/** A prefill worker. Its tokens are hidden; `Completed` means the prompt's KV is computed and held. */
export interface SourceWorker extends WorkerCore {
  /** Frees the KV of a request that was held since its completion. */
  releaseSource(request: SimRequest): void
}

/** A decode worker. Requests reach it through a reservation, never through `submit`; `abort` gives up reservations as well. */
export interface DestinationWorker extends WorkerCore {
  /** Queues a request for a reservation; false when its KV, output included, can never fit this worker. */
  requestDestination(request: SimRequest): boolean
  /**
   * One reservation attempt for the oldest queued request, at most once per change of capacity.
   * Returns it when its KV is reserved now.
   */
  tryReserve(): SimRequest | undefined
  /** Tokens of a reserved request whose KV is not on this worker yet, in whole blocks. */
  missingTokens(request: SimRequest): number
  /** The KV of a reserved request has arrived: it joins the worker's queue with its prompt computed. */
  activate(request: SimRequest): void
  /**
   * Nothing happens any more in the whole deployment. A worker whose requests are in each other's way lets others go first in its next
   * pass; false when that would change nothing.
   */
  unlock?(): boolean
}

/** How an engine serves in disaggregated runs: who goes first, and factories of both kinds of worker. */
export interface HandoffSupport {
  /** Whether the prompt is computed before its destination is reserved (vLLM) or after (SGLang). */
  readonly order: "source-first" | "destination-first"
  readonly spawnSource: (context: WorkerContext) => SourceWorker
  readonly spawnDestination: (context: WorkerContext) => DestinationWorker
}
