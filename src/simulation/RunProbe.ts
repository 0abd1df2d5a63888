/**
 * The one seam through which a run shows what happens in it: invariant checks, time series, timelines, decision logs and
 * metrics are all probes.
 *
 * Every hook is optional, synchronous and only looks: it must not change what it is shown, and what it throws ends the run as
 * a defect. A run without probes pays nothing for them; a hook that no probe has is never called. For what may take its time, or may
 * fail, there are policies and sinks.
 */
import type { PassesAhead } from "../engine/PassesAhead.ts"
import type { PassOutcome, WorkerCore } from "../engine/WorkerCore.ts"
import type { WorkerProbe } from "../engine/WorkerProbe.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import type { PoolRole } from "../router/Router.ts"
import type { RunLedger } from "./RunLedger.ts"

export type { PoolRole }

/** A worker of the run and where it stands. */
export interface ProbedWorker {
  readonly role: PoolRole
  /** Index in its pool. */
  readonly workerIndex: number
  readonly core: WorkerCore
  /** Name of its group, in pools whose workers differ. */
  readonly group?: string
}

/** A pool as probes see it; read it while a hook runs. */
export interface ProbedPool {
  readonly role: PoolRole
  /** Those that are there now, by ascending index. */
  readonly workers: ReadonlyArray<ProbedWorker>
  /** Requests that the router holds back now. */
  readonly parked: () => number
  /** Workers that are starting now. */
  readonly starting: () => number
  /** Workers that finish what they have now. */
  readonly draining: () => number
}

/** What a probe may look at from its start to the end of the run. */
export interface ProbedRun {
  /** One pool, or prefill and decode. */
  readonly pools: ReadonlyArray<ProbedPool>
  /** Requests arrived and ended so far. */
  readonly ledger: Pick<RunLedger, "arrived" | "finished" | "inFlight">
}

/** How a run went out. */
export interface RunEnd {
  readonly nowMs: number
  /** Nothing was left to do; otherwise `cutOff` requests were in flight. */
  readonly drained: boolean
  readonly cutOff: number
}

/**
 * Hooks that a run calls as things happen, synchronously; each is optional. They must not change what they are shown. Times in simulated
 * ms.
 */
export interface RunProbe {
  /**
   * Whether `time` and `pass` may be left out for passes in which nothing happens, so that workers compute these ahead of time; a probe that
   * neither says so nor takes {@link RunProbe.passesAhead} sees each pass in its time.
   */
  readonly sparesPasses?: boolean | undefined
  /**
   * Until when, simulated ms, a worker to which nobody tells anything may go on by itself: of its passes that start before then all is told at once,
   * ahead of what happens elsewhere in the meantime. Without it whatever is told is told in the order of time.
   */
  readonly outOfTurnUntilMs?: (() => number) | undefined
  /** Asked once per worker, before {@link RunProbe.start} or before it joins later: who looks into its passes? */
  readonly worker?: ((role: PoolRole, workerIndex: number) => WorkerProbe | undefined) | undefined
  /** The run begins. A probe that is used for one run after another starts afresh here. */
  readonly start?: ((run: ProbedRun) => void) | undefined
  /** A worker that was not there at the start takes requests from now on. */
  readonly joined?: ((worker: ProbedWorker, nowMs: number) => void) | undefined
  /**
   * A worker has left, and its index is not used again. It holds nothing for anybody, unless it has failed: then {@link RunProbe.lost} follows for
   * each request that it had.
   */
  readonly left?: ((worker: ProbedWorker, nowMs: number, hasFailed: boolean) => void) | undefined
  /** The request was on a worker that failed: it starts again as `again`, which has its id, or it has failed (a record follows). */
  readonly lost?: ((request: SimRequest, nowMs: number, again: SimRequest | undefined) => void) | undefined
  /** Simulated time, ms, moves to an instant at which something happens. */
  readonly time?: ((nowMs: number) => void) | undefined
  /** A request arrives. */
  readonly arrival?: ((request: SimRequest, nowMs: number) => void) | undefined
  /** The request is sent to a worker: at its arrival, when the router lets it go, or to be decoded after its prefill. */
  readonly placed?: ((request: SimRequest, worker: ProbedWorker, nowMs: number) => void) | undefined
  /**
   * A pass is computed, at its start. The outcome is the worker's and only valid during the call; its `endMs` lies ahead. One
   * that has not progressed and ends where it starts did nothing: the worker waits.
   */
  readonly pass?: ((worker: ProbedWorker, startMs: number, outcome: PassOutcome) => void) | undefined
  /**
   * The worker goes on out of turn with a pass at `startMs`, which follows and is not computed yet: until then nobody tells the worker anything, so that
   * its last passes are what they will be when time gets there.
   */
  readonly goesOn?: ((worker: ProbedWorker, startMs: number) => void) | undefined
  /**
   * The worker has begun passes ahead of time, directly after the last one that `pass` showed: in each of them every running request emits one
   * token, and nothing else happens. This stands for `time`, `pass` and the worker's `tokenGap` of all of them; `ahead` is only valid
   * during the call. It comes when the last of them is known not to be taken back: before somebody tells the worker anything, or when they
   * are over. Who wants to know earlier what has taken place by now looks at `core.ahead`: passes that begin before now are not taken back, and
   * `core.snapshot` says how the worker is in any of them.
   */
  readonly passesAhead?: ((worker: ProbedWorker, ahead: PassesAhead) => void) | undefined
  /** `tokens` of KV are sent from the prefill to the decode worker; `endMs` equals `startMs` when that takes no time. */
  readonly transfer?: ((request: SimRequest, tokens: number, startMs: number, endMs: number) => void) | undefined
  /** The request has ended; its status says how. In a disaggregated run its source may still be held. */
  readonly record?: ((request: SimRequest, nowMs: number) => void) | undefined
  /** The run is over; no hook is called after it. A run that fails has no end. */
  readonly end?: ((run: ProbedRun, end: RunEnd) => void) | undefined
}
