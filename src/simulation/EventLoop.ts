/**
 * What event-driven topologies share: settle an instant in rounds, then move to the next one.
 *
 * A round is the topology's: completions, arrivals, new passes, in its order. Rounds repeat until one changes nothing. The next
 * instant is the earlier of the next arrival and the next event.
 */
import type { WorkerCore, WorkerSnapshot } from "../engine/WorkerCore.ts"
import type { BlockHolder } from "../request/BlockIdentity.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import { EventQueue } from "./EventQueue.ts"
import {
  collectIdentities,
  deadEnd,
  type EndReason,
  type LoopContext,
  type LoopState,
  type SimulationLoop
} from "./SimulationLoop.ts"
import type { ProbedRun } from "./RunProbe.ts"
import type { WorkerPool } from "./WorkerPool.ts"

/** Before any time: the workload must be asked. */
const askWorkload = -1

export abstract class EventLoop implements SimulationLoop {
  nowMs = 0
  ended: EndReason | undefined = undefined
  protected readonly context: LoopContext
  protected readonly queue = new EventQueue()
  /** The workload must be fed before anything else can be said to happen now. */
  protected starved = false
  /** Until when the workload has nothing to offer, as far as it was asked; asking it at every event would cost more than most events. */
  private nextArrivalMs = askWorkload
  private pools: ReadonlyArray<WorkerPool<WorkerCore>> = []
  private holders: ReadonlyArray<BlockHolder> = []
  private probed: ProbedRun

  constructor(context: LoopContext) {
    this.context = context
    this.probed = { pools: [], ledger: context.ledger }
  }

  abstract workerSeconds(): { readonly prefill: number; readonly decode: number }

  /** One round at the current instant; true when it changed anything. Stops early when the workload needs rows. */
  protected abstract settleRound(): boolean

  /** A request arrives now. */
  protected abstract arrive(request: SimRequest): void

  /** Time passes while the workers are provisioned. */
  protected abstract chargeTime(deltaMs: number): void

  interrupt(): void {
    if (this.ended === undefined) this.end("interrupted")
  }

  workers(): ReadonlyArray<WorkerSnapshot> {
    return this.pools.flatMap((pool) => pool.cores.map((core) => core.snapshot()))
  }

  passes(): number {
    return this.pools.reduce((sum, pool) => sum + pool.passes, 0)
  }

  parked(): number {
    return this.pools.reduce((sum, pool) => sum + pool.router.parked, 0)
  }

  /** Registers the pools once they exist. */
  protected adopt(pools: ReadonlyArray<WorkerPool<WorkerCore>>): void {
    this.pools = pools
    this.holders = [...pools.flatMap((pool) => [...pool.cores, pool.router]), this.context.workload]
    this.probed = { pools: pools.map((pool) => pool.probed), ledger: this.context.ledger }
    this.context.probe?.start?.(this.probed)
  }

  /** Lets everything that is ready now arrive; true when anything did. Sets {@link starved} when the workload must be fed first. */
  protected takeArrivals(): boolean {
    if (this.nextArrivalMs > this.nowMs) return false
    const { ledger, probe, workload } = this.context
    let any = false
    for (;;) {
      const request = workload.popReady(this.nowMs, ledger.inFlight)
      if (request === undefined) break
      any = true
      ledger.arrive()
      probe?.arrival?.(request, this.nowMs)
      this.arrive(request)
    }
    this.starved = workload.needsRows
    this.nextArrivalMs = this.starved ? askWorkload : workload.nextReadyMs()
    return any
  }

  /** The request has ended: the workload may have something new to offer. */
  protected tellWorkload(request: SimRequest): void {
    this.context.workload.onTerminal(request, this.nowMs)
    this.nextArrivalMs = askWorkload
  }

  /** Settled requests whose record could not be handed out yet. */
  protected withheld(): ReadonlyArray<SimRequest> {
    return []
  }

  /** Settles the current instant, then moves to the next one at which something happens. */
  step(): LoopState {
    const { context } = this
    if (!this.settle()) return "needs-rows"
    context.time.advanceTo(this.nowMs, true)
    collectIdentities(context, this.holders)
    const nextMs = Math.min(this.nextArrivalMs, this.queue.headMs)
    if (nextMs === Number.POSITIVE_INFINITY) {
      if (context.workload.drained && context.ledger.inFlight === 0) return this.end("drained")
      throw deadEnd(this.nowMs, context.ledger.inFlight, this.inPools())
    }
    if (nextMs > context.maxSimTimeMs) return this.end("max-sim-time")
    this.chargeTime(nextMs - this.nowMs)
    context.time.advanceTo(nextMs, false)
    context.probe?.time?.(nextMs)
    this.nowMs = nextMs
    return "running"
  }

  /** Everything that happens now; false when the workload must be fed first (call again then). */
  private settle(): boolean {
    for (;;) {
      const changed = this.settleRound()
      if (this.starved) return false
      if (!changed) return true
    }
  }

  private inPools(): Array<SimRequest> {
    return this.pools.flatMap((pool) => pool.requests())
  }

  private end(reason: EndReason): LoopState {
    const { ledger, probe } = this.context
    this.ended = reason
    // A request between the pools is known to both.
    const cutOff = new Set(this.inPools().filter((request) => request.status === "in_flight"))
    probe?.end?.(this.probed, { nowMs: this.nowMs, drained: reason === "drained", cutOff: cutOff.size })
    for (const request of this.withheld()) ledger.emit(request)
    ledger.cutOff(cutOff)
    return "ended"
  }
}
