/**
 * Carries the workers' cache changes to the router through a PubSub, one batch per pass.
 *
 * A batch on its way still names its blocks, so the hub is a holder: their identities are not recycled under it.
 */
import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import type * as Scope from "effect/Scope"
import { KvEventBuffer, type KvEventSink } from "../engine/KvEvents.ts"
import type { BlockHolder } from "../request/BlockIdentity.ts"
import type { RouterCore } from "../router/Router.ts"

/** Batches under way at most; a worker that publishes more waits for the router. */
const capacity = 1024

/** Cache changes of one worker in their order. */
interface KvEventBatch {
  readonly workerIndex: number
  readonly events: KvEventBuffer
}

/** Where one worker's core writes its changes. */
class WorkerEvents implements KvEventSink, BlockHolder {
  private events = new KvEventBuffer()

  stored(block: number): void {
    this.events.stored(block)
  }

  removed(block: number): void {
    this.events.removed(block)
  }

  markBlocks(mark: (block: number) => void): void {
    this.events.markBlocks(mark)
  }

  /** What was written since the last call; `undefined` when nothing was. */
  take(): KvEventBuffer | undefined {
    const { events } = this
    if (events.isEmpty) return undefined
    this.events = new KvEventBuffer()
    return events
  }
}

export class KvEventHub implements BlockHolder {
  private readonly pubsub: PubSub.PubSub<KvEventBatch>
  private readonly subscription: PubSub.Subscription<KvEventBatch>
  private readonly router: RouterCore
  private readonly workers = new Map<number, WorkerEvents>()
  private readonly underWay = new Set<KvEventBatch>()

  private constructor(
    pubsub: PubSub.PubSub<KvEventBatch>,
    subscription: PubSub.Subscription<KvEventBatch>,
    router: RouterCore
  ) {
    this.pubsub = pubsub
    this.subscription = subscription
    this.router = router
  }

  static readonly make = Effect.fnUntraced(function* (
    router: RouterCore
  ): Effect.fn.Return<KvEventHub, never, Scope.Scope> {
    const pubsub = yield* Effect.acquireRelease(PubSub.bounded<KvEventBatch>(capacity), PubSub.shutdown)
    return new KvEventHub(pubsub, yield* PubSub.subscribe(pubsub), router)
  })

  /** Where a worker's core is to write; `undefined` when the router does not listen. */
  sink(workerIndex: number): KvEventSink | undefined {
    if (this.router.kvEvents(workerIndex) === undefined) return undefined
    const events = new WorkerEvents()
    this.workers.set(workerIndex, events)
    return events
  }

  /** Sends what the worker has written. */
  publish(workerIndex: number): Effect.Effect<void> {
    const events = this.workers.get(workerIndex)?.take()
    if (events === undefined) return Effect.void
    const batch: KvEventBatch = { workerIndex, events }
    this.underWay.add(batch)
    return Effect.asVoid(PubSub.publish(this.pubsub, batch))
  }

  /** Applies batches to the router's index as they come, without end. */
  readonly deliver: Effect.Effect<never> = Effect.suspend(() =>
    Effect.forever(
      Effect.map(PubSub.takeAll(this.subscription), (batches) => {
        for (const batch of batches) this.apply(batch)
      }),
      { disableYield: true }
    )
  )

  markBlocks(mark: (block: number) => void): void {
    for (const events of this.workers.values()) events.markBlocks(mark)
    for (const { events } of this.underWay) events.markBlocks(mark)
  }

  private apply(batch: KvEventBatch): void {
    this.underWay.delete(batch)
    const sink = this.router.kvEvents(batch.workerIndex)
    if (sink !== undefined) batch.events.flush(sink)
  }
}
