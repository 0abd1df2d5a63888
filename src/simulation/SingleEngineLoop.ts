/**
 * The loop for one worker without a router: pass after pass, no event queue.
 *
 * Arrivals during a pass wait for its end; an idle engine jumps to the next arrival. At one instant completions come
 * first, then arrivals, then the next pass.
 */
import type { SharedTiers, TierSummary } from "../engine/tiers/SharedTiers.ts"
import { type PassOutcome, Signal, type TierClock, type WorkerCore, type WorkerSnapshot } from "../engine/WorkerCore.ts"
import type { BlockHolder } from "../request/BlockIdentity.ts"
import type { ProbedRun, ProbedWorker } from "./RunProbe.ts"
import {
  collectIdentities,
  deadEnd,
  type EndReason,
  type LoopContext,
  type LoopState,
  maxIdlePasses,
  type SimulationLoop
} from "./SimulationLoop.ts"

export class SingleEngineLoop implements SimulationLoop {
  nowMs = 0
  ended: EndReason | undefined = undefined
  private readonly context: LoopContext
  private readonly worker: WorkerCore
  private readonly sharedTiers: SharedTiers
  private readonly place: ProbedWorker
  private readonly probed: ProbedRun
  private readonly holders: ReadonlyArray<BlockHolder>
  private passCount = 0
  private idlePasses = 0
  /**
   * Whether arrivals that the worker cannot reach yet stay in the workload: as long as nobody watches the queue they change nothing, and an
   * overloaded engine would otherwise hold most of its trace.
   */
  private defersArrivals: boolean

  constructor(context: LoopContext, worker: WorkerCore, sharedTiers: SharedTiers) {
    this.sharedTiers = sharedTiers
    this.context = context
    this.worker = worker
    this.place = { role: "aggregated", workerIndex: 0, core: worker }
    this.probed = {
      pools: [{ role: "aggregated", workers: [this.place], parked: () => 0, starting: () => 0, draining: () => 0 }],
      ledger: context.ledger
    }
    this.holders = [worker, context.workload]
    this.defersArrivals = context.workload.kind === "open" && !context.observed && worker.queueReach !== undefined
    context.probe?.start?.(this.probed)
  }

  interrupt(): void {
    if (this.ended === undefined) this.end("interrupted")
  }

  workerSeconds(): undefined {
    return undefined
  }

  workers(): ReadonlyArray<WorkerSnapshot> {
    return [this.worker.snapshot()]
  }

  passes(): number {
    return this.passCount
  }

  tierSummary(): TierSummary | undefined {
    return this.sharedTiers.summary()
  }

  parked(): number {
    return 0
  }

  step(): LoopState {
    const { time, workload } = this.context
    const openLoop = workload.kind === "open"
    if (openLoop && !this.takeArrivals()) return "needs-rows"
    if (this.nowMs > this.context.maxSimTimeMs) return this.endAtLimit()
    if (!openLoop && !this.takeArrivals()) return "needs-rows"
    time.advanceTo(this.nowMs, true)
    if (this.worker.inFlight > 0) {
      this.runPass()
      return "running"
    }
    if (workload.drained) return this.end("drained")
    const nextMs = workload.nextReadyMs()
    if (nextMs === Number.POSITIVE_INFINITY) throw deadEnd(this.nowMs, this.context.ledger.inFlight, [])
    this.moveTo(nextMs)
    return "running"
  }

  /** Hands over everything that is ready now; false when the workload must be fed first. */
  private takeArrivals(): boolean {
    const { ledger, probe, workload } = this.context
    while (!this.queueIsLong) {
      const request = workload.popReady(this.nowMs, ledger.inFlight)
      if (request === undefined) return !workload.needsRows
      ledger.arrive()
      request.workerIndex = 0
      probe?.arrival?.(request, this.nowMs)
      probe?.placed?.(request, this.place, this.nowMs)
      this.worker.submit(request)
    }
    return true
  }

  /** As many wait as the next pass can reach: nobody else has to, for now. */
  private get queueIsLong(): boolean {
    const { queued, queueReach = Number.POSITIVE_INFINITY } = this.worker
    return this.defersArrivals && queued >= queueReach
  }

  private runPass(): void {
    const startMs = this.nowMs
    const outcome = this.worker.pass(startMs)
    this.passCount += 1
    this.context.probe?.pass?.(this.place, startMs, outcome)
    const { tiers } = this.worker
    const idle = !outcome.progressed && outcome.endMs === startMs
    this.moveTo(idle && tiers !== undefined ? this.nextChangeMs(tiers) : this.runAhead(outcome))
    this.finishAhead()
    this.applySignals(outcome)
    this.idlePasses = outcome.progressed || this.nowMs > startMs ? 0 : this.idlePasses + 1
    if (this.idlePasses >= maxIdlePasses) this.failAtDeadEnd()
    collectIdentities(this.context, this.holders)
  }

  /** When the next copy between KV tiers ends, or the next request arrives: until then no pass can do anything. */
  private nextChangeMs(tiers: TierClock): number {
    const { nowMs } = this
    const arrivalMs = this.context.workload.nextReadyMs()
    const deadlineMs = tiers.deadlineMs()
    const nextMs = arrivalMs > nowMs ? Math.min(arrivalMs, deadlineMs) : deadlineMs
    return nextMs === Number.POSITIVE_INFINITY ? nowMs : Math.max(nowMs, nextMs)
  }

  /** Copies between KV tiers outlast the last request. */
  private finishCopies(): void {
    const { tiers } = this.worker
    if (tiers === undefined) return
    for (let nextMs = tiers.deadlineMs(); nextMs < Number.POSITIVE_INFINITY; nextMs = tiers.deadlineMs())
      tiers.tick(Math.max(nextMs, this.nowMs))
  }

  /** Where the pass ends, or the last one after it that can be computed ahead of time, before anybody arrives. */
  private runAhead({ endMs, requests }: PassOutcome): number {
    const { worker } = this
    if (this.context.everyPass || worker.runAhead === undefined || requests.length > 0) return endMs
    const { count, endMs: aheadMs } = worker.runAhead(this.quietUntilMs())
    this.passCount += count
    return aheadMs
  }

  /** The passes computed ahead of time are over. */
  private finishAhead(): void {
    const { ahead } = this.worker
    if (ahead === undefined || ahead.count === 0) return
    this.context.probe?.passesAhead?.(this.place, ahead)
    this.worker.catchUp?.()
  }

  /** Until when nobody arrives, the run does not end, and nobody who looks on would see a copy between KV tiers end. */
  private quietUntilMs(): number {
    const { maxSimTimeMs, probe, workload } = this.context
    const copiedMs = probe === undefined ? undefined : this.worker.tiers?.deadlineMs()
    const quietMs = this.queueIsLong ? maxSimTimeMs : Math.min(maxSimTimeMs, workload.nextReadyMs())
    return copiedMs === undefined ? quietMs : Math.min(quietMs, copiedMs)
  }

  private applySignals(outcome: PassOutcome): void {
    const { ledger, probe, workload } = this.context
    for (let index = 0; index < outcome.requests.length; index++) {
      const signal = outcome.signals[index]!
      if (signal === Signal.FirstToken) continue
      const request = outcome.requests[index]!
      ledger.finish(request, signal === Signal.Rejected ? "rejected" : "completed")
      probe?.record?.(request, this.nowMs)
      workload.onTerminal(request, this.nowMs)
    }
  }

  /** The error counts every request that has arrived, so those left in the workload come in first. */
  private failAtDeadEnd(): void {
    if (!this.defersArrivals) throw deadEnd(this.nowMs, this.context.ledger.inFlight, this.worker.requests())
    this.defersArrivals = false
    this.idlePasses = 0
  }

  /** The report counts every request that has arrived, so those left in the workload come in first. */
  private endAtLimit(): LoopState {
    if (this.defersArrivals) {
      this.defersArrivals = false
      if (!this.takeArrivals()) return "needs-rows"
    }
    return this.end("max-sim-time")
  }

  private moveTo(timeMs: number): void {
    this.context.time.advanceTo(timeMs, false)
    this.context.probe?.time?.(timeMs)
    this.nowMs = timeMs
  }

  private end(reason: EndReason): LoopState {
    this.ended = reason
    if (reason === "drained") this.finishCopies()
    const requests = this.worker.requests()
    const { nowMs } = this
    this.context.probe?.end?.(this.probed, { nowMs, drained: reason === "drained", cutOff: requests.length })
    this.context.ledger.cutOff(requests)
    return "ended"
  }
}
