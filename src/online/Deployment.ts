/** Workers behind routers on the clock of a Pace, however they are wired: what those who use them see. */
import type * as Effect from "effect/Effect"
import type { PoolRole, PoolSize } from "../autoscaler/Autoscaler.ts"
import type { WorkerSnapshot } from "../engine/WorkerCore.ts"
import type { BlockHolder, BlockIdentity } from "../request/BlockIdentity.ts"
import type { RequestStatus, SimRequest } from "../request/SimRequest.ts"
import type { RouterFault } from "../router/RouterFault.ts"
import type { ReplayError } from "../simulation/ReplayError.ts"
import type { ProbedPool, RunProbe } from "../simulation/RunProbe.ts"
import type { LagMeter } from "./LagMeter.ts"
import type { LiveRequest } from "./LiveRequest.ts"
import type { OutputBatch } from "./OutputBatch.ts"
import type { Timeline } from "./Pace.ts"

/** Who uses the deployment. Called between passes' ends and starts, never while a core computes. */
export interface DeploymentObserver {
  /** Requests emitted tokens: see the batch. Aborted requests may still be among them. */
  readonly emitted: (batch: OutputBatch) => void
  /** The request has ended. An aborted one is not reported. */
  readonly ended: (live: LiveRequest, status: RequestStatus, nowMs: number) => void
  /** No worker holds on to the ended request any more, and nothing about it will change. */
  readonly left: (live: LiveRequest) => void
  /** A router has refused the request after its submission; it is taken back. May throw the fault, which fails the deployment. */
  readonly refused: (live: LiveRequest, fault: RouterFault) => void
  /** Everything due at this instant is digested; new requests may be submitted. */
  readonly settled: Effect.Effect<void, ReplayError>
  /** Somebody has nothing to do. For the `stuck` requests nothing can be done until one is submitted or aborted. */
  readonly resting: (stuck: ReadonlyArray<LiveRequest>) => Effect.Effect<void, ReplayError>
}

/** What a run brings with it. */
export interface DeploymentOptions {
  readonly time: Timeline
  readonly identity: BlockIdentity
  readonly lag: LagMeter
  readonly probe: RunProbe | undefined
  /** Lateness up to which a worker catches up with its model, ms. */
  readonly maxLagMs: number
}

/** A running deployment: requests in, tokens out, workers added and drained. */
export interface Deployment {
  readonly time: Timeline
  /** The workers as probes see them: one pool, or prefill and decode. */
  readonly probed: ReadonlyArray<ProbedPool>
  /** Passes computed so far, by all workers. */
  readonly passes: number
  /** Requests submitted and not ended, parked ones included. */
  readonly inFlight: number
  /** Requests that routers hold back. */
  readonly parked: number
  /** How many workers of each pool are ready, starting and draining. */
  sizes(): ReadonlyArray<PoolSize>
  /**
   * Makes the pool have so many workers that are ready or starting, 1 or more: new ones take `startup_time`; those that go, the newest, finish
   * the requests that they have. Throws `OutOfMemory` where the machine cannot hold them.
   */
  scaleTo(role: PoolRole, workers: number): void
  /** Whether nothing will happen any more unless a request is submitted or aborted. */
  readonly atRest: boolean
  /** Called at rest: whether requests that are in each other's way go on nevertheless, out of turn. */
  unlock?(): boolean
  /** Those in flight. */
  requests(): Iterable<LiveRequest>
  /** Those that have ended but not left. */
  leaving(): Iterable<LiveRequest>
  /** In the order of {@link Deployment.probed}. */
  snapshots(): ReadonlyArray<WorkerSnapshot>
  /** Routes a request that arrives now. May throw what a router throws; the request is unknown here then. */
  submit(request: SimRequest): LiveRequest
  /**
   * Takes a request back: it emits nothing any more, and its KV blocks are free when the passes under way are over.
   * Without effect on one that has ended.
   */
  abort(live: LiveRequest): void
  /** Runs until interrupted or failed. `holder` keeps block identities alive beside the deployment's own. */
  run(observer: DeploymentObserver, holder?: BlockHolder): Effect.Effect<never, ReplayError>
}
