/**
 * A simulated engine instance: a plain synchronous object that one run owns.
 *
 * A pass is one scheduler iteration. It is computed completely when it starts; its effects on requests (admissions,
 * token times) are written at once with their simulated times, its signals count from `endMs`.
 */
import type { BlockHolder } from "../request/BlockIdentity.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import { empty } from "../structures/Emptied.ts"
import type { PassesAhead } from "./PassesAhead.ts"
import { emptyObjects } from "../structures/EmptyObjects.ts"

/** What a pass tells the simulation about a request, in the engine's emission order. */
export const Signal = {
  /** First output token, request goes on: its prefill is done. */
  FirstToken: 0,
  /** Last output token. */
  Completed: 1,
  /** The request can never fit this worker; it leaves without a token. */
  Rejected: 2
} as const
export type Signal = (typeof Signal)[keyof typeof Signal]

/** Result of one pass. The worker owns it and overwrites it at its next pass. */
export class PassOutcome {
  // Times begin as fractions: as a whole number the first one would make V8 lay out the object anew, and compile anew in the next run.
  endMs = Number.NaN
  /** Where its prefill part ends and its decode part starts. */
  prefillEndMs = Number.NaN
  /** Prompt tokens that its prefill part computes. */
  prefillTokens = 0
  /** Output tokens that its decode part emits, a prefill worker's hidden ones included. */
  emittedTokens = 0
  /** Requests that lose their KV blocks in it. */
  preemptions = 0
  /** False when the pass did nothing at all: no admission, no token, no signal, no cache change, no time. Progress may take no time. */
  progressed = false
  readonly requests = emptyObjects<SimRequest>()
  readonly signals: Array<Signal> = []

  begin(nowMs: number): void {
    this.endMs = nowMs
    this.prefillEndMs = nowMs
    this.prefillTokens = 0
    this.emittedTokens = 0
    this.preemptions = 0
    this.progressed = false
    if (this.requests.length === 0) return
    empty(this.requests)
    empty(this.signals)
  }

  /** The pass has changed something. */
  worked(): void {
    this.progressed = true
  }

  signal(request: SimRequest, signal: Signal): void {
    this.requests.push(request)
    this.signals.push(signal)
  }
}

/** A worker at an instant: requests, and KV in blocks. */
export interface WorkerSnapshot {
  readonly waiting: number
  readonly running: number
  readonly activeBlocks: number
  /** Blocks that could be handed out now: free ones and cached ones nobody uses. */
  readonly availableBlocks: number
  /** Those of them that are cached: matchable, and held by nobody. */
  readonly cachedBlocks: number
  readonly capacityBlocks: number
  /** Times since its start that a running request lost its KV and had to wait again (vLLM: preemption, SGLang: retraction). */
  readonly preemptions: number
}

/** A snapshot that is written anew each time, for whoever looks at many. */
export type ReusedSnapshot = { -readonly [Name in keyof WorkerSnapshot]: WorkerSnapshot[Name] }

export const emptySnapshot = (): ReusedSnapshot => ({
  waiting: 0,
  running: 0,
  activeBlocks: 0,
  availableBlocks: 0,
  cachedBlocks: 0,
  capacityBlocks: 0,
  preemptions: 0
})

/** What a worker's KV tiers below its device hold and move. */
export interface TierOccupancy {
  /** Blocks in its host memory. */
  readonly hostBlocks: number
  /** The disk it uses, if any; workers that share one have the same. */
  readonly disk: { readonly blocks: number } | undefined
  /** Blocks moved between device and host memory so far, both ways. */
  readonly movedBlocks: number
  /** Which of the two links between them have a copy under way: 0, 1 or 2. */
  readonly busyLinks: number
}

/** What goes on in a worker between its passes: transfers between KV tiers. */
export interface TierClock {
  occupancy(): TierOccupancy
  /** Moves transfers to `nowMs`; true when something has ended. */
  tick(nowMs: number): boolean
  /** When the next transfer ends; `Infinity` when none is under way. */
  deadlineMs(): number
  /**
   * When the next one ends that makes a difference to the worker or its requests; those before may be seen to later. Absent where every
   * one does.
   */
  noticeMs?(): number
  /**
   * Sees to transfers that have ended by `nowMs`, each at its time, however late that is; true when any had. Present where nobody else uses
   * what moves, or is told of it: then those before {@link noticeMs} may be left to whoever comes next, who sees to them first.
   */
  readonly catchUp?: ((nowMs: number) => boolean) | undefined
  /**
   * Sees to those that end with a pass before their time, for passes that are computed ahead behind it, unless one makes a difference to
   * somebody else. Present where nobody sees what they change before the next pass.
   */
  readonly settle?: ((pass: PassOutcome) => void) | undefined
  /** Before {@link noticeMs} nobody but the worker's own passes uses what moves, or sees it; they see to it. Default: somebody may. */
  readonly isPrivate?: boolean
}

/**
 * A worker of one run: loops submit requests to it and have it compute pass after pass. Synchronous; never told of time but by arguments,
 * simulated ms.
 */
export interface WorkerCore extends BlockHolder {
  /** Present where the worker has KV tiers. */
  readonly tiers?: TierClock | undefined
  /** Requests waiting or running here. */
  readonly inFlight: number
  /** Those of them that wait. */
  readonly queued: number
  /**
   * Waiting requests, from the front, that its next pass may let in, send away or compare: whoever waits behind them changes nothing yet.
   * Absent where its decisions may depend on all of them: every one must be submitted when it arrives.
   */
  readonly queueReach?: number | undefined
  submit(request: SimRequest): void
  /**
   * Drops a request that waits or runs here, between passes: its KV blocks are given back, those that are full stay cached
   * as after a completion. False when the request is not here (any more).
   */
  abort(request: SimRequest): boolean
  pass(nowMs: number): PassOutcome
  /** What {@link runAhead} has computed and {@link catchUp} has not carried out; absent where a worker never runs ahead. */
  readonly ahead?: PassesAhead
  /**
   * Computes the passes that follow the last one directly, as long as they end by `untilMs` and nothing happens in them that anybody
   * outside could notice. Whoever tells the worker anything before their end takes back first what has not begun by then
   * ({@link PassesAhead.keep}).
   */
  runAhead?(untilMs: number): PassesAhead
  /**
   * The same of the passes from `startMs` on, when the last one is over and everybody has been told of it: an outcome that tells of nothing but
   * where the first of them ends. Nothing is returned where that has to be computed in its time.
   */
  startAhead?(startMs: number, untilMs: number): PassOutcome | undefined
  /** The first `passes` of those ahead have begun: whoever listens is told of the cache changes in them, unless it has been already. */
  tellBegun?(passes: number): void
  /** The passes ahead, as far as they were not taken back, have taken place. */
  catchUp?(): void
  /** As it is, or as it is while the last of so many passes ahead is under way; in a new object unless there is one. */
  snapshot(passesAhead?: number, into?: ReusedSnapshot): WorkerSnapshot
  /** Requests waiting or running here, for errors that name them and for the cut-off; waiting first. */
  requests(): ReadonlyArray<SimRequest>
  /** Throws when the worker's own bookkeeping contradicts itself (KV blocks conserved, counts agree). */
  checkInvariants(): void
}
