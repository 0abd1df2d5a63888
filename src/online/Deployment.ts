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
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { Engine } from "../engine/Engine.ts"
import { TokenGaps } from "../engine/TokenGaps.ts"
import { Signal, type WorkerSnapshot } from "../engine/WorkerCore.ts"
import type { BlockHolder, BlockIdentity } from "../request/BlockIdentity.ts"
import type { RequestStatus, SimRequest } from "../request/SimRequest.ts"
import { Router, type RouterCore } from "../router/Router.ts"
import { failureOf } from "../simulation/CoreFailure.ts"
import type { ReplayError } from "../simulation/ReplayError.ts"
import type { ProbedPool, RunProbe } from "../simulation/RunProbe.ts"
import { KvEventHub } from "./KvEventHub.ts"
import type { LagMeter } from "./LagMeter.ts"
import { LiveRequest } from "./LiveRequest.ts"
import { OnlineWorker, type WorkerMessage } from "./OnlineWorker.ts"
import type { OutputBatch } from "./OutputBatch.ts"
import { type Timeline, Turn } from "./Pace.ts"

/** Who uses the deployment. Called between passes' ends and starts, never while a core computes. */
export interface DeploymentObserver {
  /** Requests emitted tokens: see the batch. Aborted requests may still be among them. */
  readonly emitted: (batch: OutputBatch) => void
  /** The request has left the deployment. An aborted one is not reported. */
  readonly ended: (live: LiveRequest, status: RequestStatus, nowMs: number) => void
  /** Everything due at this instant is digested; new requests may be submitted. */
  readonly settled: Effect.Effect<void, ReplayError>
  /** A worker has nothing to do; if it is `stuck`, it can do nothing for the requests it has until it is sent something. */
  readonly resting: (worker: OnlineWorker, stuck: boolean) => Effect.Effect<void, ReplayError>
}

export interface DeploymentOptions {
  readonly workers: number
  readonly time: Timeline
  readonly identity: BlockIdentity
  readonly lag: LagMeter
  readonly probe: RunProbe | undefined
  /** Lateness up to which a worker catches up with its model, ms. */
  readonly maxLagMs: number
}

export class Deployment {
  readonly time: Timeline
  readonly workers: ReadonlyArray<OnlineWorker>
  private readonly router: RouterCore
  private readonly probe: RunProbe | undefined
  private readonly hub: KvEventHub
  private readonly outputs: Queue.Queue<OutputBatch>
  private readonly identity: BlockIdentity
  private readonly live = new Map<SimRequest, LiveRequest>()
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
          // Gaps between planned times: nobody reads them.
          core: engine.spawn({
            workerIndex: index,
            gaps: new TokenGaps(),
            ...hub.sinks(index),
            probe: options.probe?.worker?.("aggregated", index)
          }),
          kvEventVisibility: engine.kvEventVisibility,
          hub,
          mailbox,
          outputs,
          onRest: (worker, stuck) => this.observer?.resting(worker, stuck) ?? Effect.void
        })
    )
    this.holders = [...this.workers.map((worker) => worker.core), router, hub, this]
  }

  /** Builds the deployment; its queues live as long as the scope. */
  static readonly make = Effect.fnUntraced(function* (
    options: DeploymentOptions
  ): Effect.fn.Return<Deployment, never, Engine | Router | Scope.Scope> {
    const engine = yield* Engine
    const router = (yield* Router).make({
      workers: options.workers,
      blockTokens: engine.args.blockTokens,
      maxNumBatchedTokens: engine.args.maxNumBatchedTokens,
      queuePolicy: engine.args.routerQueuePolicy,
      role: "aggregated"
    })
    const hub = yield* KvEventHub.make(router)
    const outputs = yield* Effect.acquireRelease(Queue.bounded<OutputBatch>(options.workers), Queue.shutdown)
    const mailboxes = yield* Effect.forEach(Array.from({ length: options.workers }), () =>
      Effect.acquireRelease(Queue.unbounded<WorkerMessage>(), Queue.shutdown)
    )
    return new Deployment({ options, engine, router, hub, outputs, mailboxes })
  })

  /** Runs the workers, the router's feed and the digestion until interrupted or failed. */
  run(observer: DeploymentObserver, holder?: BlockHolder): Effect.Effect<never, ReplayError> {
    return Effect.suspend(() => {
      this.observer = observer
      if (holder !== undefined) this.holders = [...this.holders, holder]
      const digestion = Effect.forever(this.digest(observer), { disableYield: true })
      return Effect.raceAllFirst([this.hub.deliver, digestion, ...this.workers.map((worker) => worker.run)])
    })
  }

  /** Requests submitted and not ended, parked ones included. */
  get inFlight(): number {
    return this.live.size
  }

  /** Requests that the router holds back. */
  get parked(): number {
    return this.router.parked
  }

  /** Whether nothing will happen any more unless a request is submitted or aborted. */
  get atRest(): boolean {
    return this.workers.every((worker) => worker.atRest)
  }

  requests(): Iterable<LiveRequest> {
    return this.live.values()
  }

  /** The workers as probes see them. */
  get probed(): ProbedPool {
    return { role: "aggregated", workers: this.workers.map(({ place }) => place), parked: () => this.router.parked }
  }

  /** Passes computed so far, by all workers. */
  get passes(): number {
    return this.workers.reduce((sum, worker) => sum + worker.passes, 0)
  }

  snapshots(): ReadonlyArray<WorkerSnapshot> {
    return this.workers.map((worker) => worker.core.snapshot())
  }

  /** Routes a request that arrives now. Throws what the router throws; the request is unknown here then. */
  submit(request: SimRequest): LiveRequest {
    const worker = this.router.route(request, this.time.nowMs())
    const live = new LiveRequest(request)
    this.live.set(request, live)
    if (worker >= 0) this.dispatch(live, worker)
    return live
  }

  /**
   * Takes a request back: it emits nothing any more, and its KV blocks are free when its worker's pass is over.
   * Without effect on one that has ended.
   */
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
  private readonly digest = Effect.fnUntraced(function* (this: Deployment, observer: DeploymentObserver) {
    const { outputs, time } = this
    const first = yield* Queue.takeAll(outputs)
    yield* time.sleepUntil(time.nowMs(), Turn.settle)
    const batches = [...first, ...(yield* Queue.clear(outputs))]
    yield* this.applyAll(batches, observer)
    yield* observer.settled
    if (this.identity.wantsCollection()) this.identity.collect(this.holders)
    for (const batch of batches) yield* this.workers[batch.workerIndex]!.resume
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
    const { emitting, signalled, signals, stampMs, tokens } = batch
    observer.emitted(batch)
    for (let index = 0; index < emitting.length; index++) emitting[index]!.emit(tokens[index]!, stampMs)
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
    }
    this.dispatchReleased()
  }
}
