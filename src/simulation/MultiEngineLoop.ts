/**
 * The event loop for several workers behind a router.
 *
 * Events are pass completions; arrivals come from the workload. At one instant everything settles in rounds until nothing
 * changes: completions in the order in which their passes started, then arrivals, then new passes by ascending worker.
 */
import { KvEventBuffer, type KvEventSink } from "../engine/KvEvents.ts"
import type { Engine } from "../engine/Engine.ts"
import { type PassOutcome, Signal, type WorkerCore, type WorkerSnapshot } from "../engine/WorkerCore.ts"
import type { BlockHolder } from "../request/BlockIdentity.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import type { Router, RouterCore } from "../router/Router.ts"
import { EventQueue } from "./EventQueue.ts"
import {
  collectIdentities,
  deadEnd,
  type EndReason,
  type LoopContext,
  type LoopState,
  type SimulationLoop
} from "./SimulationLoop.ts"
import { WorkerSet } from "./WorkerSet.ts"

const completionRank = 0

export class MultiEngineLoop implements SimulationLoop {
  nowMs = 0
  ended: EndReason | undefined = undefined
  private readonly context: LoopContext
  private readonly router: RouterCore
  private readonly cores: ReadonlyArray<WorkerCore>
  private readonly holders: ReadonlyArray<BlockHolder>
  /** Results of the passes under way, by worker. */
  private readonly outcomes: Array<PassOutcome | undefined>
  /** Events that wait for their pass's end, by worker; empty when the router sees them at pass start. */
  private readonly heldEvents: ReadonlyArray<{ readonly buffer: KvEventBuffer; readonly sink: KvEventSink }>
  private readonly queue = new EventQueue()
  /** Idle workers with requests. */
  private readonly ready: WorkerSet
  private readonly released: Array<SimRequest> = []
  private workerTimeSeconds = 0

  constructor(context: LoopContext, engine: Engine["Service"], router: Router["Service"], workers: number) {
    this.context = context
    this.router = router.make({
      workers,
      blockTokens: engine.args.blockTokens,
      maxNumBatchedTokens: engine.args.maxNumBatchedTokens,
      queuePolicy: engine.args.routerQueuePolicy,
      role: "aggregated"
    })
    const heldEvents: Array<{ readonly buffer: KvEventBuffer; readonly sink: KvEventSink }> = []
    this.cores = Array.from({ length: workers }, (_, workerIndex) => {
      const sink = this.router.kvEvents(workerIndex)
      if (sink === undefined || engine.kvEventVisibility === "pass-start") {
        return engine.spawn({ workerIndex, gaps: context.gaps, kvEvents: sink })
      }
      const buffer = new KvEventBuffer()
      heldEvents[workerIndex] = { buffer, sink }
      return engine.spawn({ workerIndex, gaps: context.gaps, kvEvents: buffer })
    })
    this.heldEvents = heldEvents
    this.holders = [...this.cores, this.router, context.workload]
    this.outcomes = Array.from({ length: workers }, () => undefined)
    this.ready = new WorkerSet(workers)
  }

  advance(steps: number): LoopState {
    for (let step = 0; step < steps; step++) {
      const state = this.step()
      if (state !== "running") return state
    }
    return "running"
  }

  interrupt(): void {
    if (this.ended === undefined) this.end("interrupted")
  }

  workerSeconds(): { readonly prefill: number; readonly decode: number } {
    return { prefill: 0, decode: this.workerTimeSeconds }
  }

  workers(): ReadonlyArray<WorkerSnapshot> {
    return this.cores.map((core) => core.snapshot())
  }

  parked(): number {
    return this.router.parked
  }

  /** Settles the current instant, then moves to the next one at which something happens. */
  private step(): LoopState {
    const { context, queue } = this
    if (!this.settle()) return "needs-rows"
    context.time.advanceTo(this.nowMs, true)
    collectIdentities(context, this.holders)
    const nextMs = Math.min(context.workload.nextReadyMs(), queue.headMs)
    if (nextMs === Number.POSITIVE_INFINITY) {
      if (context.workload.drained && context.ledger.inFlight === 0) return this.end("drained")
      throw deadEnd(this.nowMs, context.ledger.inFlight, this.cores.flatMap((core) => core.requests()))
    }
    if (nextMs > context.maxSimTimeMs) return this.end("max-sim-time")
    this.workerTimeSeconds += this.cores.length * (nextMs - this.nowMs) / 1000
    context.time.advanceTo(nextMs, false)
    context.checks?.time(nextMs)
    this.nowMs = nextMs
    return "running"
  }

  /** Everything that happens now; false when the workload must be fed first (call again then). */
  private settle(): boolean {
    for (;;) {
      let changed = this.completePasses()
      const arrivals = this.takeArrivals()
      if (this.context.workload.needsRows) return false
      if (arrivals) changed = true
      if (this.startPasses()) changed = true
      if (!changed) return true
    }
  }

  private completePasses(): boolean {
    const { queue } = this
    let any = false
    while (queue.length > 0 && queue.headMs === this.nowMs) {
      const worker = queue.headPayload
      queue.pop()
      this.completePass(worker)
      any = true
    }
    return any
  }

  private takeArrivals(): boolean {
    const { ledger, workload } = this.context
    let any = false
    for (;;) {
      const request = workload.popReady(this.nowMs, ledger.inFlight)
      if (request === undefined) return any
      any = true
      ledger.arrive()
      const worker = this.router.route(request, this.nowMs)
      if (worker >= 0) this.dispatch(request, worker)
    }
  }

  private dispatch(request: SimRequest, worker: number): void {
    request.workerIndex = worker
    this.cores[worker]!.submit(request)
    if (this.outcomes[worker] === undefined) this.ready.add(worker)
  }

  /** Starts passes on idle workers, always going back to the lowest one, until no one can start. */
  private startPasses(): boolean {
    let any = false
    let worker = this.ready.nextFrom(0)
    while (worker >= 0) {
      if (this.startPass(worker)) {
        any = true
        worker = this.ready.nextFrom(0)
      } else worker = this.ready.nextFrom(worker + 1)
    }
    return any
  }

  /** False when the pass did nothing: the worker stays idle until something else changes. */
  private startPass(worker: number): boolean {
    const { checks } = this.context
    const core = this.cores[worker]!
    const outcome = core.pass(this.nowMs)
    checks?.pass(core, this.nowMs, outcome.endMs)
    if (outcome.endMs === this.nowMs && !outcome.progressed) return false
    this.ready.remove(worker)
    this.outcomes[worker] = outcome
    if (outcome.endMs === this.nowMs) this.completePass(worker)
    else this.queue.push(outcome.endMs, completionRank, worker)
    return true
  }

  private completePass(worker: number): void {
    const outcome = this.outcomes[worker]
    if (outcome === undefined) throw new Error(`worker ${worker} has no pass to complete`)
    this.outcomes[worker] = undefined
    const held = this.heldEvents[worker]
    held?.buffer.flush(held.sink)
    for (let index = 0; index < outcome.requests.length; index++) {
      this.applySignal(outcome.requests[index]!, outcome.signals[index]!)
    }
    if (this.cores[worker]!.inFlight > 0) this.ready.add(worker)
  }

  /** The router learns first (it may release parked requests), then the workload; released requests are dispatched last. */
  private applySignal(request: SimRequest, signal: Signal): void {
    const { checks, ledger, workload } = this.context
    if (signal === Signal.FirstToken) this.router.prefillDone(request, this.nowMs)
    else this.router.freed(request, this.nowMs)
    this.collectReleased()
    if (signal !== Signal.FirstToken) {
      ledger.finish(request, signal === Signal.Rejected ? "rejected" : "completed")
      checks?.record(request)
      workload.onTerminal(request, this.nowMs)
    }
    for (const next of this.released) this.dispatch(next, next.workerIndex)
    this.released.length = 0
  }

  private collectReleased(): void {
    for (;;) {
      const request = this.router.takeReleased()
      if (request === undefined) return
      this.released.push(request)
    }
  }

  private end(reason: EndReason): LoopState {
    this.ended = reason
    const requests = this.cores.flatMap((core) => core.requests())
    this.context.checks?.end(this.context.ledger, reason === "drained", this.cores)
    this.context.ledger.cutOff(requests)
    return "ended"
  }
}
