/**
 * What event-driven topologies share: settle an instant in rounds, then move to the next one.
 *
 * A round is the topology's: completions, arrivals, new passes, in its order. Rounds repeat until one changes nothing. The next
 * instant is the earlier of the next arrival and the next event.
 */
import type { PoolSize, ScalingDecision } from "../autoscaler/Autoscaler.ts"
import { SharedTiers, type TierSummary } from "../engine/tiers/SharedTiers.ts"
import type { WorkerCore, WorkerSnapshot } from "../engine/WorkerCore.ts"
import type { WorkerGroupTime } from "../report/ReplayEvent.ts"
import type { BlockHolder } from "../request/BlockIdentity.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import { EventQueue, placeInRound } from "./EventQueue.ts"
import type { ScalingHook } from "./ScalingHook.ts"
import type { LostRequests, WorkerEvent } from "./WorkerEvent.ts"
import { ScalingLog, wrongTarget } from "./ScalingLog.ts"
import type { ReplayError } from "./ReplayError.ts"
import {
  collectIdentities,
  deadEnd,
  nobodyLeft,
  type EndReason,
  type LoopContext,
  type LoopState,
  type SimulationLoop
} from "./SimulationLoop.ts"
import type { ProbedRun } from "./RunProbe.ts"
import type { PassEnds } from "./PassEnds.ts"
import type { RunsAhead, WorkerPool } from "./WorkerPool.ts"

/** No count of changes: the tiers must be looked at. */
const notSeen = -1
/** Before any time: the workload must be asked. */
const askWorkload = -1

/**
 * Events of scaling have negative payloads, so that topologies may use the others as they like: a tick, something that happens to a
 * worker from outside, or the end of a worker's start, `readyBase - (worker * 2 + pool)`.
 */
const tickPayload = -1
const workerEventPayload = -2
const readyBase = -3
/** Ticks come after everything else of their instant; the rank of everything else is the time at which it began. */
const tickRank = Number.POSITIVE_INFINITY

/** Ticks in a row in which nothing but ticks is left to happen, after which nothing ever will. */
const maxIdleTicks = 1024

export abstract class EventLoop implements SimulationLoop {
  nowMs = 0
  ended: EndReason | undefined
  protected readonly context: LoopContext
  protected readonly queue = new EventQueue()
  protected readonly sharedTiers = new SharedTiers()
  /** Rounds of this instant that are over. */
  protected round = 0
  /** The workload must be fed before anything else can be said to happen now. */
  protected starved = false
  /** Until when the workload has nothing to offer, as far as it was asked; asking it at every event would cost more than most events. */
  private nextArrivalMs = askWorkload
  /** When the next transfer ends, as of so many changes. */
  private transferMs = Number.POSITIVE_INFINITY
  private seenChanges = 0
  private pools: ReadonlyArray<WorkerPool<WorkerCore>> = []
  private holders: ReadonlyArray<BlockHolder> = []
  private probed: ProbedRun
  /** Ticks and starts in the queue: they do not keep a run alive. */
  private queuedScaling = 0
  private idleTicks = 0
  private nextWorkerEvent = 0
  /** Decisions that have come and are not carried out yet. */
  private readonly decisions: Array<ScalingDecision> = []
  /** Decisions asked for that have not come yet. */
  private pendingDecisions = 0
  private readonly onTransfersEnded = (pool: WorkerPool<WorkerCore>, worker: number): void =>
    this.transfersEnded(pool, worker)

  constructor(context: LoopContext) {
    this.context = context
    this.probed = { pools: [], ledger: context.ledger }
    // See SteadyDecode.late.
    this.ended = undefined
  }

  abstract workerSeconds(): { readonly prefill: number; readonly decode: number }

  /** One round at the current instant; true when it changed anything. Stops early when the workload needs rows. */
  protected abstract settleRound(): boolean

  /** A request arrives now. */
  protected abstract arrive(request: SimRequest): void

  interrupt(): void {
    if (this.ended === undefined) this.end("interrupted")
  }

  workers(): ReadonlyArray<WorkerSnapshot> {
    return this.pools.flatMap(({ probed }) => probed.workers.map(({ core }) => core.snapshot()))
  }

  passes(): number {
    return this.pools.reduce((sum, pool) => sum + pool.passes, 0)
  }

  tierSummary(): TierSummary | undefined {
    return this.sharedTiers.summary()
  }

  workerGroups(): ReadonlyArray<WorkerGroupTime> {
    return this.pools.flatMap((pool) => pool.workerGroups(this.nowMs))
  }

  parked(): number {
    return this.pools.reduce((sum, pool) => sum + pool.parked, 0)
  }

  /** Workers compute passes ahead of time unless somebody watches them; `complete` ends a pass that ends now. */
  protected runsAhead(
    ends: PassEnds,
    complete: (worker: number) => void,
    leftAloneUntilMs = (): number => Number.NEGATIVE_INFINITY
  ): RunsAhead | undefined {
    const { everyPass, maxSimTimeMs } = this.context
    if (everyPass) return undefined
    const moved = (worker: number, endMs: number, startMs: number | undefined): void => {
      if (endMs > this.nowMs) return ends.moved(worker, endMs, startMs)
      ends.callOff(worker)
      complete(worker)
    }
    return { untilMs: maxSimTimeMs, leftAloneUntilMs, moved }
  }

  /** Until when nobody arrives, whatever ends, and nothing else happens to a pool; a run that is cut off ends with the last pass before that. */
  protected leftAloneUntilMs(): number {
    const { maxSimTimeMs, scaling, workload } = this.context
    const isOpen = scaling === undefined && maxSimTimeMs === Number.POSITIVE_INFINITY && workload.ignoresEnds === true
    return isOpen ? this.nextArrivalMs : this.nowMs
  }

  /** The round of its instant in which a pass starts that has just been computed: one ahead of its time, in the first. */
  protected roundOf(startMs: number): number {
    return startMs === this.nowMs ? this.round : 0
  }

  /** Transfers between the KV tiers of an idle worker have ended. */
  protected transfersEnded(_pool: WorkerPool<WorkerCore>, _worker: number): void {}

  /** Registers the pools once they exist. */
  protected adopt(pools: ReadonlyArray<WorkerPool<WorkerCore>>): void {
    this.pools = pools
    this.holders = [...pools, this.context.workload]
    this.probed = { pools: pools.map((pool) => pool.probed), ledger: this.context.ledger }
    this.context.probe?.start?.(this.probed)
    const { scaling } = this.context
    if (scaling === undefined) return
    scaling.log.sizes(0, this.sizes())
    for (const { atMs } of this.context.workerEvents) {
      this.queue.push(atMs, tickRank, workerEventPayload)
      this.queuedScaling += 1
    }
    if (scaling.firstTickMs < Number.POSITIVE_INFINITY) this.queueTick(Math.max(scaling.firstTickMs, 0))
  }

  /** Requests that were parked may have somewhere to go: workers have come or gone. */
  protected abstract placeParked(pool: WorkerPool<WorkerCore>): void

  /** A worker is gone with these requests: cleans up after it and returns those that have to start again. */
  protected abstract takeBack(pool: WorkerPool<WorkerCore>, lost: ReadonlyArray<SimRequest>): ReadonlyArray<SimRequest>

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

  /** The request is over, as it starts again as another, though a worker in mid-pass may still have it. */
  protected isTakenBack(_request: SimRequest): boolean {
    return false
  }

  /** Nothing happens any more: true when somebody can go on nevertheless, out of turn. */
  protected unlock(): boolean {
    return false
  }

  /** Settled requests whose record could not be handed out yet. */
  protected withheld(): ReadonlyArray<SimRequest> {
    return []
  }

  /** When something happens next. Unless somebody looks on, ends of transfers that nobody notices are seen to with it, or in the end. */
  private nextInstantMs(): number {
    const { maxSimTimeMs, time } = this.context
    let nextMs = this.nextTransferMs()
    if (this.nextArrivalMs < nextMs) nextMs = this.nextArrivalMs
    if (this.queue.headMs < nextMs) nextMs = this.queue.headMs
    if (this.pendingDecisions > 0) nextMs = Math.min(nextMs, time.nextTimerMs)
    if (nextMs < Number.POSITIVE_INFINITY && nextMs <= maxSimTimeMs) return nextMs
    this.transferMs = this.earliestTransferMs(false)
    return Math.min(nextMs, this.nextTransferMs())
  }

  /** Settles the current instant, then moves to the next one at which something happens. */
  step(): LoopState {
    const { context } = this
    if (!this.settle()) return "needs-rows"
    context.time.advanceTo(this.nowMs, true)
    if (this.decisions.length > 0) return "running"
    collectIdentities(context, this.holders)
    if (context.scaling !== undefined && this.isDone()) return this.end("drained")
    const nextMs = this.nextInstantMs()
    if (nextMs === Number.POSITIVE_INFINITY) {
      if (context.workload.drained && context.ledger.inFlight === 0) return this.end("drained")
      if (this.unlock()) return "running"
      throw this.stuck()
    }
    if (context.scaling !== undefined) this.countIdleTicks()
    if (nextMs > context.maxSimTimeMs) return this.end("max-sim-time")
    context.time.advanceTo(nextMs, false)
    context.probe?.time?.(nextMs)
    if (nextMs > this.nowMs) this.round = 0
    this.nowMs = nextMs
    return "running"
  }

  /** Everything that happens now; false when the workload must be fed first (call again then). */
  private settle(): boolean {
    for (;;) {
      const transferred = this.tickTiers()
      let changed = this.settleRound() || transferred
      if (this.starved) return false
      this.round += 1
      if (this.context.scaling !== undefined && this.settleScaling(this.context.scaling)) changed = true
      if (!changed) return true
    }
  }

  /** Transfers between KV tiers that end now, of busy workers as well; true when any did. */
  private tickTiers(): boolean {
    const { pools } = this
    // In one pool only passes start transfers, and each of them ticks its worker first.
    this.lookAtTransfers()
    if (pools.length === 1 && this.transferMs > this.nowMs) return false
    let any = false
    for (let index = 0; index < pools.length; index++) {
      if (pools[index]!.tickTiers(this.nowMs, this.onTransfersEnded)) any = true
    }
    if (this.transferMs <= this.nowMs) this.seenChanges = notSeen
    return any
  }

  /** When the next transfer ends that has to be seen to at that time. */
  private nextTransferMs(): number {
    this.lookAtTransfers()
    // A transfer that takes no time is over with the next tick, even when the clock has passed its start.
    return this.transferMs > this.nowMs ? this.transferMs : this.nowMs
  }

  /** Brings {@link transferMs} up to date. */
  private lookAtTransfers(): void {
    const { everyPass, probe, scaling } = this.context
    const { times, unnoticed } = this.sharedTiers
    const noticedOnly = probe === undefined && scaling === undefined && !everyPass
    const changes = noticedOnly ? times.changes : times.changes + unnoticed.changes
    if (changes === this.seenChanges) return
    this.seenChanges = changes
    this.transferMs = this.earliestTransferMs(noticedOnly)
  }

  private earliestTransferMs(noticedOnly: boolean): number {
    const { pools } = this
    let nextMs = Number.POSITIVE_INFINITY
    for (let index = 0; index < pools.length; index++) {
      const poolMs = pools[index]!.nextTransferMs(noticedOnly)
      if (poolMs < nextMs) nextMs = poolMs
    }
    return nextMs
  }

  // ---- scaling: nothing of this is reached in a run whose workers stay ------------------------------------------------

  /** Workers whose start ends now take requests; true when there were any. */
  protected completeStarts(): boolean {
    const { queue } = this
    let any = false
    while (queue.headMs === this.nowMs && queue.headPayload <= readyBase) {
      const code = readyBase - queue.headPayload
      queue.pop()
      this.queuedScaling -= 1
      const pool = this.pools[code & 1]!
      if (pool.finishStart(code >> 1, this.nowMs)) this.poolChanged(pool)
      any = true
    }
    return any
  }

  /** The end of a round: who has drained leaves, then ticks, then what was decided. */
  private settleScaling(scaling: ScalingHook): boolean {
    let changed = false
    for (const pool of this.pools) {
      if (!pool.removeDrained(this.nowMs)) continue
      this.poolChanged(pool)
      changed = true
    }
    while (this.queue.headMs === this.nowMs && this.queue.headPayload === workerEventPayload) {
      this.queue.pop()
      this.queuedScaling -= 1
      this.happen(this.context.workerEvents[this.nextWorkerEvent++]!, scaling.log)
      changed = true
    }
    while (this.queue.headMs === this.nowMs && this.queue.headPayload === tickPayload) {
      this.queue.pop()
      this.queuedScaling -= 1
      // The tick at which everything is over is not one any more.
      if (this.isDone()) continue
      scaling.log.ticks += 1
      this.pendingDecisions += 1
      scaling.ask(this.nowMs, this.sizes(), (decision) => {
        this.pendingDecisions -= 1
        this.decisions.push(decision)
      })
      changed = true
    }
    for (const decision of this.decisions.splice(0)) {
      this.carryOut(decision, scaling.log)
      changed = true
    }
    return changed
  }

  private carryOut({ nextTickMs, reason, targets }: ScalingDecision, log: ScalingLog): void {
    this.pools.forEach((pool, index) => {
      const to = targets[pool.role]
      if (to === undefined) return
      if (!Number.isSafeInteger(to) || to < 0) throw wrongTarget(this.nowMs, pool.role, to)
      const { ready, starting } = pool.size()
      const from = ready + starting
      if (!pool.scaleTo(to, this.nowMs, this.queueStart(index))) return
      log.scaled(this.nowMs, pool.role, from, to, typeof reason === "object" ? reason[pool.role] : reason)
      this.poolChanged(pool)
    })
    if (nextTickMs !== undefined && Number.isFinite(nextTickMs) && nextTickMs > this.nowMs) this.queueTick(nextTickMs)
  }

  private happen(event: WorkerEvent, log: ScalingLog): void {
    const index = this.pools.findIndex(({ role }) => role === event.pool)
    const pool = this.pools[index]!
    switch (event.kind) {
      case "fail": {
        const lost = pool.fail(event.worker, this.nowMs)
        const again = lost === undefined ? [] : this.takeBack(pool, lost)
        for (const request of again) this.lose(request, event.requests)
        log.happened(event, lost !== undefined, again.length)
        break
      }
      case "drain":
        log.happened(event, pool.drain(event.worker), 0)
        break
      case "slow":
        log.happened(event, pool.slow(event.worker, event.factor, this.nowMs), 0)
        break
      case "add": {
        const { ready, starting } = pool.size()
        pool.scaleTo(ready + starting + event.workers, this.nowMs, this.queueStart(index))
        log.happened(event, true, 0)
      }
    }
    this.poolChanged(pool)
  }

  /** The request starts again, or ends here. */
  private lose(request: SimRequest, fate: LostRequests): void {
    const { ledger, probe } = this.context
    const again = fate === "retry" ? request.again() : undefined
    probe?.lost?.(request, this.nowMs, again)
    if (again !== undefined) {
      this.arrive(again)
      return
    }
    ledger.finish(request, "failed")
    probe?.record?.(request, this.nowMs)
    this.tellWorkload(request)
  }

  private queueStart(pool: number): (worker: number, readyMs: number) => void {
    return (worker, readyMs) => {
      const payload = readyBase - (worker * 2 + pool)
      // Payloads of starts fall with the worker.
      this.queue.push(readyMs, this.nowMs, payload, placeInRound(this.round, -payload))
      this.queuedScaling += 1
    }
  }

  private poolChanged(pool: WorkerPool<WorkerCore>): void {
    this.context.scaling?.log.sizes(this.nowMs, this.sizes())
    this.placeParked(pool)
  }

  private queueTick(timeMs: number): void {
    this.queue.push(timeMs, tickRank, tickPayload)
    this.queuedScaling += 1
  }

  private sizes(): ReadonlyArray<PoolSize> {
    return this.pools.map((pool) => pool.size())
  }

  /** Nothing is left to do; ticks and starts may still be queued. */
  private isDone(): boolean {
    const { ledger, workload } = this.context
    if (this.pools.some((pool) => pool.nextTransferMs() !== Number.POSITIVE_INFINITY)) return false
    return this.queue.length === this.queuedScaling && ledger.inFlight === 0 && workload.drained
  }

  /** Throws when ticks go on for ever although they change nothing any more. */
  private countIdleTicks(): void {
    const onlyTicks =
      this.nextArrivalMs === Number.POSITIVE_INFINITY
      && this.queue.length === this.queuedScaling
      && this.nextTransferMs() === Number.POSITIVE_INFINITY
      && this.pools.every((pool) => pool.size().starting === 0)
    this.idleTicks = onlyTicks ? this.idleTicks + 1 : 0
    if (this.idleTicks <= maxIdleTicks) return
    if (!this.unlock()) throw this.stuck()
    this.idleTicks = 0
  }

  private stuck(): ReplayError {
    const { inFlight } = this.context.ledger
    const empty = this.pools
      .map((pool) => pool.size())
      .find(({ draining, ready, starting }) => ready + starting + draining === 0)
    return empty === undefined
      ? deadEnd(this.nowMs, inFlight, this.inPools())
      : nobodyLeft(this.nowMs, inFlight, empty.role)
  }

  private inPools(): Array<SimRequest> {
    for (const pool of this.pools) pool.interruptAll(this.nowMs)
    return this.pools.flatMap((pool) => pool.requests()).filter((request) => !this.isTakenBack(request))
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
