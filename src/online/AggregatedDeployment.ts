/**
 * Workers behind a router on the clock of a Pace: the engines and routers of the offline simulation, wired with fibers.
 *
 *                 submit ─▶ router ─▶ mailbox (Queue) ─▶ worker fiber ─▶ outputs (Queue) ─▶ digesting fiber ─▶ observer
 *                             ▲                              │                                    │
 *                             └──── KV events (PubSub) ◀─────┘          load edges ◀──────────────┘
 *
 * Routing, load edges and observers run one at a time on the JavaScript thread and are synchronous. What is slow to
 * digest holds the workers back: a worker starts its next pass only when its last batch has been digested.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import type { Engine } from "../engine/Engine.ts"
import { SharedTiers } from "../engine/tiers/SharedTiers.ts"
import { TokenGaps } from "../engine/TokenGaps.ts"
import { Signal, type WorkerCore, type WorkerSnapshot } from "../engine/WorkerCore.ts"
import type { BlockHolder, BlockIdentity } from "../request/BlockIdentity.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import { capacities } from "../router/Capacities.ts"
import type { Router, RouterCore } from "../router/Router.ts"
import { failureOf } from "../simulation/CoreFailure.ts"
import type { ReplayError } from "../simulation/ReplayError.ts"
import type { ProbedPool, RunProbe } from "../simulation/RunProbe.ts"
import type { Deployment, DeploymentObserver, DeploymentOptions } from "./Deployment.ts"
import { KvEventHub } from "./KvEventHub.ts"
import { LiveRequest } from "./LiveRequest.ts"
import { OnlineWorker, type WorkerMessage } from "./OnlineWorker.ts"
import type { OutputBatch } from "./OutputBatch.ts"
import { type Timeline, Turn } from "./Pace.ts"

export interface AggregatedSetup {
  readonly engine: Engine["Service"]
  readonly router: Router["Service"]
  readonly workers: number
}

export class AggregatedDeployment implements Deployment {
  readonly time: Timeline
  readonly probed: ReadonlyArray<ProbedPool>
  private readonly cores: ReadonlyArray<WorkerCore>
  private readonly workers: ReadonlyArray<OnlineWorker>
  private readonly router: RouterCore
  private readonly probe: RunProbe | undefined
  private readonly hub: KvEventHub
  private readonly outputs: Queue.Queue<OutputBatch>
  private readonly identity: BlockIdentity
  /** Gaps between planned times: nobody reads them. */
  private readonly gaps = new TokenGaps()
  private readonly sharedTiers = new SharedTiers()
  private readonly live = new Map<SimRequest, LiveRequest>()
  /** Opened when a pass without duration has been digested; nobody has told the observer yet. */
  private readonly roundGoesOn = Latch.makeUnsafe()
  private unsettled = false
  /** Closed while the observer is behind with such passes. */
  private readonly digestible = Latch.makeUnsafe(true)
  private observer: DeploymentObserver | undefined = undefined
  private holders: ReadonlyArray<BlockHolder>

  private constructor(parts: {
    readonly options: DeploymentOptions
    readonly engine: Engine["Service"]
    readonly router: RouterCore
    readonly hub: KvEventHub
    readonly outputs: Queue.Queue<OutputBatch>
    readonly mailboxes: ReadonlyArray<Queue.Queue<WorkerMessage>>
  }) {
    const { engine, hub, mailboxes, options, outputs, router } = parts
    this.time = options.time
    this.identity = options.identity
    this.router = router
    this.probe = options.probe
    this.hub = hub
    this.outputs = outputs
    this.workers = mailboxes.map(
      (mailbox, index) =>
        new OnlineWorker({
          ...options,
          index,
          core: engine.spawn({
            workerIndex: index,
            gaps: this.gaps,
            sharedTiers: this.sharedTiers,
            ...hub.sinks(index),
            probe: options.probe?.worker?.("aggregated", index)
          }),
          kvEventVisibility: engine.kvEventVisibility,
          hub,
          mailbox,
          outputs,
          onRest: (worker, stuck) => this.observer?.resting(stuck ? worker.requests() : []) ?? Effect.void
        })
    )
    this.cores = this.workers.map((worker) => worker.core)
    this.probed = [
      {
        role: "aggregated",
        workers: this.workers.map(({ place }) => place),
        parked: () => this.router.parked,
        starting: () => 0,
        draining: () => 0
      }
    ]
    this.holders = [...this.cores, router, hub, this]
  }

  /** Builds the deployment; its queues live as long as the scope. */
  static readonly make = Effect.fnUntraced(function* (
    setup: AggregatedSetup,
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
    const outputs = yield* Effect.acquireRelease(Queue.bounded<OutputBatch>(workers), Queue.shutdown)
    const mailboxes = yield* Effect.forEach(Array.from({ length: workers }), () =>
      Effect.acquireRelease(Queue.unbounded<WorkerMessage>(), Queue.shutdown)
    )
    return new AggregatedDeployment({ options, engine, router, hub, outputs, mailboxes })
  })

  /** Runs the workers, the router's feed and the digestion until interrupted or failed. */
  run(observer: DeploymentObserver, holder?: BlockHolder): Effect.Effect<never, ReplayError> {
    return Effect.suspend(() => {
      this.observer = observer
      if (holder !== undefined) this.holders = [...this.holders, holder]
      const digestion = Effect.forever(this.digest(observer), { disableYield: true })
      const rounds = Effect.forever(this.settleRound(observer), { disableYield: true })
      return Effect.raceAllFirst([this.hub.deliver, digestion, rounds, ...this.workers.map((worker) => worker.run)])
    })
  }

  get inFlight(): number {
    return this.live.size
  }

  get parked(): number {
    return this.router.parked
  }

  get passes(): number {
    return this.workers.reduce((sum, worker) => sum + worker.passes, 0)
  }

  get atRest(): boolean {
    return !this.unsettled && this.workers.every((worker) => worker.atRest)
  }

  requests(): Iterable<LiveRequest> {
    return this.live.values()
  }

  /** Who has ended has left. */
  leaving(): Iterable<LiveRequest> {
    return []
  }

  snapshots(): ReadonlyArray<WorkerSnapshot> {
    return this.cores.map((core) => core.snapshot())
  }

  submit(request: SimRequest): LiveRequest {
    const worker = this.router.route(request, this.time.nowMs())
    const live = new LiveRequest(request)
    this.live.set(request, live)
    if (worker >= 0) this.dispatch(live, worker)
    return live
  }

  abort(live: LiveRequest): void {
    const { request } = live
    if (!this.live.delete(request)) return
    live.aborted = true
    request.status = "failed"
    // One that is parked is dropped when the router lets it go.
    if (request.workerIndex < 0) return
    this.workers[request.workerIndex]!.send({ _tag: "Abort", live })
    this.router.freed(request, this.time.nowMs())
    this.dispatchReleased()
  }

  markBlocks(mark: (block: number) => void): void {
    for (const { blocks } of this.live.keys()) for (const block of blocks) mark(block)
  }

  private dispatch(live: LiveRequest, worker: number): void {
    live.request.workerIndex = worker
    const target = this.workers[worker]!
    const sentMs = this.time.nowMs()
    this.probe?.placed?.(live.request, target.place, sentMs)
    target.send({ _tag: "Submit", live, sentMs })
  }

  private dispatchReleased(): void {
    const { router } = this
    for (let next = router.takeReleased(); next !== undefined; next = router.takeReleased()) {
      const live = this.live.get(next.request)
      if (live === undefined) router.freed(next.request, this.time.nowMs())
      else this.dispatch(live, next.workerIndex)
    }
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
    for (const batch of batches) yield* this.workers[batch.workerIndex]!.resume
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
      this.live.delete(request)
      observer.ended(live, signal === Signal.Rejected ? "rejected" : "completed", nowMs)
      observer.left(live)
    }
    this.dispatchReleased()
  }
}
