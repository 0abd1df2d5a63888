/**
 * A prefill and a decode pool on the clock of a Pace: the engines, routers and the hand-off protocol of the offline simulation.
 *
 *     submit ─▶ protocol ─▶ prefill router ─▶ worker ─▶ … KV transfer … ─▶ worker ─▶ outputs ─▶ observer
 *                  ▲                            │              │              │
 *                  └────────── conductor ◀── end of pass ── end of transfer ──┘
 *
 * Steps of the protocol touch both pools and follow one another at once, so one fiber, the conductor, takes them all; each worker and
 * each transfer is a fiber that sleeps until what it does is over and then calls the conductor. The conductor works in rounds, in the
 * order of the offline loop: passes that have ended, transfers that have ended, arrivals, steps, new passes. It starts no pass
 * before the observer has digested the last round, so what is slow to digest holds the workers back. Workers that are added start as
 * fibers of the recruiter; those that have drained leave at the end of a round.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import type { PoolRole, PoolSize } from "../autoscaler/Autoscaler.ts"
import type { DestinationWorker, HandoffSupport, SourceWorker } from "../engine/Handoff.ts"
import { SharedTiers } from "../engine/tiers/SharedTiers.ts"
import { TokenGaps } from "../engine/TokenGaps.ts"
import type { PassOutcome, WorkerCore, WorkerSnapshot } from "../engine/WorkerCore.ts"
import type { BlockHolder } from "../request/BlockIdentity.ts"
import type { RequestStatus, SimRequest } from "../request/SimRequest.ts"
import { failureOf } from "../simulation/CoreFailure.ts"
import type { RouterFault } from "../router/RouterFault.ts"
import type { PoolSetup } from "../simulation/DisaggregatedLoop.ts"
import { type HandoffHost, HandoffProtocol } from "../simulation/HandoffProtocol.ts"
import type { ProbedPool } from "../simulation/RunProbe.ts"
import type { ReplayError } from "../simulation/ReplayError.ts"
import { checkWorkerMemory } from "../simulation/WorkerMemory.ts"
import { CopyAlarm } from "./CopyAlarm.ts"
import type { Deployment, DeploymentObserver, DeploymentOptions } from "./Deployment.ts"
import { LiveRequest } from "./LiveRequest.ts"
import { LiveRequests } from "./LiveRequests.ts"
import { OutputBatch } from "./OutputBatch.ts"
import { PacedPool } from "./PacedPool.ts"
import { type Timeline, Turn } from "./Pace.ts"
import { Recruiter } from "./Recruiter.ts"

export interface DisaggregatedSetup {
  readonly prefill: PoolSetup
  readonly decode: PoolSetup
  readonly source: HandoffSupport
  readonly destination: HandoffSupport
}

interface Transfer {
  readonly request: SimRequest
  readonly endMs: number
}

/** A worker, and where its fiber is told when the pass that has just started ends. */
interface Station {
  readonly pool: PacedPool<WorkerCore>
  readonly worker: number
  readonly ends: Queue.Queue<number>
  readonly complete: () => void
}

interface Recruit {
  readonly pool: PacedPool<WorkerCore>
  readonly worker: number
}

/** Told to a station in place of the end of a pass when its worker has left. */
const noMorePasses = Number.NaN

export class DisaggregatedDeployment implements Deployment, HandoffHost {
  readonly time: Timeline
  /** When the present round, or whatever else is going on, happens. */
  nowMs = 0
  private readonly options: DeploymentOptions
  private readonly prefill: PacedPool<SourceWorker>
  private readonly decode: PacedPool<DestinationWorker>
  private readonly protocol: HandoffProtocol
  /** By index in the pool. */
  private readonly prefillStations: Map<number, Station>
  private readonly decodeStations: Map<number, Station>
  private readonly recruiter: Recruiter<Recruit>
  private readonly transfers: Queue.Queue<Transfer>
  /** Gaps between planned times: nobody reads them. */
  private readonly gaps = new TokenGaps()
  private readonly live = new LiveRequests()
  private readonly left = new LiveRequests()
  /** Ended since the last round. */
  private readonly endedPasses: Array<Station> = []
  private readonly endedTransfers: Array<SimRequest> = []
  private transfersUnderWay = 0
  /** Copies between KV tiers have ended that no round has seen. */
  private copiesEnded = false
  /** Opened when the conductor has something to do. */
  private readonly news = Latch.makeUnsafe()
  private conducting = false
  private readonly alarm: CopyAlarm
  private observer: DeploymentObserver | undefined = undefined
  private holder: BlockHolder | undefined = undefined

  private constructor(
    { decode, destination, prefill, source }: DisaggregatedSetup,
    options: DeploymentOptions,
    ends: ReadonlyArray<Queue.Queue<number>>,
    transfers: Queue.Queue<Transfer>,
    recruiter: Recruiter<Recruit>
  ) {
    const { lag, maxLagMs, probe, time } = options
    const paced = { gaps: this.gaps, sharedTiers: new SharedTiers(), probe, lag, maxLagMs, nowMs: time.nowMs }
    this.time = time
    this.options = options
    this.transfers = transfers
    this.recruiter = recruiter
    this.prefill = new PacedPool({ ...prefill, ...paced, role: "prefill", spawn: source.spawnSource })
    this.decode = new PacedPool({ ...decode, ...paced, role: "decode", spawn: destination.spawnDestination })
    this.protocol = new HandoffProtocol(this, {
      prefill: this.prefill,
      decode: this.decode,
      prefillEngine: prefill.engine,
      order: source.order,
      probe
    })
    const first = prefill.workers
    this.prefillStations = new Map(
      ends.slice(0, first).map((queue, worker) => [worker, this.prefillStation(worker, queue)])
    )
    this.decodeStations = new Map(ends.slice(first).map((queue, worker) => [worker, this.decodeStation(worker, queue)]))
    this.alarm = new CopyAlarm({
      time,
      deadlineMs: () => this.nextCopyMs(),
      ring: Effect.sync(() => {
        this.copiesEnded = true
        this.callConductor()
      })
    })
  }

  /** Builds the deployment; its queues live as long as the scope. */
  static readonly make = Effect.fnUntraced(function* (
    setup: DisaggregatedSetup,
    options: DeploymentOptions
  ): Effect.fn.Return<DisaggregatedDeployment, never, Scope.Scope> {
    const ends = yield* Effect.forEach(Array.from({ length: setup.prefill.workers + setup.decode.workers }), () =>
      Effect.acquireRelease(Queue.unbounded<number>(), Queue.shutdown)
    )
    const transfers = yield* Effect.acquireRelease(Queue.unbounded<Transfer>(), Queue.shutdown)
    const recruiter = yield* Recruiter.make<Recruit>(options.time)
    return new DisaggregatedDeployment(setup, options, ends, transfers, recruiter)
  })

  run(observer: DeploymentObserver, holder?: BlockHolder): Effect.Effect<never, ReplayError> {
    return Effect.suspend(() => {
      this.observer = observer
      this.holder = holder
      return Effect.raceAllFirst([
        Effect.forever(this.conduct(observer), { disableYield: true }),
        Effect.forever(this.carry(), { disableYield: true }),
        this.recruiter.run((recruit) => this.begin(recruit)),
        ...[...this.prefillStations.values(), ...this.decodeStations.values()].map((station) =>
          Effect.andThen(this.work(station), Effect.never)
        )
      ])
    })
  }

  get probed(): ReadonlyArray<ProbedPool> {
    return [this.prefill.probed, this.decode.probed]
  }

  get passes(): number {
    return this.prefill.passes + this.decode.passes
  }

  get inFlight(): number {
    return this.live.size
  }

  get parked(): number {
    return this.prefill.router.parked + this.decode.router.parked
  }

  get atRest(): boolean {
    const underWay = this.prefill.busyWorkers + this.decode.busyWorkers + this.transfersUnderWay
    return !this.conducting && underWay === 0 && this.nextCopyMs() === Number.POSITIVE_INFINITY
  }

  unlock(): boolean {
    if (!this.protocol.unlock()) return false
    this.callConductor()
    return true
  }

  requests(): Iterable<LiveRequest> {
    return this.live.values()
  }

  leaving(): Iterable<LiveRequest> {
    return this.left.values()
  }

  snapshots(): ReadonlyArray<WorkerSnapshot> {
    return this.cores.map((core) => core.snapshot())
  }

  sizes(): ReadonlyArray<PoolSize> {
    return [this.prefill.size(), this.decode.size()]
  }

  scaleTo(role: PoolRole, workers: number): void {
    const pool: PacedPool<WorkerCore> = role === "prefill" ? this.prefill : this.decode
    const { ready, starting } = pool.size()
    checkWorkerMemory(Math.max(0, workers - ready - starting), pool.newWorkerArgs)
    this.nowMs = this.time.nowMs()
    pool.scaleTo(workers, this.nowMs, (worker, readyMs) => this.recruiter.ask({ pool, worker }, readyMs))
    // Who drains and has nothing may leave.
    this.callConductor()
  }

  submit(request: SimRequest): LiveRequest {
    const live = this.live.add(new LiveRequest(request))
    // What ended before it arrived goes first.
    this.takeTransfers()
    this.protocol.arrive(request)
    this.callConductor()
    return live
  }

  abort(live: LiveRequest): void {
    if (!this.live.abort(live)) return
    this.nowMs = this.time.nowMs()
    this.protocol.cancel(live.request)
    this.callConductor()
  }

  // ---- what the protocol asks for ------------------------------------------------------------------------------------

  startTransfer(request: SimRequest, delayMs: number): void {
    this.transfersUnderWay += 1
    Queue.offerUnsafe(this.transfers, { request, endMs: this.nowMs + delayMs })
  }

  requestEnded(request: SimRequest, status: RequestStatus): void {
    const live = this.live.take(request)
    if (live === undefined) return
    this.left.add(live)
    request.status = status
    this.observer?.ended(live, status, this.nowMs)
  }

  requestRefused(request: SimRequest, fault: RouterFault): void {
    const live = this.live.get(request)
    if (live === undefined) return
    this.observer?.refused(live, fault)
    this.abort(live)
  }

  requestReleased(request: SimRequest): void {
    const live = this.left.take(request)
    if (live !== undefined) this.observer?.left(live)
  }

  private get cores(): ReadonlyArray<WorkerCore> {
    return this.probed.flatMap(({ workers }) => workers.map(({ core }) => core))
  }

  private get holders(): ReadonlyArray<BlockHolder> {
    const { cores, decode, holder, left, live, prefill } = this
    return [...cores, prefill.router, decode.router, live, left, ...(holder === undefined ? [] : [holder])]
  }

  // ---- fibers --------------------------------------------------------------------------------------------------------

  /** A worker: sleeps until the end of each pass that has started; ends when the worker has left. */
  private readonly work = Effect.fnUntraced(function* (this: DisaggregatedDeployment, station: Station) {
    for (;;) {
      const endMs = yield* Queue.take(station.ends)
      if (Number.isNaN(endMs)) return
      yield* this.time.sleepUntil(endMs, Turn.passEnd)
      this.endedPasses.push(station)
      this.callConductor()
    }
  })

  /** The life of a worker that is added; it may have been called off. */
  private readonly begin = Effect.fnUntraced(function* (
    this: DisaggregatedDeployment,
    { pool, worker }: Recruit
  ): Effect.fn.Return<void, ReplayError> {
    if (!(yield* this.attempt(() => pool.finishStart(worker, this.nowMs)))) return
    yield* Effect.acquireUseRelease(
      Queue.unbounded<number>(),
      (ends) => {
        const station = pool === this.prefill ? this.prefillStation(worker, ends) : this.decodeStation(worker, ends)
        this.stationsOf(pool).set(worker, station)
        this.protocol.poolChanged(pool)
        this.callConductor()
        return this.work(station)
      },
      Queue.shutdown
    )
  })

  /** Sends every transfer on its way. */
  private readonly carry = Effect.fnUntraced(function* (this: DisaggregatedDeployment) {
    const { endMs, request } = yield* Queue.take(this.transfers)
    yield* Effect.forkChild(
      Effect.map(this.time.sleepUntil(endMs, Turn.passEnd), () => {
        this.transfersUnderWay -= 1
        this.endedTransfers.push(request)
        this.callConductor()
      })
    )
  })

  private callConductor(): void {
    this.conducting = true
    this.news.openUnsafe()
  }

  /** Rounds until one changes nothing. */
  private readonly conduct = Effect.fnUntraced(function* (this: DisaggregatedDeployment, observer: DeploymentObserver) {
    const { identity, time } = this.options
    yield* this.news.await
    this.news.closeUnsafe()
    for (let changed = true; changed;) {
      yield* time.sleepUntil(time.nowMs(), Turn.settle)
      changed = yield* this.attempt(() => this.completePasses())
      yield* observer.settled
      yield* time.sleepUntil(time.nowMs(), Turn.start)
      if (yield* this.attempt(() => this.startPasses())) changed = true
      if (yield* this.attempt(() => this.dismiss())) changed = true
    }
    this.prefill.rest()
    this.decode.rest()
    if (identity.wantsCollection()) identity.collect(this.holders)
    // Called again meanwhile: another turn follows.
    this.conducting = this.copiesEnded || this.endedPasses.length + this.endedTransfers.length > 0
    yield* this.alarm.set
    if (this.atRest) yield* observer.resting([...this.live.values()])
  })

  /** What the cores and routers throw, as an Effect. */
  private attempt<A>(act: () => A): Effect.Effect<A, ReplayError> {
    this.nowMs = this.time.nowMs()
    try {
      return Effect.succeed(act())
    } catch (error) {
      return failureOf(error, this.nowMs)
    }
  }

  // ---- rounds --------------------------------------------------------------------------------------------------------

  private completePasses(): boolean {
    const copied = this.endCopies()
    const ended = this.endedPasses.splice(0)
    for (const station of ended) station.complete()
    return this.takeTransfers() || ended.length > 0 || copied
  }

  /** Copies between KV tiers that have ended, of busy workers as well. */
  private endCopies(): boolean {
    this.copiesEnded = false
    const prefill = this.prefill.tickTiers(this.nowMs, () => {})
    return this.decode.tickTiers(this.nowMs, (_, worker) => this.protocol.roomMade(worker)) || prefill
  }

  private nextCopyMs(): number {
    return Math.min(this.prefill.nextTransferMs(), this.decode.nextTransferMs())
  }

  private takeTransfers(): boolean {
    const ended = this.endedTransfers.splice(0)
    for (const request of ended) this.protocol.transferred(request)
    return ended.length > 0
  }

  private startPasses(): boolean {
    let changed = this.takeTransfers()
    if (this.protocol.drainSteps()) changed = true
    if (this.prefill.startPasses(this.nowMs, this.onPrefillStarted)) changed = true
    if (this.decode.startPasses(this.nowMs, this.onDecodeStarted)) changed = true
    this.gaps.length = 0
    return changed
  }

  /** Draining workers that hold nothing for anybody leave. */
  private dismiss(): boolean {
    let any = false
    for (const pool of [this.prefill, this.decode]) {
      if (!pool.removeDrained(this.nowMs)) continue
      any = true
      const stations = this.stationsOf(pool)
      for (const [worker, { ends }] of stations) {
        if (pool.cores[worker] !== undefined) continue
        Queue.offerUnsafe(ends, noMorePasses)
        stations.delete(worker)
      }
      this.protocol.poolChanged(pool)
    }
    return any
  }

  private stationsOf(pool: PacedPool<WorkerCore>): Map<number, Station> {
    return pool === this.prefill ? this.prefillStations : this.decodeStations
  }

  private readonly onPrefillStarted = (worker: number, endMs: number): void =>
    this.started(this.prefillStations.get(worker)!, endMs)

  private readonly onDecodeStarted = (worker: number, endMs: number): void =>
    this.started(this.decodeStations.get(worker)!, endMs)

  private started(station: Station, endMs: number): void {
    const { pool, worker } = station
    this.noteAdmissions(pool.cores[worker]!.requests())
    this.noteAdmissions(pool.underWay(worker).requests)
    if (pool.takesNoTime(worker, endMs)) station.complete()
    else Queue.offerUnsafe(station.ends, endMs)
  }

  private noteAdmissions(requests: ReadonlyArray<SimRequest>): void {
    for (const request of requests) this.live.get(request)?.noteAdmissions(this.nowMs)
  }

  private prefillStation(worker: number, ends: Queue.Queue<number>): Station {
    const { prefill, protocol } = this
    const complete = (): void => {
      this.noteLag(prefill.underWay(worker))
      protocol.completePrefill(worker)
    }
    return { pool: prefill, worker, ends, complete }
  }

  private decodeStation(worker: number, ends: Queue.Queue<number>): Station {
    const { decode, protocol } = this
    const complete = (): void => {
      this.noteLag(decode.underWay(worker))
      this.emit(worker)
      protocol.completeDecode(worker)
    }
    return { pool: decode, worker, ends, complete }
  }

  private noteLag({ endMs }: PassOutcome): void {
    this.options.lag.passEnded(endMs, this.nowMs)
  }

  /** Hands out the tokens of a pass that is over. */
  private emit(worker: number): void {
    const batch = new OutputBatch(worker)
    batch.stampMs = this.nowMs
    for (const requests of [this.decode.cores[worker]!.requests(), this.decode.underWay(worker).requests]) {
      for (const request of requests) {
        const live = this.live.get(request)
        if (live !== undefined) batch.addTokens(live)
      }
    }
    this.observer?.emitted(batch)
    batch.emit()
  }
}
