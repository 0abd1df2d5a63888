/**
 * The event loop for a prefill pool that hands its KV over to a decode pool.
 *
 * Every request walks through a fixed protocol; each step appends its successor to one first-in-first-out queue:
 *
 *     source first:       Prefill → (held) → Reserve → (reserved) → Transfer → Activate → Release → Complete
 *     destination first:  Reserve → (reserved) → Prefill → (held) → Transfer → Activate → Release → Complete
 *
 * Steps that touch a busy worker wait for the end of its pass. The decode pool produces every visible token; the prefill pool's
 * passes are hidden.
 */
import type { EngineArgs } from "../engine/EngineArgs.ts"
import type { Engine } from "../engine/Engine.ts"
import type { DestinationWorker, HandoffSupport, SourceWorker } from "../engine/Handoff.ts"
import { Signal } from "../engine/WorkerCore.ts"
import type { HandoffStamps, SimRequest } from "../request/SimRequest.ts"
import type { Router, RouterCore } from "../router/Router.ts"
import { EventLoop } from "./EventLoop.ts"
import type { LoopContext } from "./SimulationLoop.ts"
import { WorkerPool } from "./WorkerPool.ts"

const Step = { Prefill: 0, Reserve: 1, Transfer: 2, Activate: 3, Release: 4, Complete: 5 } as const
type Step = (typeof Step)[keyof typeof Step]

/** One side of the deployment. */
export interface PoolSetup {
  readonly engine: Engine["Service"]
  readonly router: Router["Service"]
  readonly workers: number
}

/** Kind of a queued event, in the low bits of its payload: worker or transfer number times 4, plus this. */
const prefillEnd = 0
const decodeEnd = 1
const transferEnd = 2

const freshStamps = (): HandoffStamps => ({
  prefillWorkerIndex: -1,
  prefillAdmitMs: Number.NaN,
  sourceHeldMs: Number.NaN,
  destinationReservedMs: Number.NaN,
  destinationActivatedMs: Number.NaN,
  decodeAdmitMs: Number.NaN,
  sourceReleasedMs: Number.NaN,
  prefillReusedTokens: 0,
  decodeReusedTokens: -1,
  prefillRouteOverlapTokens: 0,
  decodeRouteOverlapTokens: -1
})

const stampsOf = (request: SimRequest): HandoffStamps => {
  if (request.handoff === null) throw new Error(`request ${request.id} has no hand-off`)
  return request.handoff
}

/** Milliseconds to send `tokens` of KV; 0 unless both the bytes per token and the bandwidth are known. */
const transferDelayMs = (args: EngineArgs, tokens: number): number =>
  args.kvBytesPerToken === undefined || args.kvTransferBandwidthGbS === undefined
    ? 0
    : ((tokens * args.kvBytesPerToken) / (args.kvTransferBandwidthGbS * 1e9)) * 1000

export class DisaggregatedLoop extends EventLoop {
  private readonly prefill: WorkerPool<SourceWorker>
  private readonly decode: WorkerPool<DestinationWorker>
  /** Transfer settings are the sender's. */
  private readonly prefillArgs: EngineArgs
  private readonly sourceFirst: boolean
  private readonly steps: Array<Step> = []
  private readonly stepRequests: Array<SimRequest> = []
  private readonly transfers = new Map<number, SimRequest>()
  private nextTransfer = 0
  /** Steps that wait for the end of a worker's pass, by worker. */
  private readonly parkedReleases: Array<Array<SimRequest>>
  private readonly parkedActivations: Array<Array<SimRequest>>
  /** Ended requests whose source is not released yet. */
  private readonly unreleased = new Set<SimRequest>()
  private prefillSeconds = 0
  private decodeSeconds = 0

  private readonly onPrefillStarted = (worker: number, endMs: number): void => {
    if (endMs === this.nowMs) this.completePrefill(worker)
    else this.queue.push(endMs, 0, worker * 4 + prefillEnd)
  }
  private readonly onDecodeStarted = (worker: number, endMs: number): void => {
    if (endMs === this.nowMs) this.completeDecode(worker)
    else this.queue.push(endMs, 0, worker * 4 + decodeEnd)
  }

  constructor(
    context: LoopContext,
    prefill: PoolSetup,
    decode: PoolSetup,
    source: HandoffSupport,
    destination: HandoffSupport
  ) {
    super(context)
    const { gaps, probe } = context
    this.prefill = new WorkerPool({ ...prefill, role: "prefill", spawn: source.spawnSource, gaps, probe })
    this.decode = new WorkerPool({ ...decode, role: "decode", spawn: destination.spawnDestination, gaps, probe })
    this.adopt([this.prefill, this.decode])
    this.prefillArgs = prefill.engine.args
    this.sourceFirst = source.order === "source-first"
    this.parkedReleases = Array.from({ length: prefill.workers }, () => [])
    this.parkedActivations = Array.from({ length: decode.workers }, () => [])
  }

  workerSeconds(): { readonly prefill: number; readonly decode: number } {
    return { prefill: this.prefillSeconds, decode: this.decodeSeconds }
  }

  protected chargeTime(deltaMs: number): void {
    this.prefillSeconds += (this.prefill.cores.length * deltaMs) / 1000
    this.decodeSeconds += (this.decode.cores.length * deltaMs) / 1000
  }

  protected override withheld(): ReadonlyArray<SimRequest> {
    return [...this.unreleased]
  }

  protected settleRound(): boolean {
    let changed = this.completePasses()
    if (this.completeTransfers()) changed = true
    if (this.takeArrivals()) changed = true
    if (this.starved) return changed
    if (this.drainSteps()) changed = true
    if (this.prefill.startPasses(this.nowMs, this.onPrefillStarted)) changed = true
    return this.decode.startPasses(this.nowMs, this.onDecodeStarted) || changed
  }

  protected arrive(request: SimRequest): void {
    request.handoff = freshStamps()
    this.append(this.sourceFirst ? Step.Prefill : Step.Reserve, request)
  }

  // ---- events --------------------------------------------------------------------------------------------------------

  private completePasses(): boolean {
    const { queue } = this
    let any = false
    while (queue.headMs === this.nowMs && (queue.headPayload & 3) !== transferEnd) {
      const payload = queue.headPayload
      queue.pop()
      if ((payload & 3) === prefillEnd) this.completePrefill(payload >> 2)
      else this.completeDecode(payload >> 2)
      any = true
    }
    return any
  }

  private completeTransfers(): boolean {
    const { queue } = this
    let any = false
    while (queue.headMs === this.nowMs && (queue.headPayload & 3) === transferEnd) {
      const transfer = queue.headPayload >> 2
      queue.pop()
      const request = this.transfers.get(transfer)
      if (request === undefined) throw new Error(`transfer ${transfer} ended without a request`)
      this.transfers.delete(transfer)
      this.append(Step.Activate, request)
      any = true
    }
    return any
  }

  private completePrefill(worker: number): void {
    const outcome = this.prefill.finishPass(worker)
    this.wake(this.parkedReleases[worker]!, Step.Release)
    const held: Array<SimRequest> = []
    for (let index = 0; index < outcome.requests.length; index++) {
      const request = outcome.requests[index]!
      if (outcome.signals[index] === Signal.Rejected) {
        if (!this.sourceFirst) this.cancelDestination(request)
        this.abort(request, "rejected")
        continue
      }
      if (outcome.signals[index] === Signal.FirstToken) continue
      this.prefill.router.prefillDone(request, this.nowMs)
      this.submitReleased()
      held.push(request)
    }
    for (const request of held) {
      stampsOf(request).sourceHeldMs = this.nowMs
      this.append(this.sourceFirst ? Step.Reserve : Step.Transfer, request)
    }
    this.prefill.noteWork(worker)
  }

  private completeDecode(worker: number): void {
    const outcome = this.decode.finishPass(worker)
    const reserved = this.decode.cores[worker]!.tryReserve()
    this.wake(this.parkedActivations[worker]!, Step.Activate)
    for (let index = 0; index < outcome.requests.length; index++) {
      const request = outcome.requests[index]!
      const signal = outcome.signals[index]!
      if (signal === Signal.FirstToken) this.decode.router.prefillDone(request, this.nowMs)
      else this.endRequest(request, signal === Signal.Rejected ? "failed" : "completed")
    }
    if (reserved !== undefined) this.destinationReserved(reserved)
    this.decode.noteWork(worker)
  }

  /** A request leaves the decode pool; `failed` when it was retracted and can never be admitted again. */
  private endRequest(request: SimRequest, status: "completed" | "failed"): void {
    const { ledger, probe } = this.context
    this.decode.router.freed(request, this.nowMs)
    ledger.settle(request, status)
    probe?.record?.(request, this.nowMs)
    if (Number.isNaN(stampsOf(request).sourceReleasedMs)) this.unreleased.add(request)
    else ledger.emit(request)
    this.tellWorkload(request)
  }

  // ---- protocol ------------------------------------------------------------------------------------------------------

  private append(step: Step, request: SimRequest): void {
    this.steps.push(step)
    this.stepRequests.push(request)
  }

  private wake(parked: Array<SimRequest>, step: Step): void {
    for (const request of parked) this.append(step, request)
    parked.length = 0
  }

  private drainSteps(): boolean {
    const { stepRequests, steps } = this
    if (steps.length === 0) return false
    for (let index = 0; index < steps.length; index++) this.runStep(steps[index]!, stepRequests[index]!)
    steps.length = 0
    stepRequests.length = 0
    return true
  }

  private runStep(step: Step, request: SimRequest): void {
    switch (step) {
      case Step.Prefill:
        return this.routePrefill(request)
      case Step.Reserve:
        return this.reserveDestination(request)
      case Step.Transfer:
        return this.startTransfer(request)
      case Step.Activate:
        return this.activateDestination(request)
      case Step.Release:
        return this.releaseSource(request)
      case Step.Complete:
        return this.completeHandoff(request)
    }
  }

  private routePrefill(request: SimRequest): void {
    const worker = this.prefill.router.route(request, this.nowMs)
    if (worker >= 0) this.submitPrefill(request, worker)
  }

  private submitPrefill(request: SimRequest, worker: number): void {
    const stamps = stampsOf(request)
    stamps.prefillWorkerIndex = worker
    stamps.prefillRouteOverlapTokens = request.routeOverlapTokens
    this.prefill.submit(request, worker, this.nowMs)
  }

  /** Requests that the prefill router let go after an edge. */
  private submitReleased(): void {
    const router: RouterCore = this.prefill.router
    for (let next = router.takeReleased(); next !== undefined; next = router.takeReleased()) {
      this.submitPrefill(next.request, next.workerIndex)
    }
  }

  private reserveDestination(request: SimRequest): void {
    const worker = this.decode.router.route(request, this.nowMs)
    if (worker < 0) throw new Error("a decode router must not park requests")
    stampsOf(request).decodeRouteOverlapTokens = request.routeOverlapTokens
    if (!this.decode.cores[worker]!.requestDestination(request)) {
      this.decode.router.freed(request, this.nowMs)
      request.workerIndex = -1
      this.abort(request, "failed")
      return
    }
    request.workerIndex = worker
    this.decode.notePlacement(request, worker, this.nowMs)
    if (!this.decode.isBusy(worker)) this.tryReserve(worker)
  }

  private tryReserve(worker: number): void {
    const reserved = this.decode.cores[worker]!.tryReserve()
    if (reserved !== undefined) this.destinationReserved(reserved)
  }

  private destinationReserved(request: SimRequest): void {
    stampsOf(request).destinationReservedMs = this.nowMs
    this.append(this.sourceFirst ? Step.Transfer : Step.Prefill, request)
  }

  /** The KV set aside for a request that its prefill worker has rejected is given back. */
  private cancelDestination(request: SimRequest): void {
    const worker = request.workerIndex
    this.decode.cores[worker]!.abort(request)
    this.decode.router.freed(request, this.nowMs)
    if (!this.decode.isBusy(worker)) this.tryReserve(worker)
  }

  private startTransfer(request: SimRequest): void {
    const { prefillArgs } = this
    const tokens =
      prefillArgs.kvTransferTimingMode === "full_prompt"
        ? request.promptTokens
        : this.decode.cores[request.workerIndex]!.missingTokens(request)
    const delayMs = transferDelayMs(prefillArgs, tokens)
    this.context.probe?.transfer?.(request, tokens, this.nowMs, this.nowMs + delayMs)
    if (!(delayMs > 0)) {
      this.append(Step.Activate, request)
      return
    }
    const transfer = this.nextTransfer++
    this.transfers.set(transfer, request)
    this.queue.push(this.nowMs + delayMs, 0, transfer * 4 + transferEnd)
  }

  private activateDestination(request: SimRequest): void {
    const worker = request.workerIndex
    if (this.decode.isBusy(worker)) {
      this.parkedActivations[worker]!.push(request)
      return
    }
    this.decode.cores[worker]!.activate(request)
    this.decode.noteWork(worker)
    stampsOf(request).destinationActivatedMs = this.nowMs
    this.append(Step.Release, request)
    this.tryReserve(worker)
  }

  private releaseSource(request: SimRequest): void {
    const worker = stampsOf(request).prefillWorkerIndex
    if (this.prefill.isBusy(worker)) {
      this.parkedReleases[worker]!.push(request)
      return
    }
    this.prefill.cores[worker]!.releaseSource(request)
    this.prefill.publishHeldEvents(worker)
    this.prefill.noteWork(worker)
    // A request that failed at its destination is cancelled at its source, not released.
    if (request.status !== "failed") stampsOf(request).sourceReleasedMs = this.nowMs
    this.append(Step.Complete, request)
  }

  private completeHandoff(request: SimRequest): void {
    this.prefill.router.freed(request, this.nowMs)
    this.submitReleased()
    if (this.unreleased.delete(request)) this.context.ledger.emit(request)
  }

  /** The request ends without a token; whatever it holds on the prefill side is let go like after a transfer. */
  private abort(request: SimRequest, status: "rejected" | "failed"): void {
    const { ledger, probe } = this.context
    ledger.settle(request, status)
    probe?.record?.(request, this.nowMs)
    this.unreleased.add(request)
    if (Number.isNaN(stampsOf(request).sourceHeldMs)) this.append(Step.Complete, request)
    else this.append(Step.Release, request)
    this.tellWorkload(request)
  }
}
