/**
 * SGLang-style worker: radix-tree prefix cache, admission against estimated future use, retraction under pressure.
 *
 * A pass is one prefill batch followed by one decode step of everybody, including those whose prefill it has just finished.
 */
import type { EngineArgs } from "../EngineArgs.ts"
import { noTierUse, type SimRequest } from "../../request/SimRequest.ts"
import type { TimingModel } from "../../timing/Timing.ts"
import type { WorkerContext } from "../WorkerContext.ts"
import { AheadWorker } from "../AheadWorker.ts"
import { EngineStalled } from "../EngineStalled.ts"
import { MtpSampler } from "../MtpSampler.ts"
import { SharedTiers } from "../tiers/SharedTiers.ts"
import { type TierArgs, tierArgsOf } from "../tiers/TierArgs.ts"
import { isDue } from "../tiers/TierUser.ts"
import type { WorkerProbe } from "../WorkerProbe.ts"
import { emptySnapshot, type PassOutcome, Signal, type TierClock, type WorkerSnapshot } from "../WorkerCore.ts"
import { KvCache } from "./KvCache.ts"
import { longestOrderedQueue, LongestPrefixFirst } from "./LongestPrefixFirst.ts"
import { NewTokenRatio } from "./NewTokenRatio.ts"
import { PageCopies, PageUse } from "./PageCopies.ts"
import { PrefillBudget } from "./PrefillBudget.ts"
import { Sequence } from "./Sequence.ts"
import { TokenEmission } from "./TokenEmission.ts"

const noTime = (): number => 0

/** Whoever waits for pages on their way is passed by others. */
const isDueSequence = ({ tierUse }: Sequence): boolean => tierUse === undefined || isDue(tierUse)

/** Reclaims in a row without a single token after which the requests are taken to displace each other forever. */
const maxFruitlessReclaims = 10_000

export class SglangWorker extends AheadWorker<Sequence> {
  protected readonly kv: KvCache
  /** Copies of complete pages in KV tiers, where there are any. */
  protected readonly copies: PageCopies | undefined
  private readonly emission: TokenEmission
  private readonly probe: WorkerProbe | undefined
  private readonly longestPrefixFirst: LongestPrefixFirst | undefined
  private readonly ratio: NewTokenRatio
  private readonly budget: PrefillBudget
  /** Lists of one pass, reused by the next. */
  private readonly admitted: Array<Sequence> = []
  private readonly retracted: Array<Sequence> = []
  private readonly finished: Array<Sequence> = []
  /** Requests that will be rejected, unless they are aborted, before they are admitted. */
  private unservable = 0
  private fruitlessReclaims = 0
  /** Running requests stand still until there is room for their next tokens; nobody else is given any. */
  private standsStill = false
  /** The cache is to be emptied before anybody is admitted, once no copy locks any page. */
  private clearsCache = false
  private batchIslTokens = 0
  private batchPrefixTokens = 0

  constructor(args: EngineArgs, timing: TimingModel, context: WorkerContext) {
    super(args, timing, context)
    this.probe = context.probe
    const tierArgs = tierArgsOf(args)
    const shared = tierArgs === undefined ? undefined : (context.sharedTiers ?? new SharedTiers())
    this.kv = new KvCache(args.numGpuBlocks, args.blockTokens, context.kvEvents, context.probe, shared)
    if (tierArgs !== undefined && shared !== undefined) this.copies = this.copiesTo(tierArgs, shared, context)
    const sampler = args.mtp === undefined || !this.visible ? undefined : new MtpSampler(args.mtp, context.workerIndex)
    this.emission = new TokenEmission(this.kv, this.gaps, sampler, context.probe, {
      countedDown: (sequence, tokenMs) => this.noteToken(sequence, tokenMs)
    })
    this.longestPrefixFirst =
      args.sglang.schedulePolicy === "lpm" ? new LongestPrefixFirst(this.kv.tree, args.blockTokens) : undefined
    this.ratio = new NewTokenRatio(args.sglang.scheduleConservativeness)
    this.budget = new PrefillBudget(args)
  }

  private copiesTo(tierArgs: TierArgs, shared: SharedTiers, { tierEvents }: WorkerContext): PageCopies {
    const { kv, timing } = this
    const worker = {
      roomMade: () => this.capacityFreed(),
      computeMs: (tokens: number, prefixTokens: number) =>
        timing.prefillMs({ batchPrompts: 1, meanIslTokens: prefixTokens + tokens, meanPrefixTokens: prefixTokens })
    }
    return new PageCopies(tierArgs, shared, kv, worker, tierEvents)
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
    if (this.neverFits(sequence)) this.unservable += 1
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
    const { copies, outcome, ratio } = this
    outcome.begin(nowMs)
    const copiesEnded = copies?.tick(nowMs) === true
    this.beforeAdmission(nowMs)
    this.longestPrefixFirst?.order(this.waiting)
    if (this.clearsCache) this.clearCache()
    if (!this.clearsCache && !(this.standsStill && this.running.length > 0)) {
      if (this.admitsPrefill()) this.admitWaiting(nowMs)
      this.freeStuckHead()
    }
    outcome.prefillTokens = this.batchIslTokens - this.batchPrefixTokens
    const prefillEndMs = nowMs + this.prefillDurationMs()
    outcome.prefillEndMs = prefillEndMs
    const waitsForPrefill = this.args.sglangPrefillFirst && this.admitted.length > 0
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
    const { emission, kv, outcome, running } = this
    let passes = emission.drawsBursts || kv.pool.numbered ? 0 : this.roomyPasses()
    for (let index = 0; index < running.length && passes > 0; index++) {
      const { countdown, lastTokenMs } = running[index]!
      passes = lastTokenMs === outcome.endMs ? Math.min(passes, countdown - 1) : 0
    }
    return passes
  }

  protected timeQuietPasses(passes: number, untilMs: number): void {
    // What the end of a copy changes, the pass behind it sees.
    const quietUntilMs = this.copies === undefined ? untilMs : Math.min(untilMs, this.copies.noticeMs())
    this.timing.runAhead(
      this.ahead,
      passes,
      quietUntilMs,
      Number.POSITIVE_INFINITY,
      this.running.length,
      this.contextTokens()
    )
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

  /** How many passes of the running requests find free slots, and so many that {@link makeRoom} need not look at anybody's page. */
  private roomyPasses(): number {
    const { kv, running } = this
    const freePasses = Math.floor(kv.pool.available / running.length)
    if (running.length === 1) return freePasses
    return Math.min(freePasses, Math.floor(kv.obtainableTokens / running.length) - 2 * kv.pageTokens)
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

  /** The request lets go of its KV; its complete pages stay cached. */
  protected letGo(sequence: Sequence): void {
    const node = this.kv.finalise(sequence)
    this.copies?.letGo(sequence, node)
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

  /** Whether somebody outside this worker will give KV back to it. */
  protected awaitsRelease(): boolean {
    return false
  }

  /** Whether KV comes back here without anybody's doing: from outside, or when copies end. */
  private awaitsKv(): boolean {
    const { copies, waiting } = this
    if (this.awaitsRelease()) return true
    return copies !== undefined && (copies.holdsPages || waiting.find((each) => !isDueSequence(each)) !== undefined)
  }

  // ---- prefill -----------------------------------------------------------------------------------------------------------

  private admitWaiting(nowMs: number): void {
    const { admitted, budget, waiting } = this
    if (waiting.head === undefined) return
    const freeSeats = this.args.maxNumSeqs - this.running.length
    budget.open(this.kv.obtainableTokens, this.running, this.ratio.value)
    while (admitted.length < freeSeats && !budget.exhausted) {
      const sequence = this.nextToAdmit()
      if (sequence === undefined) return
      if (this.neverFits(sequence)) {
        waiting.remove(sequence)
        this.reject(sequence)
        continue
      }
      if (this.copies !== undefined && this.isDeferred(sequence, this.copies, nowMs)) continue
      const reusedTokens = this.materialise(sequence)
      if (reusedTokens < 0) return
      waiting.remove(sequence)
      admitted.push(sequence)
      this.batchIslTokens += sequence.materialisedTokens
      this.batchPrefixTokens += reusedTokens
      this.copies?.admitted(sequence, reusedTokens)
      this.noteAdmission(sequence.request, nowMs, reusedTokens)
      const tokens = sequence.materialisedTokens - reusedTokens
      if (tokens > 0) this.probe?.scheduled?.(sequence.request, tokens, tokens)
    }
  }

  private nextToAdmit(): Sequence | undefined {
    return this.copies === undefined ? this.waiting.head : this.waiting.find(isDueSequence)
  }

  /** Whether a waiting request has to wait for pages on their way, from now on if need be: tiers have some of its prompt. */
  private isDeferred(sequence: Sequence, copies: PageCopies, nowMs: number): boolean {
    if (sequence.materialisedTokens > 0) return false
    const tokens = copies.load(sequence, this.loadablePages(sequence), nowMs)
    this.budget.chargeLoad(tokens)
    if (isDueSequence(sequence)) return false
    this.outcome.worked()
    return true
  }

  /** Leading pages that a fresh sequence would look up if it were admitted now, as far as there is room; none when it has to wait. */
  private loadablePages(sequence: Sequence): number {
    const { args, budget, kv } = this
    const { keys, knownTokens } = sequence
    if (args.sglangMatch === "first_chunk")
      return Math.min(keys.length, Math.floor(budget.grant(sequence, 0) / kv.pageTokens))
    const pages = Math.min(keys.length, Math.floor((knownTokens - 1) / kv.pageTokens))
    const cachedTokens = kv.tree.matchingPages(keys, pages) * kv.pageTokens
    return budget.grant(sequence, cachedTokens) === 0 ? 0 : Math.min(pages, budget.roomPages)
  }

  /**
   * Whether even an empty worker would neither admit the request nor hold its last token. The reference leaves such a request at the
   * head of its queue for ever, or lets it outgrow the pool.
   */
  private neverFits(sequence: Sequence): boolean {
    if (sequence.materialisedTokens > 0) return false
    const { knownTokens, remainingTokens } = sequence
    const { capacityTokens } = this.kv
    return knownTokens + remainingTokens > capacityTokens || !this.budget.couldGrant(sequence, capacityTokens)
  }

  private reject(sequence: Sequence): void {
    if (Number.isNaN(sequence.request.firstAdmitMs)) this.unservable -= 1
    this.recordProgress(sequence)
    this.outcome.signal(sequence.request, Signal.Rejected)
  }

  /** The head of the queue may be refused although nobody is served and nothing will come back: only what others who wait hold can help. */
  private freeStuckHead(): void {
    const { head } = this.waiting
    if (head === undefined || this.running.length > 0 || this.admitted.length > 0 || this.outcome.requests.length > 0)
      return
    if (!this.awaitsKv() && !this.reclaim()) this.restoreLost(head)
  }

  /**
   * Takes back the KV of the last waiting request that holds some: chunks that it computed before others went ahead of it. They stay
   * cached until the room is needed. False when nobody who waits holds any. The reference never goes on from here.
   */
  protected reclaim(): boolean {
    let holder: Sequence | undefined = undefined
    for (let each = this.waiting.head; each !== undefined; each = each.behind) {
      if (each.materialisedTokens > 0) holder = each
    }
    if (holder === undefined) return false
    this.restart(holder)
    return true
  }

  /** Nobody holds anything here, so slots that retractions lost can be told and had again. */
  private restoreLost(head: Sequence): void {
    if (this.kv.isWhole) return
    this.kv.clear()
    this.noteReclaim(head)
  }

  /**
   * Takes back the KV of a request, which computes it anew. One that stood in its own way starts again with an empty cache: it held
   * pages twice, because others had cached them before it put its own into the tree, or slots were lost since it was admitted.
   */
  protected restart(sequence: Sequence): void {
    sequence.request.computedUpTo(sequence.materialisedTokens)
    this.letGo(sequence)
    if (sequence === this.waiting.head) this.clearCache()
    this.notePreemption(sequence)
    this.noteReclaim(sequence)
  }

  /** Copies may lock pages that are in the way as well: they come first. */
  private clearCache(): void {
    this.clearsCache = this.copies?.roomToCome() !== undefined
    if (!this.clearsCache) this.kv.clear()
  }

  private noteReclaim({ request }: Sequence): void {
    this.outcome.worked()
    this.capacityFreed()
    this.fruitlessReclaims += 1
    if (this.fruitlessReclaims <= maxFruitlessReclaims) return
    throw new EngineStalled(
      request,
      `${this.inFlight} requests displace each other's prefill without end: the KV pool of ${this.kv.capacityTokens} tokens never lets `
        + "a token out. Give the engine more KV (num_gpu_blocks), or larger pages (block_size, sglang.page_size)"
    )
  }

  /** Gives a request its share of this prefill batch. Returns the tokens that need no computing, -1 when it has to wait. */
  private materialise(sequence: Sequence): number {
    const { args, budget, kv } = this
    const isFresh = sequence.materialisedTokens === 0
    const looksUp = isFresh && args.sglangMatch === "whole"
    const cachedTokens = looksUp ? kv.cachedPrefix(sequence) : 0
    const tokens = budget.grant(sequence, cachedTokens)
    if (tokens === 0) return -1
    const endTokens = sequence.materialisedTokens + cachedTokens + tokens
    const lookUpTokens = looksUp ? cachedTokens : endTokens
    // The reference may evict what a prompt is about to find. Pages that have just been loaded for it would be.
    if (looksUp || (isFresh && this.copies !== undefined)) kv.makeAvailableFor(sequence, endTokens, lookUpTokens)
    else kv.makeAvailable(tokens)
    const reusedTokens = kv.extend(sequence, endTokens, lookUpTokens)
    // The budget counts obtainable slots in whole pages, cached ones at their full price: a grant is never more than can be had.
    if (reusedTokens < 0) throw new Error(`a grant of ${tokens} tokens exceeds the slots that can be had`)
    budget.charge(sequence, tokens, cachedTokens)
    return reusedTokens
  }

  private prefillDurationMs(): number {
    const batch = this.admitted.length
    const meanIslTokens = Math.floor(this.batchIslTokens / batch)
    const meanPrefixTokens = Math.floor(this.batchPrefixTokens / batch)
    this.batchIslTokens = 0
    this.batchPrefixTokens = 0
    const batchPrompts = this.args.workerType === "decode" ? 0 : batch
    return this.timing.prefillMs({ batchPrompts, meanIslTokens, meanPrefixTokens })
  }

  private settleFinished(): void {
    for (const sequence of this.finished) this.settle(sequence)
    this.finished.length = 0
  }

  /** Complete prompts start to decode, the others wait at the front for their next chunk. */
  private placeAdmitted(): void {
    if (this.admitted.length === 0) return
    for (const sequence of this.admitted) {
      if (sequence.materialisedTokens === sequence.knownTokens) this.startDecoding(sequence)
      else {
        sequence.request.computedUpTo(sequence.materialisedTokens)
        this.noteComplete(sequence)
        this.kv.cachePrefix(sequence)
        this.waiting.pushFront(sequence)
      }
    }
    this.admitted.length = 0
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
    const needed = this.makeRoom()
    kv.makeAvailable(needed)
    const first = kv.pool.take(needed)
    if (first < 0) {
      this.standStill(startMs)
      return startMs
    }
    if (this.standsStill) this.goOn()
    const tokenMs = startMs + stepMs()
    const used = this.emission.emit(running, first, tokenMs)
    this.outcome.emittedTokens = used
    kv.pool.giveBack(first + needed, needed - used)
    if (this.finished.length > 0) this.dropFinished()
    this.fruitlessReclaims = 0
    this.outcome.worked()
    return tokenMs
  }

  /** Running requests find no room for their next tokens, and nobody to retract: what copies or those who wait hold has to do. */
  private standStill(nowMs: number): void {
    const { copies, outcome } = this
    const room = copies?.roomToCome()
    if (room !== undefined) copies?.wait(this.running, room, nowMs)
    this.standsStill = room !== undefined
    if (outcome.progressed || this.awaitsKv()) return
    this.standsStill = this.reclaim()
    if (!this.standsStill) this.restartRunning()
  }

  private goOn(): void {
    this.standsStill = false
    this.copies?.countWaits(this.running)
  }

  /** Retracts requests until the others can take their next step. Returns the slots that the step may take. */
  private makeRoom(): number {
    const { emission, kv, running } = this
    const { pageTokens } = kv
    for (;;) {
      let needed = 0
      let slack = 0
      let growth = 0
      for (let index = 0; index < running.length; index++) {
        const sequence = running[index]!
        const burst = emission.burstLimit(sequence)
        const filled = sequence.materialisedTokens % pageTokens
        const room = filled === 0 ? 0 : pageTokens - filled
        needed += burst
        slack += room
        if (burst > room) growth += kv.ceilToPage(burst - room)
      }
      const obtainable = kv.obtainableTokens
      if ((obtainable >= needed && Math.max(0, obtainable - slack) >= growth) || running.length <= 1) return needed
      if (this.copies?.roomToCome() !== undefined) return needed
      this.retractOne()
    }
  }

  /** Retracts the request that has emitted least, the first of several. */
  private retractOne(): void {
    const { running } = this
    let victim = 0
    for (let index = 1; index < running.length; index++) {
      if (running[index]!.generatedTokens < running[victim]!.generatedTokens) victim = index
    }
    const [sequence] = running.splice(victim, 1)
    if (sequence === undefined) return
    sequence.request.computedUpTo(sequence.materialisedTokens)
    const { node } = sequence
    this.kv.retract(sequence)
    this.copies?.letGo(sequence, node)
    this.retracted.push(sequence)
    this.notePreemption(sequence)
  }

  private notePreemption({ request }: Sequence): void {
    this.preemptions += 1
    this.outcome.preemptions += 1
    this.outcome.worked()
    this.probe?.preempted?.(request, this.outcome.prefillEndMs)
  }

  private requeueRetracted(): void {
    for (let index = this.retracted.length - 1; index >= 0; index--) this.waiting.pushFront(this.retracted[index]!)
    this.retracted.length = 0
    this.ratio.reset()
    this.capacityFreed()
  }

  /** The one running request needs a slot that nobody else can give back. The reference repeats the pass forever. */
  private restartRunning(): void {
    const sequence = this.running.pop()
    if (sequence === undefined) return
    this.waiting.pushFront(sequence)
    this.restart(sequence)
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
