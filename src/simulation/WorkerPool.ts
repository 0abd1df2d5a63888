/**
 * Equal workers behind one router, and which of them run, wait or could start: what the event loops have in common.
 */
import { KvEventBuffer, type KvEventSink } from "../engine/KvEvents.ts"
import type { Engine } from "../engine/Engine.ts"
import type { WorkerContext } from "../engine/WorkerContext.ts"
import type { TokenGaps } from "../engine/TokenGaps.ts"
import { type PassOutcome, Signal, type WorkerCore } from "../engine/WorkerCore.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import type { Router, RouterContext, RouterCore } from "../router/Router.ts"
import type { ProbedPool, ProbedWorker, RunProbe } from "./RunProbe.ts"
import { checkWorkerMemory } from "./WorkerMemory.ts"
import { BitSet } from "../structures/BitSet.ts"

/** KV events that must wait for the end of the pass that made them. */
interface HeldEvents {
  readonly buffer: KvEventBuffer
  readonly sink: KvEventSink
}

export interface WorkerPoolOptions<Worker extends WorkerCore> {
  readonly engine: Engine["Service"]
  readonly router: Router["Service"]
  readonly role: RouterContext["role"]
  readonly workers: number
  readonly spawn: (context: WorkerContext) => Worker
  readonly gaps: TokenGaps
  readonly probe: RunProbe | undefined
}

export class WorkerPool<Worker extends WorkerCore> {
  readonly router: RouterCore
  readonly cores: ReadonlyArray<Worker>
  /** The pool as probes see it. */
  readonly probed: ProbedPool
  /** Passes computed so far. */
  passes = 0
  private readonly probe: RunProbe | undefined
  private readonly places: ReadonlyArray<ProbedWorker>
  /** Results of the passes under way, by worker. */
  private readonly outcomes: Array<PassOutcome | undefined>
  /** By worker; only where the router listens. */
  private readonly heldEvents: Array<HeldEvents | undefined> = []
  /** Idle workers with requests. */
  private readonly ready: BitSet

  constructor(options: WorkerPoolOptions<Worker>) {
    const { engine, gaps, probe, role, router, workers } = options
    this.probe = probe
    this.router = router.make({
      workers,
      blockTokens: engine.args.blockTokens,
      maxNumBatchedTokens: engine.args.maxNumBatchedTokens,
      queuePolicy: engine.args.routerQueuePolicy,
      role
    })
    checkWorkerMemory(workers, engine.args)
    this.cores = Array.from({ length: workers }, (_, workerIndex) =>
      options.spawn({
        workerIndex,
        gaps,
        ...this.eventSinks(engine, workerIndex),
        probe: probe?.worker?.(role, workerIndex)
      })
    )
    this.places = this.cores.map((core, workerIndex) => ({ role, workerIndex, core }))
    this.probed = { role, workers: this.places, parked: () => this.router.parked }
    this.outcomes = Array.from({ length: workers }, () => undefined)
    this.ready = new BitSet(workers)
  }

  isBusy(worker: number): boolean {
    return this.outcomes[worker] !== undefined
  }

  submit(request: SimRequest, worker: number, nowMs: number): void {
    this.notePlacement(request, worker, nowMs)
    this.cores[worker]!.submit(request)
    this.received(worker)
  }

  /** A request has come to the worker. */
  received(worker: number): void {
    this.noteWork(worker)
  }

  /** The request will be served by this worker. */
  notePlacement(request: SimRequest, worker: number, nowMs: number): void {
    this.probe?.placed?.(request, this.places[worker]!, nowMs)
  }

  /** The worker may have something to do now. */
  noteWork(worker: number): void {
    if (!this.isBusy(worker) && this.cores[worker]!.inFlight > 0) this.ready.add(worker)
  }

  /**
   * Starts passes on idle workers, always going back to the lowest one, until no one can start. `started` is told of each
   * pass and must either queue its end or, for one that takes no time, finish it.
   */
  startPasses(nowMs: number, started: (worker: number, endMs: number) => void): boolean {
    let any = false
    let worker = this.ready.nextFrom(0)
    while (worker >= 0) {
      const endMs = this.startPass(worker, nowMs)
      if (endMs >= 0) {
        any = true
        started(worker, endMs)
        worker = this.ready.nextFrom(0)
      } else worker = this.ready.nextFrom(worker + 1)
    }
    return any
  }

  /** What the pass under way gives. */
  underWay(worker: number): PassOutcome {
    const outcome = this.outcomes[worker]
    if (outcome === undefined) throw new Error(`worker ${worker} has no pass under way`)
    return outcome
  }

  /** Makes the worker idle and returns what its pass did; the router sees the pass's held cache changes. */
  finishPass(worker: number): PassOutcome {
    const outcome = this.underWay(worker)
    this.outcomes[worker] = undefined
    this.publishHeldEvents(worker)
    return outcome
  }

  /** Shows the router the cache changes that waited for an idle worker. */
  publishHeldEvents(worker: number): void {
    const held = this.heldEvents[worker]
    held?.buffer.flush(held.sink)
  }

  /** Everybody in the pool. Who leaves a worker in the pass under way is still there until that pass ends. */
  requests(): Array<SimRequest> {
    const inWorkers = this.cores.flatMap((core, worker) => [
      ...core.requests(),
      ...leavingRequests(this.outcomes[worker])
    ])
    return [...this.router.parkedRequests(), ...inWorkers]
  }

  /** End of the pass, or -1 when it did nothing: then the worker stays idle until something else changes. */
  private startPass(worker: number, nowMs: number): number {
    const core = this.cores[worker]!
    const startMs = this.startOf(worker, nowMs)
    const outcome = core.pass(startMs)
    this.passes += 1
    this.probe?.pass?.(this.places[worker]!, startMs, outcome)
    if (outcome.endMs === startMs && !outcome.progressed) return -1
    this.began(worker, outcome)
    return outcome.endMs
  }

  /** When a pass starts in the model that could start now. */
  protected startOf(_worker: number, nowMs: number): number {
    return nowMs
  }

  protected began(worker: number, outcome: PassOutcome): void {
    this.ready.remove(worker)
    this.outcomes[worker] = outcome
  }

  private eventSinks(engine: Engine["Service"], worker: number): Pick<WorkerContext, "kvEvents" | "kvEventsAtPassEnd"> {
    const sink = this.router.kvEvents(worker)
    if (sink === undefined) return { kvEvents: undefined }
    const buffer = new KvEventBuffer()
    this.heldEvents[worker] = { buffer, sink }
    return { kvEvents: engine.kvEventVisibility === "pass-start" ? sink : buffer, kvEventsAtPassEnd: buffer }
  }
}

const leavingRequests = (outcome: PassOutcome | undefined): Array<SimRequest> =>
  outcome === undefined ? [] : outcome.requests.filter((_, index) => outcome.signals[index] !== Signal.FirstToken)
