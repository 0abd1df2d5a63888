/**
 * The event loop for a prefill pool that hands its KV over to a decode pool: the ends of passes and transfers in simulated time. What
 * happens to a request in between is the protocol's business.
 */
import type { Engine } from "../engine/Engine.ts"
import type { DestinationWorker, HandoffSupport, SourceWorker } from "../engine/Handoff.ts"
import type { WorkerCore } from "../engine/WorkerCore.ts"
import type { RequestStatus, SimRequest } from "../request/SimRequest.ts"
import type { Router } from "../router/Router.ts"
import type { RouterFault } from "../router/RouterFault.ts"
import { EventLoop } from "./EventLoop.ts"
import { placeInRound } from "./EventQueue.ts"
import { type HandoffHost, HandoffProtocol } from "./HandoffProtocol.ts"
import { PassEnds } from "./PassEnds.ts"
import { makesSlow } from "./WorkerEvent.ts"
import type { LoopContext } from "./SimulationLoop.ts"
import { WorkerPool } from "./WorkerPool.ts"

/** One side of the deployment. */
export interface PoolSetup {
  readonly engine: Engine["Service"]
  readonly router: Router["Service"]
  readonly workers: number
}

/** In the order in which events of one round begin. */
const EventKind = { TransferEnd: 0, PrefillEnd: 1, DecodeEnd: 2 } as const
type EventKind = (typeof EventKind)[keyof typeof EventKind]

const subjectBits = 29

/** What the queue carries: the kind and, in the low bits, the number of a worker or of a transfer. Negative payloads are the base's. */
const eventOf = (subject: number, kind: EventKind): number => (kind << subjectBits) | subject
const kindOf = (event: number): number => event >> subjectBits
const subjectOf = (event: number): number => event & (2 ** subjectBits - 1)

/** Transfers are numbered anew from 0 here, long after the first one with a number has ended. */
const transferNumbers = 2 ** 28

export class DisaggregatedLoop extends EventLoop implements HandoffHost {
  private readonly prefill: WorkerPool<SourceWorker>
  private readonly decode: WorkerPool<DestinationWorker>
  private readonly protocol: HandoffProtocol
  private readonly transfers = new Map<number, SimRequest>()
  private nextTransfer = 0

  private readonly prefillEnds = new PassEnds(this.queue, (worker) => eventOf(worker, EventKind.PrefillEnd))
  private readonly decodeEnds = new PassEnds(this.queue, (worker) => eventOf(worker, EventKind.DecodeEnd))

  private readonly onPrefillStarted = (worker: number, endMs: number, startMs: number): void => {
    if (endMs === this.nowMs) this.protocol.completePrefill(worker)
    else this.prefillEnds.started(worker, endMs, startMs, this.nowMs, this.round)
  }
  private readonly onDecodeStarted = (worker: number, endMs: number, startMs: number): void => {
    if (endMs === this.nowMs) this.protocol.completeDecode(worker)
    else this.decodeEnds.started(worker, endMs, startMs, this.nowMs, this.round)
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
    const { sharedTiers } = this
    const shared = { gaps, probe, sharedTiers, mayBeSlow: makesSlow(context.workerEvents) }
    this.prefill = new WorkerPool({
      ...prefill,
      ...shared,
      role: "prefill",
      spawn: source.spawnSource,
      runsAhead: this.runsAhead(this.prefillEnds, (worker) => this.protocol.completePrefill(worker))
    })
    this.decode = new WorkerPool({
      ...decode,
      ...shared,
      role: "decode",
      spawn: destination.spawnDestination,
      runsAhead: this.runsAhead(this.decodeEnds, (worker) => this.protocol.completeDecode(worker))
    })
    this.adopt([this.prefill, this.decode])
    this.protocol = new HandoffProtocol(this, {
      prefill: this.prefill,
      decode: this.decode,
      prefillEngine: prefill.engine,
      order: source.order,
      probe
    })
  }

  workerSeconds(): { readonly prefill: number; readonly decode: number } {
    const { decode, nowMs, prefill } = this
    return { prefill: prefill.workerSeconds(nowMs), decode: decode.workerSeconds(nowMs) }
  }

  protected override withheld(): ReadonlyArray<SimRequest> {
    return [...this.protocol.unreleased]
  }

  protected override isTakenBack(request: SimRequest): boolean {
    return this.protocol.isCancelled(request)
  }

  /** Evicted blocks that are copied make room for reservations. */
  protected override transfersEnded(pool: WorkerPool<WorkerCore>, worker: number): void {
    if (pool === this.decode) this.protocol.roomMade(worker)
  }

  protected override unlock(): boolean {
    return this.protocol.unlock()
  }

  protected settleRound(): boolean {
    let changed = this.completePasses()
    if (this.completeTransfers()) changed = true
    if (this.context.scaling !== undefined && this.completeStarts()) changed = true
    if (this.takeArrivals()) changed = true
    if (this.starved) return changed
    if (this.protocol.drainSteps()) changed = true
    if (this.prefill.startPasses(this.nowMs, this.onPrefillStarted)) changed = true
    return this.decode.startPasses(this.nowMs, this.onDecodeStarted) || changed
  }

  protected arrive(request: SimRequest): void {
    this.protocol.arrive(request)
  }

  protected placeParked(pool: WorkerPool<WorkerCore>): void {
    this.protocol.poolChanged(pool)
  }

  protected takeBack(pool: WorkerPool<WorkerCore>, lost: ReadonlyArray<SimRequest>): ReadonlyArray<SimRequest> {
    return this.protocol.workerLost(pool.role, lost)
  }

  // ---- what the protocol asks for ------------------------------------------------------------------------------------

  startTransfer(request: SimRequest, delayMs: number): void {
    const transfer = this.nextTransfer
    this.nextTransfer = (transfer + 1) % transferNumbers
    this.transfers.set(transfer, request)
    const event = eventOf(transfer, EventKind.TransferEnd)
    this.queue.push(this.nowMs + delayMs, this.nowMs, event, placeInRound(this.round, event))
  }

  requestEnded(request: SimRequest, status: RequestStatus): void {
    const { ledger, probe } = this.context
    ledger.settle(request, status)
    probe?.record?.(request, this.nowMs)
    this.tellWorkload(request)
  }

  requestRefused(_request: SimRequest, fault: RouterFault): void {
    throw fault
  }

  requestReleased(request: SimRequest): void {
    this.context.ledger.emit(request)
  }

  // ---- events --------------------------------------------------------------------------------------------------------

  private completePasses(): boolean {
    const { queue } = this
    let any = false
    while (
      queue.headMs === this.nowMs
      && queue.headPayload >= 0
      && kindOf(queue.headPayload) !== EventKind.TransferEnd
    ) {
      const event = queue.headPayload
      queue.pop()
      const worker = subjectOf(event)
      // The end of a pass whose worker has failed is nothing.
      if (kindOf(event) === EventKind.PrefillEnd) {
        if (this.prefill.isBusy(worker)) this.protocol.completePrefill(worker)
      } else if (this.decode.isBusy(worker)) this.protocol.completeDecode(worker)
      any = true
    }
    return any
  }

  private completeTransfers(): boolean {
    const { queue } = this
    let any = false
    while (
      queue.headMs === this.nowMs
      && queue.headPayload >= 0
      && kindOf(queue.headPayload) === EventKind.TransferEnd
    ) {
      const transfer = subjectOf(queue.headPayload)
      queue.pop()
      const request = this.transfers.get(transfer)
      if (request === undefined) throw new Error(`transfer ${transfer} ended without a request`)
      this.transfers.delete(transfer)
      this.protocol.transferred(request)
      any = true
    }
    return any
  }
}
