/**
 * The router a run uses: configuration and a factory of router cores. Layers: round robin, KV-aware, scripted.
 */
import * as Context from "effect/Context"
import type { QueuePolicy } from "../engine/EngineArgs.ts"
import type { KvEventSink, TierEventSinks } from "../engine/KvEvents.ts"
import type { BlockHolder } from "../request/BlockIdentity.ts"
import type { SimRequest } from "../request/SimRequest.ts"

/** What one worker of a pool can do. */
export interface WorkerCapacity {
  /** Token budget of a pass; `Infinity` when unlimited. */
  readonly maxNumBatchedTokens: number
  readonly kvBlocks: number
}

/** Which side of a deployment a pool is. */
export type PoolRole = "aggregated" | "prefill" | "decode"

/** What a router core is told about the pool it routes for. */
export interface RouterContext {
  /** Workers have the ids `0 … workers - 1` at the start; later ones count on from there. */
  readonly workers: number
  readonly blockTokens: number
  /** Token budget of one pass of a worker; `Infinity` when unlimited. */
  readonly maxNumBatchedTokens: number
  /** Present where workers differ: what each one can do, by its id. */
  readonly capacityOf?: (worker: number) => WorkerCapacity
  /** The engine arguments' override of the queue order. */
  readonly queuePolicy: QueuePolicy | undefined
  readonly role: PoolRole
}

/** A request and the worker of the pool that it goes to. */
export interface Placement {
  readonly request: SimRequest
  readonly workerIndex: number
}

/** Routing state of one pool in one run. Plain and synchronous: it is called once per request and per edge. */
export interface RouterCore extends BlockHolder {
  /**
   * Chooses a worker for a request that arrives now, or returns `-1` when it parks the request; those of a decode pool cannot be parked.
   * May set `request.routeOverlapTokens`.
   */
  route(request: SimRequest, nowMs: number): number
  /** The request has its first token and goes on. */
  prefillDone(request: SimRequest, nowMs: number): void
  /** The request left its worker (completed or rejected). */
  freed(request: SimRequest, nowMs: number): void
  /**
   * The next parked request that the last edges released, and where it goes; `undefined` when there is none.
   * Called until empty after every edge.
   */
  takeReleased(): Placement | undefined
  /** Number of parked requests. */
  readonly parked: number
  /** The parked requests, in no particular order; a run that is cut off still has to account for them. */
  parkedRequests(): Iterable<SimRequest>
  /** Where this worker's cache changes go; `undefined` when the router does not care. */
  kvEvents(workerIndex: number): KvEventSink | undefined
  /**
   * It looks at what workers have cached in {@link RouterCore.route} only: their changes may be told as late as that, those of each worker
   * in their order. Default: every change is told when it happens.
   */
  readonly readsCachesToRoute?: boolean
  /** Where changes of this worker's KV tiers go; a router without it does not care. */
  tierEvents?(workerIndex: number): TierEventSinks | undefined
  /**
   * From now on requests may go to these workers, ascending and possibly none, and to nobody else; ids never seen before are new
   * workers. Others may still serve what they have, and tell of it. A router without it has the workers of its context for ever.
   */
  eligible?(workers: ReadonlyArray<number>): void
  /** The worker has left; its cache is gone and its id never comes back. */
  removed?(workerIndex: number): void
  /** Workers have come or gone: parked requests may have somewhere to go now. */
  retry?(nowMs: number): void
}

/** Who chooses a worker for each request: a factory of router cores, one per run. */
export class Router extends Context.Service<
  Router,
  {
    readonly name: string
    /** It knows what each worker has cached. Default: it does not. */
    readonly followsCaches?: boolean
    readonly make: (context: RouterContext) => RouterCore
  }
>()("dynosim/router/Router") {}
