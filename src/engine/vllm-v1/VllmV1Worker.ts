/**
 * A worker that decides like vLLM V1: scheduling calls, the batches they make, and their delivery.
 *
 * Without asynchronous scheduling a pass is a call, its batch, and the delivery at the batch's end. With it two batches are
 * outstanding: the next one is decided when the previous one starts to execute, so a pass makes calls until two are outstanding (or
 * nothing can be scheduled) and ends with the delivery of the older one.
 *
 *     calls      k   k+1          k+2          k+3
 *     executing  [---- k ----][--- k+1 ---][--- k+2 ---]
 *     passes     |------------|------------|-----------|
 */
import type { EngineArgs } from "../EngineArgs.ts"
import { noTierUse, type SimRequest } from "../../request/SimRequest.ts"
import type { TimingModel } from "../../timing/Timing.ts"
import { BatchWorker } from "../BatchWorker.ts"
import type { KvEventSink, TierEventSinks } from "../KvEvents.ts"
import { MtpSampler } from "../MtpSampler.ts"
import { PassTiming } from "../PassTiming.ts"
import { PrivateKeys } from "../tiers/PrivateKeys.ts"
import { type CopyWorker, RequestCopies } from "../tiers/RequestCopies.ts"
import { SharedTiers } from "../tiers/SharedTiers.ts"
import { type TierArgs, tierArgsOf } from "../tiers/TierArgs.ts"
import type { WorkerContext } from "../WorkerContext.ts"
import { emptySnapshot, type PassOutcome, Signal, type TierClock, type WorkerSnapshot } from "../WorkerCore.ts"
import { Batch } from "./Batch.ts"
import { BlockPool } from "./BlockPool.ts"
import { DecisionRecorder } from "./DecisionRecorder.ts"
import { Delivery, lastKnownTokensOf } from "./Delivery.ts"
import { Scheduler } from "./Scheduler.ts"
import type { SchedulerRules } from "./SchedulerRules.ts"
import type { SchedulerSettings } from "./SchedulerSettings.ts"
import { Sequence } from "./Sequence.ts"
import { asksForDecisions, ShownDecisions } from "./ShownDecisions.ts"

export class VllmV1Worker extends BatchWorker<Sequence> {
  readonly queueReach: number | undefined
  readonly tiers: TierClock | undefined
  private readonly settings: SchedulerSettings
  private readonly timing: PassTiming
  private readonly pool: BlockPool
  private readonly scheduler: Scheduler
  private readonly delivery: Delivery
  /** Copies of computed blocks in KV tiers, where there are any. */
  private readonly copies: RequestCopies<Sequence> | undefined
  private readonly recorder: DecisionRecorder | undefined
  private readonly decisionEvents: KvEventSink | undefined
  private readonly deliveryEvents: KvEventSink | undefined
  /** Outstanding batches, oldest first, and batches that are not in use. */
  private readonly outstanding: Array<Batch> = []
  private readonly spare: Array<Batch> = [new Batch(), new Batch()]
  /** End of the batch decided last. */
  private busyUntilMs = 0
  /** Requests that the front end turned away. */
  private readonly refused: Array<SimRequest> = []

  constructor(
    args: EngineArgs,
    settings: SchedulerSettings,
    rules: SchedulerRules,
    timing: TimingModel,
    context: WorkerContext
  ) {
    super(args)
    this.settings = settings
    const tierArgs = tierArgsOf(args)
    const shared = tierArgs === undefined ? undefined : (context.sharedTiers ?? new SharedTiers())
    // Priorities reorder the queue, an adaptive cap counts everybody who waits, and whoever waits for copies may be passed.
    const readsWholeQueue = settings.policy === "priority" || settings.adaptiveShareCap || tierArgs !== undefined
    // Behind those that a pass may let in it looks whether anybody is left.
    this.queueReach = readsWholeQueue ? undefined : settings.maxActiveRequests + 1
    this.timing = new PassTiming(args, timing, context.slowness)
    this.decisionEvents = context.kvEvents
    this.deliveryEvents = context.kvEventsAtPassEnd
    const identities = shared === undefined ? undefined : new PrivateKeys(shared.privateFrames)
    this.pool = new BlockPool(settings.usableBlocks, rules.unidentifiedBlocksGoTo, this.decisionEvents, identities)
    const { outcome, pool, running, waiting } = this
    const sampler = args.mtp === undefined ? undefined : new MtpSampler(args.mtp, context.workerIndex)
    this.scheduler = new Scheduler({ settings, rules, pool, waiting, running, sampler })
    if (tierArgs !== undefined && shared !== undefined)
      this.copies = this.copiesTo(tierArgs, shared, context.tierEvents)
    this.scheduler.copies = this.copies
    this.tiers = this.copies === undefined ? undefined : this.clockOf(this.copies)
    const { gaps, probe } = context
    const singleTokens = sampler === undefined
    this.delivery = new Delivery({
      settings,
      scheduler: this.scheduler,
      waiting,
      running,
      gaps,
      probe,
      outcome,
      singleTokens
    })
    if (probe !== undefined && asksForDecisions(probe)) {
      this.recorder = new DecisionRecorder(new ShownDecisions(probe), context.workerIndex)
      this.pool.observer = this.recorder
      this.scheduler.recorder = this.recorder
    }
  }

  private copiesTo(
    tierArgs: TierArgs,
    shared: SharedTiers,
    sinks: TierEventSinks | undefined
  ): RequestCopies<Sequence> {
    if (!shared.join(tierArgs)) throw new Error("workers of one run ask for different disk tiers")
    const { pool, scheduler, timing } = this
    const worker: CopyWorker = {
      keyOf: (slot) => pool.keyOf(slot),
      release: (slots, count) => pool.release(slots, count),
      publish: (keys, slots, from, to) => scheduler.publish(keys, slots, from, to),
      roomMade: () => {},
      computeMs: (tokens, prefixTokens) =>
        timing.prefillMs({
          batchPrompts: 1,
          meanIslTokens: prefixTokens + tokens,
          meanPrefixTokens: prefixTokens
        })
    }
    return new RequestCopies(tierArgs, shared, this.args.blockTokens, worker, sinks)
  }

  override get inFlight(): number {
    return super.inFlight + this.refused.length
  }

  private clockOf(copies: RequestCopies<Sequence>): TierClock {
    return {
      tick: (nowMs) => this.tickCopies(copies, nowMs),
      deadlineMs: () => copies.deadlineMs(),
      noticeMs: () => copies.noticeMs(),
      occupancy: () => copies.occupancy()
    }
  }

  submit(request: SimRequest): void {
    const { maxModelTokens } = this.settings
    if (this.copies !== undefined) request.tiers ??= noTierUse()
    if (request.promptTokens + 1 > maxModelTokens || request.outputTokens < 1) this.refused.push(request)
    else this.scheduler.enqueue(new Sequence(request, lastKnownTokensOf(request, maxModelTokens), request.blocks))
  }

  override abort(request: SimRequest): boolean {
    const index = this.refused.indexOf(request)
    if (index < 0) return super.abort(request)
    this.refused.splice(index, 1)
    return true
  }

  pass(nowMs: number): PassOutcome {
    const { outcome } = this
    const { preemptions } = this.scheduler
    outcome.begin(nowMs)
    if (this.copies !== undefined && this.tickCopies(this.copies, nowMs)) outcome.worked()
    this.decideAndDeliver(nowMs)
    outcome.preemptions = this.scheduler.preemptions - preemptions
    this.signalRefused()
    return outcome
  }

  snapshot(_passesAhead = 0, into = emptySnapshot()): WorkerSnapshot {
    const { pool } = this
    into.waiting = this.waiting.length + this.refused.length
    into.running = this.running.length
    into.activeBlocks = pool.usedBlocks
    into.availableBlocks = pool.freeBlocks
    into.cachedBlocks = pool.cachedFreeBlocks
    into.capacityBlocks = pool.capacity
    into.preemptions = this.scheduler.preemptions
    return into
  }

  requests(): ReadonlyArray<SimRequest> {
    const requests: Array<SimRequest> = [...this.refused]
    const add = (sequence: Sequence): void => {
      this.recordProgress(sequence)
      requests.push(sequence.request)
    }
    this.waiting.forEach(add)
    this.running.forEach(add)
    return requests
  }

  markBlocks(mark: (block: number) => void): void {
    this.pool.markBlocks(mark)
    this.recorder?.markBlocks(mark)
    this.waiting.forEach((sequence) => sequence.markKeys(mark))
    for (const sequence of this.running) sequence.markKeys(mark)
    this.copies?.markBlocks(mark)
  }

  checkInvariants(): void {
    this.pool.checkInvariants()
    this.copies?.checkInvariants()
    let held = this.copies?.heldBlocks() ?? 0
    for (const sequence of this.running) held += sequence.heldBlocks
    this.waiting.forEach((sequence) => {
      if (sequence.deferredBy?.live === true) held += sequence.heldBlocks
      else if (sequence.heldBlocks > 0) throw new Error(`request ${sequence.request.id} waits but holds KV blocks`)
    })
    if (held < this.pool.usedBlocks)
      throw new Error(`${this.pool.usedBlocks} KV blocks are held, but requests hold ${held}`)
  }

  protected drop(sequence: Sequence): void {
    this.scheduler.letGo(sequence)
  }

  private tickCopies(copies: RequestCopies<Sequence>, nowMs: number): boolean {
    this.pool.events = this.decisionEvents
    return copies.tick(nowMs)
  }

  // ---- the pipeline ------------------------------------------------------------------------------------------------

  /** Calls until enough batches are outstanding or nothing can be scheduled, then the delivery of the oldest that executed. */
  private decideAndDeliver(nowMs: number): void {
    const { outstanding } = this
    for (;;) {
      const batch = this.decide(nowMs)
      if (batch.length > 0 && outstanding.length < this.settings.outstandingBatches) continue
      // An empty call is delivered in its turn, without taking time.
      while (outstanding.length > 0 && outstanding[0]!.length === 0) this.deliverOldest(nowMs)
      const awaited = outstanding[0]
      if (awaited === undefined) return
      if (awaited === batch && outstanding.length < this.settings.outstandingBatches) continue
      this.deliverOldest(nowMs)
      return
    }
  }

  /** Makes a scheduling call; its batch, empty or not, is outstanding afterwards. */
  private decide(nowMs: number): Batch {
    const batch = this.spare.pop() ?? new Batch()
    this.pool.events = this.decisionEvents
    this.scheduler.schedule(batch, nowMs)
    batch.activeBlocks = this.pool.usedBlocks
    if (batch.length > 0) {
      batch.startMs = Math.max(nowMs, this.busyUntilMs)
      batch.prefillEndMs = batch.startMs + this.timing.prefillMs(batch)
      batch.endMs = batch.prefillEndMs + this.decodeMs(batch)
      this.busyUntilMs = batch.endMs
      this.outcome.progressed = true
    }
    this.copies?.passEnds(batch.endMs)
    this.outstanding.push(batch)
    if (this.recorder !== undefined) this.recorder.decide(batch, this.waitingRequests(), batch.activeBlocks)
    return batch
  }

  private decodeMs({ activeBlocks, contextTokens, yieldingRequests }: Batch): number {
    return yieldingRequests === 0 ? 0 : this.timing.decodeMs(yieldingRequests, contextTokens, activeBlocks)
  }

  private deliverOldest(nowMs: number): void {
    const batch = this.outstanding.shift()!
    const endMs = Math.max(nowMs, batch.endMs)
    this.pool.events = this.deliveryEvents
    this.delivery.deliver(batch, endMs)
    this.copies?.passEnds(endMs)
    this.outcome.endMs = endMs
    if (batch.length > 0) {
      // Also where it was decided in an earlier pass, nothing in this one, and executing it takes no time.
      this.outcome.progressed = true
      this.outcome.prefillEndMs = Math.max(nowMs, batch.prefillEndMs)
      this.outcome.prefillTokens = batch.prefillTokens
    }
    if (this.recorder !== undefined) this.recorder.deliver(endMs, this.pool.usedBlocks)
    this.spare.push(batch)
  }

  private signalRefused(): void {
    if (this.refused.length === 0) return
    for (const request of this.refused) this.outcome.signal(request, Signal.Rejected)
    this.refused.length = 0
    this.outcome.progressed = true
  }

  private waitingRequests(): Array<SimRequest> {
    const requests: Array<SimRequest> = []
    this.waiting.forEach((sequence) => void requests.push(sequence.request))
    return requests
  }
}
