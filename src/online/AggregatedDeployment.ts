/**
 * Workers behind a router on the clock of a Pace: the engines and routers of the offline simulation, wired with fibers.
 *
 *                 submit ─▶ router ─▶ mailbox (Queue) ─▶ worker fiber ─▶ outputs (Queue) ─▶ digesting fiber ─▶ observer
 *                             ▲                              │                                    │
 *                             └──── KV events (PubSub) ◀─────┘          load edges ◀──────────────┘
 *
 * Routing, load edges and observers run one at a time on the JavaScript thread and are synchronous. What is slow to
 * digest holds the workers back: a worker starts its next pass only when its last batch has been digested.
 *
 * Workers that are added start as fibers of the recruiter; one that drains leaves when it rests.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import type { PoolRole, PoolSize } from "../autoscaler/Autoscaler.ts"
import type { Engine } from "../engine/Engine.ts"
import type { EngineArgs } from "../engine/EngineArgs.ts"
import { engineOfNewWorkers, engineOfWorker, groupName } from "../engine/MixedEngine.ts"
import { SharedTiers } from "../engine/tiers/SharedTiers.ts"
import { TokenGaps } from "../engine/TokenGaps.ts"
import { Signal, type WorkerSnapshot } from "../engine/WorkerCore.ts"
import type { BlockHolder, BlockIdentity } from "../request/BlockIdentity.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import { capacities } from "../router/Capacities.ts"
import type { Placement, RouterCore } from "../router/Router.ts"
import { misplaced, rigid, type RouterFault } from "../router/RouterFault.ts"
import { failureOf } from "../simulation/CoreFailure.ts"
import type { PoolSetup } from "../simulation/DisaggregatedLoop.ts"
import type { ReplayError } from "../simulation/ReplayError.ts"
import type { ProbedPool, ProbedWorker, RunProbe } from "../simulation/RunProbe.ts"
import { checkWorkerMemory } from "../simulation/WorkerMemory.ts"
import { WorkerRoster } from "../simulation/WorkerRoster.ts"
import type { Deployment, DeploymentObserver, DeploymentOptions } from "./Deployment.ts"
import { KvEventHub } from "./KvEventHub.ts"
import { LiveRequest } from "./LiveRequest.ts"
import { LiveRequests } from "./LiveRequests.ts"
import { OnlineWorker, type WorkerMessage } from "./OnlineWorker.ts"
import type { OutputBatch } from "./OutputBatch.ts"
import { type Timeline, Turn } from "./Pace.ts"
import { Recruiter } from "./Recruiter.ts"

export class AggregatedDeployment implements Deployment {
  readonly time: Timeline
  readonly probed: ReadonlyArray<ProbedPool>
  private readonly engine: Engine["Service"]
  private readonly roster: WorkerRoster
  /** By index; those that have not started yet, or have left, are `undefined`. */
  private readonly workers: Array<OnlineWorker | undefined>
  private readonly places: Array<ProbedWorker>
  /** Of workers by their index. */
  private readonly recruiter: Recruiter<number>
  /** Of workers that have left. */
  private pastPasses = 0
  private readonly router: RouterCore
  private readonly routerName: string
  /** What its router has done wrong while nobody waited for its answer. */
  private readonly failure = Deferred.makeUnsafe<never, ReplayError>()
  private readonly options: DeploymentOptions
  private readonly probe: RunProbe | undefined
  private readonly hub: KvEventHub
  private readonly outputs: Queue.Queue<OutputBatch>
  private readonly identity: BlockIdentity
  /** Gaps between planned times: nobody reads them. */
  private readonly gaps = new TokenGaps()
  private readonly sharedTiers = new SharedTiers()
  private readonly live = new LiveRequests()
  /** Opened when a pass without duration has been digested; nobody has told the observer yet. */
  private readonly roundGoesOn = Latch.makeUnsafe()
  private unsettled = false
  /** Closed while the observer is behind with such passes. */
  private readonly digestible = Latch.makeUnsafe(true)
  private observer: DeploymentObserver | undefined = undefined
  private holder: BlockHolder | undefined = undefined

  private constructor(parts: {
    readonly options: DeploymentOptions
    readonly engine: Engine["Service"]
    readonly router: RouterCore
    readonly routerName: string
    readonly hub: KvEventHub
    readonly outputs: Queue.Queue<OutputBatch>
    readonly mailboxes: ReadonlyArray<Queue.Queue<WorkerMessage>>
    readonly recruiter: Recruiter<number>
  }) {
    const { engine, hub, mailboxes, options, outputs, recruiter, router, routerName } = parts
    this.options = options
    this.engine = engine
    this.recruiter = recruiter
    this.roster = new WorkerRoster(mailboxes.length)
    this.time = options.time
    this.identity = options.identity
    this.router = router
    this.routerName = routerName
    this.probe = options.probe
    this.hub = hub
    this.outputs = outputs
    const workers = mailboxes.map((mailbox, index) => this.employ(index, mailbox))
    this.workers = workers
    this.places = workers.map(({ place }) => place)
    this.probed = [
      {
        role: "aggregated",
        workers: this.places,
        parked: () => this.router.parked,
        starting: () => this.roster.starting.length,
        draining: () => this.roster.draining.length
      }
    ]
  }

  /** Builds the deployment; its queues live as long as the scope. */
  static readonly make = Effect.fnUntraced(function* (
    setup: PoolSetup,
    options: DeploymentOptions
  ): Effect.fn.Return<AggregatedDeployment, never, Scope.Scope> {
    const { engine, workers } = setup
    const router = setup.router.make({
      workers,
      blockTokens: engine.args.blockTokens,
      maxNumBatchedTokens: engine.args.maxNumBatchedTokens,
      ...capacities(engine),
      queuePolicy: engine.args.routerQueuePolicy,
      role: "aggregated"
    })
    const hub = yield* KvEventHub.make(router)
    // Each worker has one batch in it at most.
    const outputs = yield* Effect.acquireRelease(Queue.unbounded<OutputBatch>(), Queue.shutdown)
    const recruiter = yield* Recruiter.make<number>(options.time)
    const mailboxes = yield* Effect.forEach(Array.from({ length: workers }), () =>
      Effect.acquireRelease(Queue.unbounded<WorkerMessage>(), Queue.shutdown)
    )
    const routerName = setup.router.name
    return new AggregatedDeployment({ options, engine, router, routerName, hub, outputs, mailboxes, recruiter })
  })

  /** Runs the workers, the router's feed and the digestion until interrupted or failed. */
  run(observer: DeploymentObserver, holder?: BlockHolder): Effect.Effect<never, ReplayError> {
    return Effect.suspend(() => {
      this.observer = observer
      this.holder = holder
      const digestion = Effect.forever(this.digest(observer), { disableYield: true })
      const rounds = Effect.forever(this.settleRound(observer), { disableYield: true })
      const lives = this.staff.map((worker) => Effect.andThen(worker.life(), Effect.never))
      const fault = Deferred.await(this.failure)
      return Effect.raceAllFirst([this.hub.deliver, digestion, rounds, this.recruiter.run(this.begin), fault, ...lives])
    })
  }

  get inFlight(): number {
    return this.live.size
  }

  get parked(): number {
    return this.router.parked
  }

  get passes(): number {
    return this.staff.reduce((sum, worker) => sum + worker.passes, this.pastPasses)
  }

  get atRest(): boolean {
    return !this.unsettled && this.roster.starting.length === 0 && this.staff.every((worker) => worker.atRest)
  }

  requests(): Iterable<LiveRequest> {
    return this.live.values()
  }

  /** Who has ended has left. */
  leaving(): Iterable<LiveRequest> {
    return []
  }

  snapshots(): ReadonlyArray<WorkerSnapshot> {
    return this.places.map(({ core }) => core.snapshot())
  }

  sizes(): ReadonlyArray<PoolSize> {
    const { draining, ready, starting } = this.roster
    const gpus = [...ready, ...starting].reduce((sum, worker) => sum + this.argsOf(worker).gpusPerWorker, 0)
    return [
      {
        role: "aggregated",
        ready: ready.length,
        starting: starting.length,
        draining: draining.length,
        parked: this.parked,
        gpus
      }
    ]
  }

  scaleTo(_role: PoolRole, workers: number): void {
    if (this.router.eligible === undefined) throw rigid(this.routerName)
    const { args } = engineOfNewWorkers(this.engine)
    checkWorkerMemory(Math.max(0, workers - this.roster.wanted), args)
    const { drained, started } = this.roster.scaleTo(workers)
    const readyMs = this.time.nowMs() + (args.startupTimeS ?? 0) * 1000
    for (const worker of started) this.recruiter.ask(worker, readyMs)
    if (drained.length === 0) return
    this.router.eligible?.(this.roster.ready)
    for (const worker of drained) if (this.workers[worker]!.hasNothing) this.dismiss(worker)
  }

  submit(request: SimRequest): LiveRequest {
    const worker = this.router.route(request, this.time.nowMs())
    if (worker !== -1 && this.workers[worker] === undefined) throw this.fault({ request, workerIndex: worker })
    const live = this.live.add(new LiveRequest(request))
    if (worker >= 0) this.dispatch(live, worker)
    return live
  }

  abort(live: LiveRequest): void {
    const { request } = live
    if (!this.live.abort(live)) return
    // One that is parked is dropped when the router lets it go.
    if (request.workerIndex < 0) return
    this.workers[request.workerIndex]!.send({ _tag: "Abort", live })
    this.router.freed(request, this.time.nowMs())
    this.dispatchReleased()
  }

  private get staff(): ReadonlyArray<OnlineWorker> {
    return this.workers.filter((worker) => worker !== undefined)
  }

  private argsOf(worker: number): EngineArgs {
    return engineOfWorker(this.engine, worker).args
  }

  private employ(index: number, mailbox: Queue.Queue<WorkerMessage>): OnlineWorker {
    const { engine, hub, options, outputs } = this
    return new OnlineWorker({
      ...options,
      index,
      group: groupName(engine, index),
      core: engine.spawn({
        workerIndex: index,
        gaps: this.gaps,
        sharedTiers: this.sharedTiers,
        tierEvents: this.router.tierEvents?.(index),
        ...hub.sinks(index),
        probe: options.probe?.worker?.("aggregated", index)
      }),
      kvEventVisibility: engine.kvEventVisibility,
      hub,
      mailbox,
      outputs,
      onRest: (worker, stuck) => {
        if (worker.hasNothing && this.roster.draining.includes(index)) this.dismiss(index)
        return this.observer?.resting(stuck ? worker.requests() : []) ?? Effect.void
      }
    })
  }

  /** The life of a worker that is added; it may have been called off. */
  private readonly begin = (index: number): Effect.Effect<void, ReplayError> =>
    this.roster.becomeReady(index)
      ? Effect.acquireUseRelease(
          Queue.unbounded<WorkerMessage>(),
          (mailbox) => this.join(index, mailbox).life(),
          Queue.shutdown
        )
      : Effect.void

  private join(index: number, mailbox: Queue.Queue<WorkerMessage>): OnlineWorker {
    const nowMs = this.time.nowMs()
    this.router.eligible?.(this.roster.ready)
    const worker = this.employ(index, mailbox)
    this.workers[index] = worker
    this.places.push(worker.place)
    this.probe?.joined?.(worker.place, nowMs)
    this.router.retry?.(nowMs)
    this.dispatchReleased()
    return worker
  }

  /** A draining worker that has nothing left leaves. */
  private dismiss(index: number): void {
    const worker = this.workers[index]!
    const nowMs = this.time.nowMs()
    this.probe?.left?.(worker.place, nowMs, false)
    this.roster.remove(index)
    this.workers[index] = undefined
    this.places.splice(this.places.indexOf(worker.place), 1)
    this.pastPasses += worker.passes
    this.hub.forget(index)
    this.router.removed?.(index)
    worker.send({ _tag: "Leave" })
    this.router.retry?.(nowMs)
    this.dispatchReleased()
  }

  private get holders(): ReadonlyArray<BlockHolder> {
    const { holder, hub, places, router } = this
    return [...places.map(({ core }) => core), router, hub, this.live, ...(holder === undefined ? [] : [holder])]
  }

  private dispatch(live: LiveRequest, worker: number): void {
    live.request.workerIndex = worker
    const target = this.workers[worker]!
    const sentMs = this.time.nowMs()
    this.probe?.placed?.(live.request, target.place, sentMs)
    target.send({ _tag: "Submit", live, sentMs })
  }

  private dispatchReleased(): void {
    try {
      this.dispatchAll()
    } catch (error) {
      Deferred.doneUnsafe(this.failure, failureOf(error, this.time.nowMs()))
    }
  }

  private dispatchAll(): void {
    const { router } = this
    for (let next = router.takeReleased(); next !== undefined; next = router.takeReleased()) {
      const live = this.live.get(next.request)
      if (live === undefined) router.freed(next.request, this.time.nowMs())
      else if (this.workers[next.workerIndex] === undefined) throw this.fault(next)
      else this.dispatch(live, next.workerIndex)
    }
  }

  private fault(placement: Placement): RouterFault {
    const there = this.places.map(({ workerIndex }) => workerIndex)
    return misplaced(this.routerName, placement, "aggregated", there)
  }

  /** Applies what passes gave: all that end at one instant first, then whatever that sets off. */
  private readonly digest = Effect.fnUntraced(function* (this: AggregatedDeployment, observer: DeploymentObserver) {
    const { outputs, time } = this
    const first = yield* Queue.takeAll(outputs)
    yield* this.digestible.await
    yield* time.sleepUntil(time.nowMs(), Turn.settle)
    const batches = [...first, ...(yield* Queue.clear(outputs))]
    yield* this.applyAll(batches, observer)
    if (batches.every(({ instant }) => instant)) {
      this.unsettled = true
      yield* this.roundGoesOn.open
    } else yield* observer.settled
    if (this.identity.wantsCollection()) this.identity.collect(this.holders)
    this.gaps.length = 0
    for (const batch of batches) yield* this.workers[batch.workerIndex]?.resume ?? Effect.void
  })

  /** Lets requests arrive that passes without duration have set off, when every worker has had its turn. */
  private readonly settleRound = Effect.fnUntraced(function* (
    this: AggregatedDeployment,
    observer: DeploymentObserver
  ) {
    yield* this.roundGoesOn.await
    this.roundGoesOn.closeUnsafe()
    yield* this.time.sleepUntil(this.time.nowMs(), Turn.roundEnd)
    this.unsettled = false
    this.digestible.closeUnsafe()
    yield* observer.settled
    yield* this.digestible.open
  })

  private applyAll(
    batches: ReadonlyArray<OutputBatch>,
    observer: DeploymentObserver
  ): Effect.Effect<void, ReplayError> {
    try {
      for (const batch of batches) this.apply(batch, observer)
      return Effect.void
    } catch (error) {
      return failureOf(error, this.time.nowMs())
    }
  }

  private apply(batch: OutputBatch, observer: DeploymentObserver): void {
    const { signalled, signals } = batch
    observer.emitted(batch)
    batch.emit()
    for (let index = 0; index < signalled.length; index++)
      this.applySignal(signalled[index]!, signals[index]!, observer)
  }

  /** The router learns first (it may release parked requests), then the observer; released requests follow. */
  private applySignal(live: LiveRequest, signal: Signal, observer: DeploymentObserver): void {
    if (live.aborted) return
    const { request } = live
    const nowMs = this.time.nowMs()
    if (signal === Signal.FirstToken) this.router.prefillDone(request, nowMs)
    else {
      this.router.freed(request, nowMs)
      this.live.take(request)
      observer.ended(live, signal === Signal.Rejected ? "rejected" : "completed", nowMs)
      observer.left(live)
    }
    this.dispatchReleased()
  }
}
