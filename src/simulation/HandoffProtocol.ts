/**
 * How a request walks from a prefill pool, which computes its prompt, to a decode pool, which produces every visible token.
 *
 * Every request walks through fixed steps; each appends its successor to one first-in-first-out queue:
 *
 *     source first:       Prefill → (held) → Reserve → (reserved) → Transfer → Activate → Release → Complete
 *     destination first:  Reserve → (reserved) → Prefill → (held) → Transfer → Activate → Release → Complete
 *
 * Steps that touch a busy worker wait for the end of its pass. Plain and synchronous: when passes and transfers end is its host's
 * business, in simulated time (DisaggregatedLoop) or on the live clock (online/DisaggregatedDeployment).
 */
import type { Engine } from "../engine/Engine.ts"
import type { EngineArgs } from "../engine/EngineArgs.ts"
import type { DestinationWorker, HandoffSupport, SourceWorker } from "../engine/Handoff.ts"
import { engineOfWorker } from "../engine/MixedEngine.ts"
import { type PassOutcome, Signal, type WorkerCore } from "../engine/WorkerCore.ts"
import type { HandoffStamps, RequestStatus, SimRequest } from "../request/SimRequest.ts"
import type { PoolRole } from "../router/Router.ts"
import { RouterFault } from "../router/RouterFault.ts"
import type { RunProbe } from "./RunProbe.ts"
import type { WorkerPool } from "./WorkerPool.ts"

const Step = { Prefill: 0, Reserve: 1, Transfer: 2, Activate: 3, Release: 4, Complete: 5 } as const
type Step = (typeof Step)[keyof typeof Step]

/** Whoever moves time. */
export interface HandoffHost {
  readonly nowMs: number
  /** KV is on its way for so long; {@link HandoffProtocol.transferred} follows. */
  startTransfer(request: SimRequest, delayMs: number): void
  /** A router cannot take the request. Throws, or lets it be taken back ({@link HandoffProtocol.cancel}). */
  requestRefused(request: SimRequest, fault: RouterFault): void
  /** The request has ended; the prefill side may still hold on to it. */
  requestEnded(request: SimRequest, status: RequestStatus): void
  /** Nobody holds on to the ended request any more: its record is complete. */
  requestReleased(request: SimRequest): void
}

export interface HandoffPools {
  readonly prefill: WorkerPool<SourceWorker>
  readonly decode: WorkerPool<DestinationWorker>
  /** Transfer settings are the sender's. */
  /** Of the pool that computes prompts. */
  readonly prefillEngine: Engine["Service"]
  readonly order: HandoffSupport["order"]
  readonly probe: RunProbe | undefined
}

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

/** Requests by worker. */
type Parked = Array<Array<SimRequest> | undefined>

const park = (parked: Parked, worker: number, request: SimRequest): void => {
  const requests = parked[worker]
  if (requests === undefined) parked[worker] = [request]
  else requests.push(request)
}

export class HandoffProtocol {
  /** Ended requests whose source is not released yet. */
  readonly unreleased = new Set<SimRequest>()
  private readonly host: HandoffHost
  private readonly prefill: WorkerPool<SourceWorker>
  private readonly decode: WorkerPool<DestinationWorker>
  private readonly prefillEngine: Engine["Service"]
  private readonly sourceFirst: boolean
  private readonly probe: RunProbe | undefined
  private readonly steps: Array<Step> = []
  private readonly stepRequests: Array<SimRequest> = []
  /** What waits for the end of a worker's pass, by worker. */
  private readonly parkedReleases: Parked = []
  private readonly parkedActivations: Parked = []
  private readonly parkedCancellations: { readonly prefill: Parked; readonly decode: Parked } = {
    prefill: [],
    decode: []
  }
  /** Requests that nobody waits for any more: their steps come to nothing. */
  private readonly cancelled = new WeakSet<SimRequest>()

  constructor(host: HandoffHost, { decode, order, prefill, prefillEngine, probe }: HandoffPools) {
    this.host = host
    this.prefill = prefill
    this.decode = decode
    this.prefillEngine = prefillEngine
    this.sourceFirst = order === "source-first"
    this.probe = probe
  }

  arrive(request: SimRequest): void {
    request.handoff = freshStamps()
    this.append(this.sourceFirst ? Step.Prefill : Step.Reserve, request)
  }

  /** The request's KV has come over. */
  transferred(request: SimRequest): void {
    this.append(Step.Activate, request)
  }

  /** Takes all steps that are due; false when there were none. */
  drainSteps(): boolean {
    const { stepRequests, steps } = this
    if (steps.length === 0) return false
    for (let index = 0; index < steps.length; index++) this.runStep(steps[index]!, stepRequests[index]!)
    steps.length = 0
    stepRequests.length = 0
    return true
  }

  completePrefill(worker: number): PassOutcome {
    const outcome = this.prefill.finishPass(worker)
    this.cancelParked(this.parkedCancellations.prefill[worker], this.leaveSource)
    this.wake(this.parkedReleases[worker], Step.Release)
    const held: Array<SimRequest> = []
    for (let index = 0; index < outcome.requests.length; index++) {
      if (outcome.signals[index] === Signal.FirstToken) continue
      const request = outcome.requests[index]!
      if (this.cancelled.has(request)) continue
      if (outcome.signals[index] === Signal.Rejected) {
        if (!this.sourceFirst) this.cancelDestination(request)
        this.abort(request, "rejected")
        continue
      }
      this.prefill.router.prefillDone(request, this.host.nowMs)
      this.submitReleased()
      held.push(request)
    }
    for (const request of held) {
      stampsOf(request).sourceHeldMs = this.host.nowMs
      this.append(this.sourceFirst ? Step.Reserve : Step.Transfer, request)
    }
    this.prefill.noteWork(worker)
    return outcome
  }

  completeDecode(worker: number): PassOutcome {
    const outcome = this.decode.finishPass(worker)
    this.cancelParked(this.parkedCancellations.decode[worker], this.leaveDestination)
    const reserved = this.decode.cores[worker]!.tryReserve()
    this.wake(this.parkedActivations[worker], Step.Activate)
    for (let index = 0; index < outcome.requests.length; index++) {
      const request = outcome.requests[index]!
      if (this.cancelled.has(request)) continue
      const signal = outcome.signals[index]!
      if (signal === Signal.FirstToken) this.decode.router.prefillDone(request, this.host.nowMs)
      else this.endRequest(request, signal === Signal.Rejected ? "failed" : "completed")
    }
    if (reserved !== undefined) this.destinationReserved(reserved)
    this.decode.noteWork(worker)
    return outcome
  }

  /**
   * Takes a request back, wherever it is: the routers forget it now, its KV on either side is free as soon as the worker that holds it
   * is between two passes. It is not reported as ended.
   */
  cancel(request: SimRequest): void {
    this.cancelled.add(request)
    this.cancelAtSource(request)
    this.cancelAtDestination(request)
  }

  isCancelled(request: SimRequest): boolean {
    return this.cancelled.has(request)
  }

  private cancelAtSource(request: SimRequest): void {
    const source = stampsOf(request).prefillWorkerIndex
    if (source < 0) return
    this.prefill.interrupt(source, this.host.nowMs)
    if (this.prefill.isBusy(source)) park(this.parkedCancellations.prefill, source, request)
    else this.leaveSource(request)
    this.prefill.router.freed(request, this.host.nowMs)
    this.submitReleased()
  }

  private cancelAtDestination(request: SimRequest): void {
    const destination = request.workerIndex
    if (destination < 0) return
    this.decode.interrupt(destination, this.host.nowMs)
    this.decode.router.freed(request, this.host.nowMs)
    if (this.decode.isBusy(destination)) {
      park(this.parkedCancellations.decode, destination, request)
      return
    }
    this.leaveDestination(request)
    this.tryReserve(destination)
  }

  /**
   * A worker of the pool is gone with these requests: whatever they have on the other side is let go. Returns those that have to start
   * again; of a source's requests some are being decoded already, or have ended.
   */
  workerLost(role: PoolRole, lost: ReadonlyArray<SimRequest>): ReadonlyArray<SimRequest> {
    const { nowMs } = this.host
    const again: Array<SimRequest> = []
    for (const request of lost) {
      if (this.cancelled.has(request)) continue
      if (
        role === "prefill"
        && (request.status !== "in_flight" || !Number.isNaN(stampsOf(request).destinationActivatedMs))
      ) {
        this.append(Step.Complete, request)
        continue
      }
      this.cancelled.add(request)
      if (role === "prefill") {
        this.prefill.router.freed(request, nowMs)
        this.cancelAtDestination(request)
      } else {
        this.decode.router.freed(request, nowMs)
        this.cancelAtSource(request)
      }
      again.push(request)
    }
    this.submitReleased()
    return again
  }

  /** Workers of the pool have come or gone: requests that waited for one may have somewhere to go. */
  poolChanged(pool: WorkerPool<WorkerCore>): void {
    const step = pool.role === "prefill" ? Step.Prefill : Step.Reserve
    for (const request of pool.takeUnplaced()) this.append(step, request)
    this.submitReleased()
  }

  private append(step: Step, request: SimRequest): void {
    this.steps.push(step)
    this.stepRequests.push(request)
  }

  private wake(parked: Array<SimRequest> | undefined, step: Step): void {
    if (parked === undefined || parked.length === 0) return
    for (const request of parked) this.append(step, request)
    parked.length = 0
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
    if (this.cancelled.has(request)) return
    const worker = this.routed(this.prefill, request)
    if (worker >= 0) this.submitPrefill(request, worker)
  }

  /** The worker that a pool chooses; -1 when its router parks or refuses the request, or nobody is ready. */
  private routed(pool: WorkerPool<WorkerCore>, request: SimRequest): number {
    try {
      return pool.route(request, this.host.nowMs)
    } catch (error) {
      if (!(error instanceof RouterFault)) throw error
      this.host.requestRefused(request, error)
      return -1
    }
  }

  private submitPrefill(request: SimRequest, worker: number): void {
    const stamps = stampsOf(request)
    stamps.prefillWorkerIndex = worker
    stamps.prefillRouteOverlapTokens = request.routeOverlapTokens
    this.prefill.submit(request, worker, this.host.nowMs)
  }

  /** Requests that the prefill router let go after an edge. */
  private submitReleased(): void {
    const { prefill } = this
    for (let next = prefill.takeReleased(); next !== undefined; next = prefill.takeReleased()) {
      if (this.cancelled.has(next.request)) prefill.router.freed(next.request, this.host.nowMs)
      else this.submitPrefill(next.request, next.workerIndex)
    }
  }

  private reserveDestination(request: SimRequest): void {
    if (this.cancelled.has(request)) return
    const worker = this.routed(this.decode, request)
    if (this.cancelled.has(request)) return
    if (worker < 0) return
    stampsOf(request).decodeRouteOverlapTokens = request.routeOverlapTokens
    this.decode.interrupt(worker, this.host.nowMs)
    if (!this.decode.cores[worker]!.requestDestination(request)) {
      this.decode.router.freed(request, this.host.nowMs)
      request.workerIndex = -1
      this.abort(request, "failed")
      return
    }
    request.workerIndex = worker
    this.decode.notePlacement(request, worker, this.host.nowMs)
    if (!this.decode.isBusy(worker)) this.tryReserve(worker)
  }

  /** Nothing happens any more: true when decode workers go on nevertheless, out of turn. */
  unlock(): boolean {
    const { cores } = this.decode
    let any = false
    for (let worker = 0; worker < cores.length; worker++) {
      if (cores[worker]?.unlock?.() !== true) continue
      this.decode.noteWork(worker)
      any = true
    }
    return any
  }

  /** An idle decode worker has more room, though no request has left it. */
  roomMade(worker: number): void {
    this.tryReserve(worker)
  }

  private tryReserve(worker: number): void {
    const reserved = this.decode.cores[worker]?.tryReserve()
    if (reserved !== undefined) this.destinationReserved(reserved)
  }

  private destinationReserved(request: SimRequest): void {
    stampsOf(request).destinationReservedMs = this.host.nowMs
    this.append(this.sourceFirst ? Step.Transfer : Step.Prefill, request)
  }

  /** The KV set aside for a request that its prefill worker has rejected is given back. */
  private cancelDestination(request: SimRequest): void {
    const worker = request.workerIndex
    this.decode.interrupt(worker, this.host.nowMs)
    this.decode.cores[worker]!.abort(request)
    this.decode.router.freed(request, this.host.nowMs)
    if (!this.decode.isBusy(worker)) this.tryReserve(worker)
  }

  private startTransfer(request: SimRequest): void {
    if (this.cancelled.has(request)) return
    const { host } = this
    const { args: prefillArgs } = engineOfWorker(this.prefillEngine, stampsOf(request).prefillWorkerIndex)
    const tokens =
      prefillArgs.kvTransferTimingMode === "full_prompt"
        ? request.promptTokens
        : this.decode.cores[request.workerIndex]!.missingTokens(request)
    const delayMs = transferDelayMs(prefillArgs, tokens)
    this.probe?.transfer?.(request, tokens, host.nowMs, host.nowMs + delayMs)
    if (delayMs > 0) host.startTransfer(request, delayMs)
    else this.append(Step.Activate, request)
  }

  private activateDestination(request: SimRequest): void {
    if (this.cancelled.has(request)) return
    const worker = request.workerIndex
    this.decode.interrupt(worker, this.host.nowMs)
    if (this.decode.isBusy(worker)) {
      park(this.parkedActivations, worker, request)
      return
    }
    this.decode.cores[worker]!.activate(request)
    this.decode.received(worker)
    stampsOf(request).destinationActivatedMs = this.host.nowMs
    this.append(Step.Release, request)
    this.tryReserve(worker)
  }

  private releaseSource(request: SimRequest): void {
    const worker = stampsOf(request).prefillWorkerIndex
    this.prefill.interrupt(worker, this.host.nowMs)
    if (this.prefill.isBusy(worker)) {
      park(this.parkedReleases, worker, request)
      return
    }
    this.prefill.cores[worker]?.releaseSource(request)
    this.prefill.publishHeldEvents(worker)
    this.prefill.noteWork(worker)
    // A request that failed at its destination is cancelled at its source, not released.
    if (request.status !== "failed") stampsOf(request).sourceReleasedMs = this.host.nowMs
    this.append(Step.Complete, request)
  }

  private completeHandoff(request: SimRequest): void {
    this.prefill.router.freed(request, this.host.nowMs)
    this.submitReleased()
    if (this.unreleased.delete(request)) this.host.requestReleased(request)
  }

  /** A request leaves the decode pool; `failed` when it was retracted and can never be admitted again. */
  private endRequest(request: SimRequest, status: "completed" | "failed"): void {
    this.decode.router.freed(request, this.host.nowMs)
    this.host.requestEnded(request, status)
    if (Number.isNaN(stampsOf(request).sourceReleasedMs)) this.unreleased.add(request)
    else this.host.requestReleased(request)
  }

  /** The request ends without a token; whatever it holds on the prefill side is let go like after a transfer. */
  private abort(request: SimRequest, status: "rejected" | "failed"): void {
    this.unreleased.add(request)
    if (Number.isNaN(stampsOf(request).sourceHeldMs)) this.append(Step.Complete, request)
    else this.append(Step.Release, request)
    this.host.requestEnded(request, status)
  }

  // ---- cancellation --------------------------------------------------------------------------------------------------

  private cancelParked(parked: Array<SimRequest> | undefined, leave: (request: SimRequest) => void): void {
    if (parked === undefined) return
    for (const request of parked) leave(request)
    parked.length = 0
  }

  /** The request, waiting, computed or held, leaves its idle prefill worker. */
  private readonly leaveSource = (request: SimRequest): void => {
    const worker = stampsOf(request).prefillWorkerIndex
    // The worker may be gone.
    const core = this.prefill.cores[worker]
    if (core?.abort(request) === false) core.releaseSource(request)
    this.prefill.publishHeldEvents(worker)
    this.prefill.noteWork(worker)
  }

  /** The request, with a reservation or only a wish for one, or decoding, leaves its idle decode worker. */
  private readonly leaveDestination = (request: SimRequest): void => {
    this.decode.cores[request.workerIndex]?.abort(request)
    this.decode.noteWork(request.workerIndex)
  }
}
