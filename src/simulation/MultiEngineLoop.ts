/**
 * The event loop for several workers behind a router.
 *
 * Events are pass completions; arrivals come from the workload. At one instant everything settles in rounds until nothing
 * changes: completions in the order in which their passes started, then arrivals, then new passes by ascending worker.
 */
import type { Engine } from "../engine/Engine.ts"
import { Signal, type WorkerCore } from "../engine/WorkerCore.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import type { Placement, Router } from "../router/Router.ts"
import { empty } from "../structures/Emptied.ts"
import { EventLoop } from "./EventLoop.ts"
import { PassEnds } from "./PassEnds.ts"
import { makesSlow } from "./WorkerEvent.ts"
import type { LoopContext } from "./SimulationLoop.ts"
import { type PassesStarted, WorkerPool } from "./WorkerPool.ts"
import { emptyObjects } from "../structures/EmptyObjects.ts"

export class MultiEngineLoop extends EventLoop {
  private readonly pool: WorkerPool<WorkerCore>
  private readonly released = emptyObjects<Placement>()
  private readonly passEnds = new PassEnds(this.queue, (worker) => worker)
  private readonly onStarted: PassesStarted = (worker, endMs, startMs, firstStartMs) => {
    if (endMs === this.nowMs) this.completePass(worker)
    else this.passEnds.started(worker, endMs, startMs, firstStartMs, this.roundOf(firstStartMs))
  }

  constructor(context: LoopContext, engine: Engine["Service"], router: Router["Service"], workers: number) {
    super(context)
    const { gaps, probe } = context
    const { sharedTiers } = this
    this.pool = new WorkerPool({
      engine,
      router,
      role: "aggregated",
      workers,
      spawn: engine.spawn,
      gaps,
      probe,
      mayBeSlow: makesSlow(context.workerEvents),
      sharedTiers,
      tiersLeftAlone: probe === undefined && context.scaling === undefined,
      runsAhead: this.runsAhead(
        this.passEnds,
        (worker) => this.completePass(worker),
        () => this.leftAloneUntilMs()
      )
    })
    this.adopt([this.pool])
  }

  workerSeconds(): { readonly prefill: number; readonly decode: number } {
    return { prefill: 0, decode: this.pool.workerSeconds(this.nowMs) }
  }

  protected settleRound(): boolean {
    let changed = this.completePasses()
    if (this.context.scaling !== undefined && this.completeStarts()) changed = true
    if (this.takeArrivals()) changed = true
    if (this.starved) return changed
    return this.pool.startPasses(this.nowMs, this.onStarted) || changed
  }

  private completePasses(): boolean {
    const { queue } = this
    let any = false
    while (queue.headMs === this.nowMs && queue.headPayload >= 0) {
      const worker = queue.headPayload
      queue.pop()
      // The end of a pass whose worker has failed is nothing.
      if (this.pool.isBusy(worker)) this.completePass(worker)
      any = true
    }
    return any
  }

  protected arrive(request: SimRequest): void {
    const worker = this.pool.route(request, this.nowMs)
    if (worker >= 0) this.dispatch(request, worker)
  }

  protected takeBack(_pool: WorkerPool<WorkerCore>, lost: ReadonlyArray<SimRequest>): ReadonlyArray<SimRequest> {
    for (const request of lost) this.pool.router.freed(request, this.nowMs)
    return lost
  }

  protected placeParked(): void {
    for (const request of this.pool.takeUnplaced()) this.arrive(request)
    this.takeReleased()
    this.dispatchReleased()
  }

  private dispatch(request: SimRequest, worker: number): void {
    request.workerIndex = worker
    this.pool.submit(request, worker, this.nowMs)
  }

  private completePass(worker: number): void {
    const outcome = this.pool.finishPass(worker)
    for (let index = 0; index < outcome.requests.length; index++) {
      this.applySignal(outcome.requests[index]!, outcome.signals[index]!)
    }
    this.pool.noteWork(worker)
  }

  /** The router learns first (it may release parked requests), then the workload; released requests are dispatched last. */
  private applySignal(request: SimRequest, signal: Signal): void {
    const { ledger, probe } = this.context
    const { router } = this.pool
    if (signal === Signal.FirstToken) router.prefillDone(request, this.nowMs)
    else router.freed(request, this.nowMs)
    this.takeReleased()
    if (signal !== Signal.FirstToken) {
      ledger.finish(request, signal === Signal.Rejected ? "rejected" : "completed")
      probe?.record?.(request, this.nowMs)
      this.tellWorkload(request)
    }
    this.dispatchReleased()
  }

  private dispatchReleased(): void {
    if (this.released.length === 0) return
    for (const { request, workerIndex } of this.released) this.dispatch(request, workerIndex)
    empty(this.released)
  }

  private takeReleased(): void {
    const { pool } = this
    for (let next = pool.takeReleased(); next !== undefined; next = pool.takeReleased()) this.released.push(next)
  }
}
