/**
 * SGLang-style worker: radix-tree prefix cache, admission against estimated future use, retraction under pressure.
 *
 * A pass is one prefill batch followed by one decode step of everybody, including those whose prefill it has just finished.
 */
import type { EngineArgs } from "../EngineArgs.ts"
import { noTierUse, type SimRequest } from "../../request/SimRequest.ts"
import type { TimingModel } from "../../timing/Timing.ts"
import type { WorkerContext } from "../WorkerContext.ts"
import { MtpSampler } from "../MtpSampler.ts"
import { emptySnapshot, type PassOutcome, Signal, type TierClock, type WorkerSnapshot } from "../WorkerCore.ts"
import { longestOrderedQueue, LongestPrefixFirst } from "./LongestPrefixFirst.ts"
import { NewTokenRatio } from "./NewTokenRatio.ts"
import { PageUse } from "./PageCopies.ts"
import { isDueSequence, PrefillBatch } from "./PrefillBatch.ts"
import { ReclaimingWorker } from "./ReclaimingWorker.ts"
import { Sequence } from "./Sequence.ts"
import { StepRoom } from "./StepRoom.ts"
import { TokenEmission } from "./TokenEmission.ts"

const noTime = (): number => 0

export class SglangWorker extends ReclaimingWorker {
  private readonly batch: PrefillBatch
  private readonly emission: TokenEmission
  private readonly room: StepRoom
  private readonly longestPrefixFirst: LongestPrefixFirst | undefined
  private readonly ratio: NewTokenRatio
  /** Lists of one pass, reused by the next. */
  private readonly retracted: Array<Sequence> = []
  private readonly finished: Array<Sequence> = []
  /** Requests that will be rejected, unless they are aborted, before they are admitted. */
  private unservable = 0

  constructor(args: EngineArgs, timing: TimingModel, context: WorkerContext) {
    super(args, timing, context)
    const { copies, kv } = this
    const sampler = args.mtp === undefined || !this.visible ? undefined : new MtpSampler(args.mtp, context.workerIndex)
    this.batch = new PrefillBatch(args, kv, copies)
    this.emission = new TokenEmission(kv, this.gaps, sampler, context.probe, {
      countedDown: (sequence, tokenMs) => this.noteToken(sequence, tokenMs)
    })
    this.room = new StepRoom(kv, copies, this.emission, { retracted: (sequence) => this.noteRetraction(sequence) })
    this.longestPrefixFirst =
      args.sglang.schedulePolicy === "lpm" ? new LongestPrefixFirst(kv.tree, args.blockTokens) : undefined
    this.ratio = new NewTokenRatio(args.sglang.scheduleConservativeness)
  }

  get tiers(): TierClock | undefined {
    return this.copies
  }

  /**
   * As many as there are seats, those that never fit, and all of a queue short enough to be put in order; with tiers whoever is deferred may
   * be passed by any request behind it.
   */
  get queueReach(): number | undefined {
    if (this.copies !== undefined) return undefined
    const reach = this.args.maxNumSeqs + this.unservable
    return this.longestPrefixFirst === undefined ? reach : Math.max(reach, longestOrderedQueue + 1)
  }

  submit(request: SimRequest): void {
    const sequence = this.sequenceOf(request, request.outputTokens)
    if (this.batch.neverFits(sequence)) this.unservable += 1
    this.waiting.pushBack(sequence)
  }

  protected sequenceOf(request: SimRequest, outputTokens: number): Sequence {
    const sequence = new Sequence(request, outputTokens)
    if (this.copies !== undefined) {
      request.tiers ??= noTierUse()
      sequence.tierUse = new PageUse(sequence)
    }
    return sequence
  }

  pass(nowMs: number): PassOutcome {
    const { batch, copies, outcome, ratio } = this
    outcome.begin(nowMs)
    const copiesEnded = copies?.tick(nowMs) === true
    this.beforeAdmission(nowMs)
    this.longestPrefixFirst?.order(this.waiting)
    if (this.clearsCache) this.clearCache()
    if (!this.clearsCache && !(this.standsStill && this.running.length > 0)) this.prefill(nowMs)
    outcome.prefillTokens = batch.computedTokens
    const prefillEndMs = nowMs + this.timing.prefillMs(batch.charge())
    outcome.prefillEndMs = prefillEndMs
    const waitsForPrefill = this.args.sglangPrefillFirst && batch.sequences.length > 0
    const decoding = this.running.length
    this.placeAdmitted()
    outcome.endMs = waitsForPrefill ? this.emitPrefilled(decoding, prefillEndMs) : this.decode(prefillEndMs)
    if (this.finished.length > 0) this.settleFinished()
    if (this.retracted.length > 0) this.requeueRetracted()
    copies?.passEnds(outcome.endMs)
    if (outcome.endMs > nowMs || outcome.requests.length > 0) outcome.worked()
    // How often a worker that waits for copies is asked in vain makes no difference.
    if (copies === undefined || outcome.progressed) ratio.decay()
    if (copiesEnded) outcome.worked()
    return outcome
  }

  /** Nobody's page gets full. Slots that are told apart are taken in their time, and so are bursts. */
  protected quietPasses(): number {
    const { emission, kv, outcome, room, running } = this
    let passes = emission.drawsBursts || kv.pool.numbered ? 0 : room.stepsWithRoom(running)
    for (let index = 0; index < running.length && passes > 0; index++) {
      const { countdown, lastTokenMs } = running[index]!
      passes = lastTokenMs === outcome.endMs ? Math.min(passes, countdown - 1) : 0
    }
    return passes
  }

  protected timeQuietPasses(passes: number, untilMs: number): void {
    // What the end of a copy changes, the pass behind it sees.
    this.ahead.bound(passes, this.copies === undefined ? untilMs : Math.min(untilMs, this.copies.noticeMs()))
    this.timing.runAhead(this.ahead, this.running.length, this.contextTokens())
  }

  protected takeQuietPasses(from: number, to: number): void {
    const { ahead, running } = this
    const passes = to - from
    const endMs = ahead.ends[to - 1]!
    this.kv.pool.take(passes * running.length)
    for (let index = 0; index < running.length; index++) {
      const sequence = running[index]!
      sequence.generatedTokens += passes
      sequence.materialisedTokens += passes
      sequence.countdown -= passes
      sequence.lastTokenMs = endMs
    }
    this.ratio.decay(passes)
  }

  protected mayAdmit(): boolean {
    return this.waiting.length > 0
  }

  private contextTokens(): number {
    const { running } = this
    let contextTokens = 0
    for (let index = 0; index < running.length; index++) contextTokens += running[index]!.materialisedTokens
    return contextTokens
  }

  snapshot(passesAhead = 0, into = emptySnapshot()): WorkerSnapshot {
    const { kv } = this
    const aheadTokens = passesAhead * this.running.length
    into.waiting = this.queued
    into.running = this.running.length
    into.activeBlocks = Math.ceil((kv.activeTokens + aheadTokens) / kv.pageTokens)
    into.availableBlocks = Math.floor((kv.obtainableTokens - aheadTokens) / kv.pageTokens)
    into.cachedBlocks = kv.evictableTokens / kv.pageTokens
    into.capacityBlocks = this.args.numGpuBlocks
    into.preemptions = this.preemptions
    return into
  }

  requests(): ReadonlyArray<SimRequest> {
    this.catchUp()
    return this.sequences().map((sequence) => {
      this.recordProgress(sequence)
      return sequence.request
    })
  }

  markBlocks(mark: (block: number) => void): void {
    this.kv.markBlocks(mark)
    for (const sequence of this.sequences()) sequence.markKeys(mark)
    this.copies?.markBlocks(mark)
  }

  checkInvariants(): void {
    const { copies } = this
    copies?.checkInvariants()
    const sequences = [...this.sequences(), ...(copies?.abandonedSequences ?? [])]
    this.kv.checkInvariants(sequences, this.reservedTokens, copies?.heldNodes)
  }

  /** Slots set aside for what is not there yet. */
  protected get reservedTokens(): number {
    return this.copies?.loadingTokens ?? 0
  }

  protected drop(sequence: Sequence): void {
    if (this.copies?.abandons(sequence) !== true) this.letGo(sequence)
  }

  /** Everybody here, waiting ones first. */
  protected sequences(): Array<Sequence> {
    const sequences: Array<Sequence> = []
    this.waiting.forEach((sequence) => sequences.push(sequence))
    sequences.push(...this.running)
    return sequences
  }

  // ---- what disaggregated workers do differently ---------------------------------------------------------------------

  /** Requests whose prompt was computed elsewhere join here. */
  protected beforeAdmission(_nowMs: number): void {}

  protected admitsPrefill(): boolean {
    return true
  }

  protected noteAdmission(request: SimRequest, nowMs: number, reusedTokens: number): void {
    request.admitted(nowMs, reusedTokens)
    this.outcome.worked()
    this.probe?.admitted?.(request, nowMs, reusedTokens)
  }

  /** A request has emitted its last token. */
  protected settle(sequence: Sequence): void {
    this.letGo(sequence)
  }

  // ---- prefill -----------------------------------------------------------------------------------------------------------

  private prefill(nowMs: number): void {
    if (this.admitsPrefill()) this.admitWaiting(nowMs)
    const { head } = this.waiting
    if (head === undefined || this.running.length > 0) return
    if (this.batch.sequences.length === 0 && this.outcome.requests.length === 0) this.freeStuckHead(head)
  }

  private admitWaiting(nowMs: number): void {
    const { batch, waiting } = this
    if (waiting.head === undefined) return
    const freeSeats = this.args.maxNumSeqs - this.running.length
    batch.open(this.running, this.ratio.value)
    while (batch.sequences.length < freeSeats && !batch.isFull) {
      const sequence = this.nextToAdmit()
      if (sequence === undefined) return
      if (batch.neverFits(sequence)) {
        waiting.remove(sequence)
        this.reject(sequence)
        continue
      }
      if (batch.defers(sequence, nowMs)) {
        this.outcome.worked()
        continue
      }
      const reusedTokens = batch.take(sequence)
      if (reusedTokens < 0) return
      waiting.remove(sequence)
      this.copies?.admitted(sequence, reusedTokens)
      this.noteAdmission(sequence.request, nowMs, reusedTokens)
      const tokens = sequence.materialisedTokens - reusedTokens
      if (tokens > 0) this.probe?.scheduled?.(sequence.request, tokens, tokens)
    }
  }

  private nextToAdmit(): Sequence | undefined {
    return this.copies === undefined ? this.waiting.head : this.waiting.find(isDueSequence)
  }

  private reject(sequence: Sequence): void {
    if (Number.isNaN(sequence.request.firstAdmitMs)) this.unservable -= 1
    this.recordProgress(sequence)
    this.outcome.signal(sequence.request, Signal.Rejected)
  }

  private settleFinished(): void {
    for (const sequence of this.finished) this.settle(sequence)
    this.finished.length = 0
  }

  /** Complete prompts start to decode, the others wait at the front for their next chunk. */
  private placeAdmitted(): void {
    const { batch } = this
    if (batch.sequences.length === 0) return
    for (const sequence of batch.sequences) {
      if (sequence.materialisedTokens === sequence.knownTokens) this.startDecoding(sequence)
      else {
        sequence.request.computedUpTo(sequence.materialisedTokens)
        this.noteComplete(sequence)
        this.kv.cachePrefix(sequence)
        this.waiting.pushFront(sequence)
      }
    }
    batch.close()
  }

  /** Pages have become complete in this pass. */
  private noteComplete(sequence: Sequence): void {
    if (this.copies !== undefined) this.copies.computed(sequence, this.kv.completePages(sequence))
  }

  protected startDecoding(sequence: Sequence): void {
    this.kv.openPage(sequence)
    sequence.countdown = 1
    this.running.push(sequence)
  }

  // ---- decode ------------------------------------------------------------------------------------------------------------

  /**
   * The prefill batch emits the first token of every prompt that it completes; the `decoding` requests that ran before it stand
   * still. Returns the end of the pass.
   */
  private emitPrefilled(decoding: number, endMs: number): number {
    const others = this.running.splice(0, decoding)
    const passEndMs = this.decode(endMs, noTime)
    this.running.unshift(...others)
    return passEndMs
  }

  /** One decode step of all running requests from `startMs`; returns its end. */
  private decode(startMs: number, stepMs: () => number = this.stepMs): number {
    const { kv, running } = this
    if (running.length === 0) return startMs
    const needed = this.room.make(running)
    kv.makeAvailable(needed)
    const first = kv.pool.take(needed)
    if (first < 0) {
      this.standStill(startMs)
      return startMs
    }
    this.goOn()
    const tokenMs = startMs + stepMs()
    const used = this.emission.emit(running, first, tokenMs)
    this.outcome.emittedTokens = used
    kv.pool.giveBack(first + needed, needed - used)
    if (this.finished.length > 0) this.dropFinished()
    this.outcome.worked()
    return tokenMs
  }

  private noteRetraction(sequence: Sequence): void {
    this.retracted.push(sequence)
    this.notePreemption(sequence)
  }

  private requeueRetracted(): void {
    for (let index = this.retracted.length - 1; index >= 0; index--) this.waiting.pushFront(this.retracted[index]!)
    this.retracted.length = 0
    this.ratio.reset()
    this.capacityFreed()
  }

  private readonly stepMs = (): number => this.decodeDurationMs()

  private decodeDurationMs(): number {
    return this.timing.decodeOfRequestsMs(this.running.length, this.contextTokens())
  }

  private noteFirstToken(request: SimRequest, tokenMs: number): void {
    request.firstTokenMs = tokenMs
    this.probe?.firstToken?.(request, tokenMs)
  }

  /** Everything about a token that is not plain steady decoding: first, second, page boundary, last. */
  private noteToken(sequence: Sequence, tokenMs: number): void {
    const { generatedTokens, maxOutputTokens, request } = sequence
    this.noteComplete(sequence)
    if (this.visible && generatedTokens === 1) this.noteFirstToken(request, tokenMs)
    if (this.visible && generatedTokens === 2) request.secondTokenMs = tokenMs
    if (generatedTokens === maxOutputTokens) {
      this.recordProgress(sequence)
      this.finished.push(sequence)
      this.outcome.signal(request, Signal.Completed)
      return
    }
    if (generatedTokens === 1) this.outcome.signal(request, Signal.FirstToken)
    this.kv.cachePrefix(sequence)
    const filled = sequence.materialisedTokens % this.kv.pageTokens
    if (filled === 0) this.kv.openPage(sequence)
    sequence.countdown =
      generatedTokens === 1 ? 1 : Math.min(this.kv.pageTokens - filled, maxOutputTokens - generatedTokens)
  }

  private dropFinished(): void {
    const { running } = this
    let kept = 0
    for (let index = 0; index < running.length; index++) {
      const sequence = running[index]!
      if (sequence.remainingTokens > 0) running[kept++] = sequence
    }
    running.length = kept
  }
}
