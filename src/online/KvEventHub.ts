/**
 * Carries the workers' cache changes to the router through a PubSub, one batch per pass.
 *
 * A batch on its way still names its blocks, so the hub is a holder: their identities are not recycled under it.
 */
import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import type * as Scope from "effect/Scope"
import { KvEventBuffer, type KvEventSink } from "../engine/KvEvents.ts"
import type { WorkerContext } from "../engine/WorkerContext.ts"
import type { BlockHolder } from "../request/BlockIdentity.ts"
import type { RouterCore } from "../router/Router.ts"

/** Batches under way at most; a worker that publishes more waits for the router. */
const capacity = 1024

/** Cache changes of one worker in their order. */
interface KvEventBatch {
  readonly workerIndex: number
  readonly events: KvEventBuffer
}

/** Where one worker's core writes its changes: those of now, and those that count from the end of the pass. */
class WorkerEvents implements BlockHolder {
  readonly atPassEnd = new KvEventBuffer()
  readonly now: KvEventSink = {
    stored: (first, count) => this.events.stored(first, count),
    removed: (first, count) => this.events.removed(first, count)
  }
  private events = new KvEventBuffer()

  markBlocks(mark: (block: number) => void): void {
    this.events.markBlocks(mark)
    this.atPassEnd.markBlocks(mark)
  }

  /** What was written since the last call; `undefined` when nothing was. */
  take(passEnded: boolean): KvEventBuffer | undefined {
    const { events } = this
    if (passEnded) this.atPassEnd.flush(events)
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

  /** Where a worker's core is to write; nowhere when the router does not listen. */
  sinks(workerIndex: number): Pick<WorkerContext, "kvEvents" | "kvEventsAtPassEnd"> {
    if (this.router.kvEvents(workerIndex) === undefined) return { kvEvents: undefined }
    const events = new WorkerEvents()
    this.workers.set(workerIndex, events)
    return { kvEvents: events.now, kvEventsAtPassEnd: events.atPassEnd }
  }

  /** The worker has left, with its cache: what is under way of it does not count any more. */
  forget(workerIndex: number): void {
    this.workers.delete(workerIndex)
  }

  /** Sends what the worker has written for now. */
  publish(workerIndex: number): Effect.Effect<void> {
    return this.send(workerIndex, this.workers.get(workerIndex)?.take(false))
  }

  /** The worker's pass has ended: sends all that it has written. */
  publishPassEnd(workerIndex: number): Effect.Effect<void> {
    return this.send(workerIndex, this.workers.get(workerIndex)?.take(true))
  }

  private send(workerIndex: number, events: KvEventBuffer | undefined): Effect.Effect<void> {
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
    if (!this.workers.has(batch.workerIndex)) return
    const sink = this.router.kvEvents(batch.workerIndex)
    if (sink !== undefined) batch.events.flush(sink)
  }
}
