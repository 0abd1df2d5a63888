/**
 * One worker as a fiber: takes requests from its mailbox, computes a pass, waits until the pass is over, publishes it.
 *
 * A pass that directly follows another starts where that one was planned to end, not where the timer noticed it, so lateness
 * of timers never adds up; but it never starts before the requests it takes in were sent. A worker that the machine keeps from
 * running for longer than `maxLagMs` starts its next pass now instead: time that was really lost stays visible in what is measured.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import type { KvEventVisibility } from "../engine/KvEvents.ts"
import { type PassOutcome, Signal, type WorkerCore } from "../engine/WorkerCore.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import { failureOf } from "../simulation/CoreFailure.ts"
import type { ReplayError } from "../simulation/ReplayError.ts"
import type { ProbedWorker, RunProbe } from "../simulation/RunProbe.ts"
import { maxIdlePasses } from "../simulation/SimulationLoop.ts"
import { CopyAlarm } from "./CopyAlarm.ts"
import type { KvEventHub } from "./KvEventHub.ts"
import type { LagMeter } from "./LagMeter.ts"
import type { LiveRequest } from "./LiveRequest.ts"
import { OutputBatch } from "./OutputBatch.ts"
import { type Timeline, Turn } from "./Pace.ts"

/**
 * What a worker is sent. An abort follows the submission it takes back; a call says that copies between its KV tiers have ended; nothing
 * follows the end.
 */
export type WorkerMessage =
  | { readonly _tag: "Call" }
  | { readonly _tag: "Submit"; readonly live: LiveRequest; readonly sentMs: number }
  | { readonly _tag: "Abort"; readonly live: LiveRequest }
  | { readonly _tag: "Leave" }

export interface OnlineWorkerOptions {
  readonly index: number
  readonly core: WorkerCore
  /** Name of its group, where workers differ. */
  readonly group: string | undefined
  readonly kvEventVisibility: KvEventVisibility
  readonly hub: KvEventHub
  readonly mailbox: Queue.Queue<WorkerMessage>
  readonly outputs: Queue.Enqueue<OutputBatch>
  readonly time: Timeline
  readonly lag: LagMeter
  readonly probe: RunProbe | undefined
  /** Lateness up to which a worker catches up with its model, ms. */
  readonly maxLagMs: number
  /** Told before the worker rests: it has nothing to do, or, if `stuck`, no pass makes progress for the requests it has. */
  readonly onRest: (worker: OnlineWorker, stuck: boolean) => Effect.Effect<void, ReplayError>
}

export class OnlineWorker {
  readonly index: number
  readonly core: WorkerCore
  readonly place: ProbedWorker
  /** Waits for a message, with nothing it could do by itself. */
  atRest = true
  private readonly options: OnlineWorkerOptions
  private readonly residents = new Map<SimRequest, LiveRequest>()
  /** Opened when the deployment has digested the last batch. */
  private readonly digested = Latch.makeUnsafe()
  /** Where the last pass was planned to end, while the worker has been busy since; else `NaN`. */
  private plannedMs = Number.NaN
  /** When the latest request here was sent. */
  private latestSentMs = Number.NEGATIVE_INFINITY
  private idlePasses = 0
  private hasLeft = false
  /** Only where it has KV tiers. */
  private readonly alarm: CopyAlarm | undefined
  /** A pass is under way. */
  private isBusy = false
  /** Passes computed so far. */
  passes = 0

  constructor(options: OnlineWorkerOptions) {
    this.options = options
    this.index = options.index
    this.core = options.core
    const { core, group, hub, index: workerIndex, kvEventVisibility, mailbox, time } = options
    this.place = { role: "aggregated", workerIndex, core, ...(group === undefined ? {} : { group }) }
    const { tiers } = core
    if (tiers === undefined) return
    this.alarm = new CopyAlarm({
      time,
      deadlineMs: () => tiers.deadlineMs(),
      ring: Effect.suspend(() => {
        tiers.tick(time.nowMs())
        Queue.offerUnsafe(mailbox, { _tag: "Call" })
        // What a pass under way has changed is not to be seen before its end.
        return kvEventVisibility === "pass-end" && this.isBusy ? Effect.void : hub.publish(this.index)
      })
    })
  }

  /** Requests here, as the deployment knows them. */
  requests(): ReadonlyArray<LiveRequest> {
    return [...this.residents.values()]
  }

  /** It rests, without requests and without copies between its KV tiers. */
  get hasNothing(): boolean {
    const { inFlight, tiers } = this.core
    return (
      this.atRest && inFlight === 0 && (tiers?.deadlineMs() ?? Number.POSITIVE_INFINITY) === Number.POSITIVE_INFINITY
    )
  }

  send(message: WorkerMessage): void {
    this.atRest = false
    Queue.offerUnsafe(this.options.mailbox, message)
  }

  /** The deployment has digested this worker's batch: the next pass may start. */
  readonly resume: Effect.Effect<unknown> = this.digested.open

  /** The worker's life: passes until it is told to leave. */
  readonly life = Effect.fnUntraced(function* (this: OnlineWorker): Effect.fn.Return<void, ReplayError> {
    while (!this.hasLeft) yield* this.step()
  })

  private readonly step = Effect.fnUntraced(function* (this: OnlineWorker) {
    const { core, mailbox, time } = this.options
    const stuck = this.idlePasses >= maxIdlePasses
    if (this.awaitsCopies()) this.takeIn(yield* Queue.takeAll(mailbox))
    else if (core.inFlight === 0 || stuck) yield* this.rest(stuck)
    if (this.hasLeft) return
    yield* time.sleepUntil(time.nowMs(), Turn.start + this.index)
    this.receive(yield* Queue.clear(mailbox))
    if (core.inFlight > 0) yield* this.pass()
  })

  private readonly rest = Effect.fnUntraced(function* (this: OnlineWorker, stuck: boolean) {
    const { mailbox, onRest } = this.options
    this.atRest = Queue.sizeUnsafe(mailbox) === 0
    if (this.atRest) yield* onRest(this, stuck)
    this.takeIn(yield* Queue.takeAll(mailbox))
  })

  /** Its last pass did nothing, but a copy under way may let the next one do something. */
  private awaitsCopies(): boolean {
    return this.idlePasses > 0 && this.alarm !== undefined && this.core.tiers?.deadlineMs() !== Number.POSITIVE_INFINITY
  }

  /** What came while the worker waited; it has nothing to catch up with. */
  private takeIn(messages: ReadonlyArray<WorkerMessage>): void {
    this.receive(messages)
    this.plannedMs = Number.NaN
    this.idlePasses = 0
  }

  private receive(messages: ReadonlyArray<WorkerMessage>): void {
    for (const message of messages) {
      if (message._tag === "Call") continue
      if (message._tag === "Leave") {
        this.hasLeft = true
        continue
      }
      const { live } = message
      if (message._tag === "Submit") {
        this.latestSentMs = message.sentMs
        this.residents.set(live.request, live)
        this.core.submit(live.request)
      } else if (this.residents.delete(live.request)) this.core.abort(live.request)
    }
  }

  private readonly pass = Effect.fnUntraced(function* (this: OnlineWorker) {
    const { hub, kvEventVisibility, lag, outputs, time } = this.options
    const nowMs = time.nowMs()
    const startMs = this.startOf(nowMs)
    const outcome = yield* this.compute(startMs)
    if (this.alarm !== undefined) yield* this.alarm.set
    const batch = this.batchOf(outcome, nowMs)
    if (kvEventVisibility === "pass-start") yield* hub.publish(this.index)
    if (!outcome.progressed && outcome.endMs === startMs) {
      this.idlePasses += 1
      return
    }
    this.idlePasses = 0
    const { endMs } = outcome
    batch.instant = endMs === startMs
    this.isBusy = true
    yield* time.sleepUntil(endMs, Turn.passEnd)
    this.isBusy = false
    yield* hub.publishPassEnd(this.index)
    batch.stampMs = time.nowMs()
    lag.passEnded(endMs, batch.stampMs)
    this.plannedMs = endMs
    this.digested.closeUnsafe()
    yield* Queue.offer(outputs, batch)
    yield* this.digested.await
  })

  private startOf(nowMs: number): number {
    const { plannedMs } = this
    if (Number.isNaN(plannedMs)) return nowMs
    const lateMs = nowMs - plannedMs
    if (lateMs <= this.options.maxLagMs) return Math.max(plannedMs, this.latestSentMs)
    this.options.lag.slipped(lateMs)
    return nowMs
  }

  private compute(startMs: number): Effect.Effect<PassOutcome, ReplayError> {
    try {
      const outcome = this.core.pass(startMs)
      this.passes += 1
      this.options.probe?.pass?.(this.place, startMs, outcome)
      return Effect.succeed(outcome)
    } catch (error) {
      return failureOf(error, startMs)
    }
  }

  /** Copies what the pass did out of the core, which overwrites it at the next one. */
  private batchOf(outcome: PassOutcome, nowMs: number): OutputBatch {
    const batch = new OutputBatch(this.index)
    for (const request of this.core.requests()) this.note(request, batch, nowMs)
    for (let index = 0; index < outcome.requests.length; index++) {
      const request = outcome.requests[index]!
      const signal = outcome.signals[index]!
      const live = this.note(request, batch, nowMs)
      batch.addSignal(live, signal)
      if (signal !== Signal.FirstToken) this.residents.delete(request)
    }
    return batch
  }

  private note(request: SimRequest, batch: OutputBatch, nowMs: number): LiveRequest {
    const live = this.residents.get(request)
    if (live === undefined) throw new Error(`worker ${this.index} was never sent request ${request.id}`)
    live.noteAdmissions(nowMs)
    batch.addTokens(live)
    return live
  }
}
