/**
 * vLLM-style worker: continuous batching with chunked prefill, prefix caching and preemption by recomputation.
 *
 * A pass is: running requests in admission order, then waiting ones while they fit, the prefill time of what was scheduled,
 * then one decode step for every request whose known tokens are all computed. No token exists as an object, and requests in
 * steady decode cost nothing: the oldest running requests that need no attention are one batch ({@link SteadyDecode}), the
 * others are served one by one.
 */
import type { EngineArgs } from "../EngineArgs.ts"
import { emptyBlocks, noTierUse, type SimRequest } from "../../request/SimRequest.ts"
import type { TimingModel } from "../../timing/Timing.ts"
import type { WorkerContext } from "../WorkerContext.ts"
import { AheadWorker } from "../AheadWorker.ts"
import { isDue } from "../tiers/TierUser.ts"
import { clockToleranceMs } from "../tiers/TransferLink.ts"
import { MtpSampler } from "../MtpSampler.ts"
import type { WorkerProbe } from "../WorkerProbe.ts"
import { emptySnapshot, type PassOutcome, Signal, type TierClock, type WorkerSnapshot } from "../WorkerCore.ts"
import { AdmissionGate } from "./AdmissionGate.ts"
import { BlockGrowth } from "./BlockGrowth.ts"
import { BurstEmission } from "./BurstEmission.ts"
import { type CapacityPolicy, fullLengthBlocks } from "./CapacityPolicy.ts"
import { type DynamoRules, dynamo131 } from "./DynamoRules.ts"
import { KvBlockPool } from "./KvBlockPool.ts"
import { type Offloading, type OffloadEvents, Onboard } from "./Offloading.ts"
import { offloadingOf } from "./OffloadPolicies.ts"
import { PassBudget } from "./PassBudget.ts"
import { keepGeneratedKeys, Preemption } from "./Preemption.ts"
import { ReadyBatch } from "./ReadyBatch.ts"
import { Sequence } from "./Sequence.ts"
import { SlotLists } from "./SlotLists.ts"
import { SteadyDecode } from "./SteadyDecode.ts"
import { type EmissionEvents, TokenEmission } from "./TokenEmission.ts"

const Schedule = { Scheduled: 0, Blocked: 1, Preempted: 2 } as const
type Schedule = (typeof Schedule)[keyof typeof Schedule]

/** Preemptions in a row without a token after which others go first. */
const manyPreemptions = 1000

export class VllmWorker extends AheadWorker<Sequence> implements EmissionEvents, OffloadEvents {
  private readonly policy: CapacityPolicy
  private readonly rules: DynamoRules
  protected readonly pool: KvBlockPool
  private readonly offloading: Offloading | undefined
  readonly tiers: TierClock | undefined
  private readonly probe: WorkerProbe | undefined
  private readonly steady: SteadyDecode
  /** Without: requests that emit bursts, or whose every token somebody watches, are served one by one. */
  private readonly decodesSteadily: boolean
  /** Who opens a block may do so in passes that are computed ahead of their time: {@link snapshot} knows of it. */
  private readonly growsAhead: boolean
  /** That somebody hears of blocks that are evicted for it does not matter. */
  private readonly tellsWhenAsked: boolean
  /** Passes ahead may end with one that evicts blocks to be copied: nobody sees that before its time, or asks for it. */
  private readonly evictsAhead: boolean

  /** Those that can emit, but for the requests in steady decode. */
  private readonly ready = new ReadyBatch()
  private readonly rejected: Array<SimRequest> = []
  /** Waiting requests that will be rejected; those that were aborted since count as well. */
  private oversized = 0

  private readonly budget = new PassBudget()
  private readonly gate: AdmissionGate
  private readonly growth: BlockGrowth
  private readonly emission: TokenEmission
  /** With multi-token prediction. */
  private readonly bursts: BurstEmission | undefined
  private readonly preemption: Preemption
  private readonly slotLists = new SlotLists()
  private preemptedInPass = false
  private someFinished = false
  private turns = 0

  constructor(
    args: EngineArgs,
    policy: CapacityPolicy,
    timing: TimingModel,
    context: WorkerContext,
    rules: DynamoRules = dynamo131
  ) {
    super(args, timing, context)
    this.rules = rules
    this.policy = policy
    this.probe = context.probe
    this.offloading = offloadingOf(args, context, this)
    this.tiers = this.offloading
    this.pool = this.offloading?.pool ?? new KvBlockPool(args.numGpuBlocks, context.kvEvents, context.probe)
    this.gate = new AdmissionGate(policy, this.pool, args.blockTokens)
    this.growth = new BlockGrowth(args, rules, this.pool, this.offloading)
    this.preemption = new Preemption(args)
    this.steady = new SteadyDecode(args.blockTokens)
    const { gaps, growth, pool, probe, ready, steady } = this
    this.emission = new TokenEmission(pool, growth, ready, steady, gaps, probe, this)
    if (args.mtp !== undefined) {
      const sampler = new MtpSampler(args.mtp, context.workerIndex)
      this.bursts = new BurstEmission(args, sampler, pool, growth, ready, gaps, probe, this)
    }
    const watched = this.probe?.emitted !== undefined || this.probe?.scheduled !== undefined
    this.decodesSteadily = this.bursts === undefined && !watched
    const usageIsSeen = context.usageIsSeen ?? context.probe !== undefined
    // Copies that end meanwhile free blocks that {@link snapshot} does not know of.
    this.growsAhead = this.offloading === undefined || !(this.offloading.seesGrowth || usageIsSeen)
    this.tellsWhenAsked = this.growsAhead && !usageIsSeen && context.kvEventsWhenAsked === true
    const isHeard = context.kvEvents !== undefined && !this.tellsWhenAsked
    this.evictsAhead = this.growsAhead && this.offloading?.evictsAlone === true && !isHeard
  }

  roomMade(): void {
    this.capacityFreed()
  }

  loaded(sequence: Sequence): void {
    this.waiting.pushFront(sequence)
  }

  loadedInVain(sequence: Sequence): void {
    this.drop(sequence)
  }

  /** Whether {@link schedule} would get as far as to ask for all cached blocks of a request that holds none. */
  asksForBlocks(sequence: Sequence): boolean {
    const { args, budget } = this
    // Two blocks that are cached may be computed again nevertheless.
    const enough = args.enableChunkedPrefill ? 2 * args.blockTokens + 1 : sequence.knownTokens
    return budget.tokens >= enough
  }

  computeMs(tokens: number, prefixTokens: number): number {
    return this.timing.prefillMs({
      batchPrompts: 1,
      meanIslTokens: prefixTokens + tokens,
      meanPrefixTokens: prefixTokens
    })
  }

  hasPassesToGrow(): boolean {
    return this.growsAhead && this.ahead.count > 0
  }

  submit(request: SimRequest): void {
    const sequence = this.sequenceOf(request, this.policy.outputLimitTokens(request, request.outputTokens))
    if (this.isOversized(sequence)) this.oversized += 1
    this.waiting.pushBack(sequence)
  }

  /** Not even an empty pool could hold it. */
  private isOversized(sequence: Sequence): boolean {
    return fullLengthBlocks(sequence, this.args.blockTokens) > this.args.numGpuBlocks
  }

  protected sequenceOf(request: SimRequest, outputTokens: number): Sequence {
    const promptBlocks = Math.floor(request.promptTokens / this.args.blockTokens)
    const keys = this.args.enablePrefixCaching ? request.blocks : this.privateKeys(promptBlocks)
    if (this.offloading !== undefined) request.tiers ??= noTierUse()
    return new Sequence(request, outputTokens, keys, promptBlocks)
  }

  override get inFlight(): number {
    return super.inFlight + (this.offloading === undefined ? 0 : this.offloading.parked.size)
  }

  override abort(request: SimRequest): boolean {
    this.dissolveSteady()
    return this.offloading?.abandon(request) === true || super.abort(request)
  }

  /** As many as there are seats, and those that never fit; with tiers any number may be parked, or passed by requests behind them. */
  get queueReach(): number | undefined {
    if (this.offloading !== undefined) return undefined
    return this.args.maxNumSeqs - this.running.length + this.oversized
  }

  pass(nowMs: number): PassOutcome {
    const { outcome } = this
    outcome.begin(nowMs)
    if (this.offloading?.passStarts(nowMs) === true) outcome.worked()
    this.budget.begin(this.args.maxNumBatchedTokens)
    this.preemptedInPass = false
    this.scheduleRunning()
    if (!this.someRunningAwaitsRoom() && !this.closesQueue()) this.admitWaiting(nowMs)
    this.showSchedule()
    const prefillEndMs = nowMs + this.timing.prefillMs(this.budget)
    outcome.prefillEndMs = prefillEndMs
    outcome.prefillTokens = this.budget.prefillTokens
    outcome.endMs =
      this.bursts === undefined ? this.emitTokens(prefillEndMs) : this.emitBursts(prefillEndMs, this.bursts)
    if (this.rejected.length > 0) this.signalRejected()
    if (this.offloading !== undefined) this.endPass(this.offloading, nowMs)
    if (this.budget.scheduledTokens > 0 || outcome.endMs > nowMs || outcome.requests.length > 0) outcome.worked()
    return outcome
  }

  private endPass(offloading: Offloading, nowMs: number): void {
    const { outcome } = this
    offloading.passEnds(outcome.endMs)
    if (outcome.endMs <= nowMs) outcome.endMs = offloading.wakeUpMs(nowMs)
  }

  /** Passes in which requests take their next block are quiet as well, where nobody sees the block go or can be told later. */
  protected quietPasses(): number {
    const { args, pool, steady } = this
    if (steady.size > args.maxNumBatchedTokens || !this.restWaits()) return 0
    if (!this.growsAhead) return steady.late > 0 ? 0 : steady.quietSteps
    if (steady.awaitsRoom) return 0
    if (this.evictsAhead) return steady.stepsWithin(pool.blocksAtOnce, pool.cachedBlocks)
    return steady.stepsWithin(this.tellsWhenAsked ? pool.blocksAtOnce : pool.blocksUntold)
  }

  /** Whoever does not decode steadily does nothing: the first of them waits for room, and so do all behind it, without a token to emit. */
  private restWaits(): boolean {
    const { running, steady } = this
    const first = running[steady.size]
    if (first === undefined) return true
    if (!first.isBlocked || first.computedTokens + 1 >= first.knownTokens) return false
    for (let index = steady.size + 1; index < running.length; index++) {
      const { computedTokens, knownTokens } = running[index]!
      if (computedTokens >= knownTokens) return false
    }
    return true
  }

  protected timeQuietPasses(passes: number, untilMs: number): void {
    const { ahead, growsAhead, offloading, pool, steady, timing } = this
    const changeMs = offloading === undefined ? Number.POSITIVE_INFINITY : offloading.passesChangeMs()
    // What the end of a transfer changes, the pass behind it sees. Whoever looks on sees it at once, and so no pass under way with it.
    const endsByMs = growsAhead && offloading?.endsUnseen === true ? untilMs : Math.min(untilMs, changeMs)
    const startsBeforeMs = changeMs - clockToleranceMs
    const taken = growsAhead ? steady.blocksTaken : undefined
    const { contextTokens, size } = steady
    ahead.bound(passes, endsByMs, startsBeforeMs)
    timing.runAhead(ahead, size, contextTokens, pool.activeBlocks, taken)
    const evicts = growsAhead && steady.blocksTaken.before(ahead.count) > pool.blocksUntold
    // What the end of a transfer changes must not come before what the pass evicts.
    if (evicts && this.evictsAhead && ahead.endMs >= changeMs) ahead.count -= 1
    else {
      ahead.isUneven = evicts && this.evictsAhead
      ahead.evictsHeard = evicts && this.tellsWhenAsked
    }
  }

  /** Blocks that are evicted before their time lie free until those who were due have taken them; copied ones are not evicted before it. */
  tellBegun(passes: number): void {
    const { ahead, pool, steady } = this
    if (!ahead.isUneven) pool.vacate(steady.blocksTaken.before(passes))
    else if (passes === ahead.count) this.catchUp()
  }

  /** Whoever found no block in the pass before has one now. */
  protected override takeLatePass(): number {
    if (this.steady.late === 0) return 0
    this.emission.emitSteady(this.ahead.ends[0]!)
    this.preemption.bearFruit()
    return 1
  }

  /** As {@link pass}: blocks are evicted, and those who were due wait for room as far as they have to be copied. */
  protected override takeUnevenPass(pass: number): void {
    const { ahead, outcome } = this
    const startMs = ahead.startOf(pass)
    const endMs = ahead.ends[pass]!
    outcome.begin(startMs)
    this.offloading?.tick(startMs)
    outcome.emittedTokens = this.emission.emitSteady(endMs)
    outcome.endMs = endMs
    this.noteEmission()
  }

  protected takeQuietPasses(from: number, to: number): void {
    const { ahead, steady } = this
    for (let taken = from; taken < to;) {
      const { quietSteps } = steady
      const left = to - taken
      const quiet = quietSteps < left ? quietSteps : left
      taken += quiet > 0 ? quiet : 1
      if (quiet > 0) steady.takeQuietSteps(quiet, ahead.ends[taken - 1]!)
      else this.takeGrowing(taken - 1)
    }
  }

  /** The pass ahead in which somebody takes a block. */
  private takeGrowing(pass: number): void {
    const { ahead, emission, offloading, steady } = this
    offloading?.passAheadStarts(ahead.startOf(pass))
    emission.takeStep(ahead.ends[pass]!)
    if (steady.late > 0) throw new Error("a pass ahead of time found no KV block")
    offloading?.passAheadEnds(ahead.ends[pass]!)
  }

  protected mayAdmit(): boolean {
    const { args, running } = this
    if (running.length >= args.maxNumSeqs) return false
    const head = this.nextToAdmit()
    if (head === undefined) return false
    if (head.computedTokens > 0 || this.isOversized(head)) return true
    if (head.isBlocked) return false
    return this.gate.admits(head, running)
  }

  snapshot(passesAhead = 0, into = emptySnapshot()): WorkerSnapshot {
    const { growsAhead, pool, steady } = this
    const { activeBlocks, availableBlocks, cachedBlocks } = pool
    const taken = growsAhead && passesAhead > 0 ? steady.blocksTaken.before(passesAhead) : 0
    const available = availableBlocks - taken
    into.waiting = this.waiting.length
    into.running = this.running.length
    into.activeBlocks = activeBlocks + taken
    into.availableBlocks = available
    // Those that are free are taken first.
    into.cachedBlocks = cachedBlocks < available ? cachedBlocks : available
    into.capacityBlocks = pool.capacity
    into.preemptions = this.preemptions
    return into
  }

  requests(): ReadonlyArray<SimRequest> {
    this.dissolveSteady()
    const requests: Array<SimRequest> = []
    const add = (sequence: Sequence): void => {
      this.recordProgress(sequence)
      requests.push(sequence.request)
    }
    this.waiting.forEach(add)
    this.running.forEach(add)
    this.offloading?.parked.forEach(add)
    return requests
  }

  markBlocks(mark: (block: number) => void): void {
    this.pool.markBlocks(mark)
    this.waiting.forEach((sequence) => sequence.markKeys(mark))
    for (const sequence of this.running) sequence.markKeys(mark)
    this.offloading?.markBlocks(mark)
  }

  checkInvariants(): void {
    this.pool.checkInvariants()
    this.steady.checkInvariants(this.running)
    this.offloading?.checkInvariants()
    const held = this.heldBlocks() + this.pool.quarantinedBlocks
    if (held < this.pool.activeBlocks) {
      throw new Error(`${this.pool.activeBlocks} KV blocks are active, but requests hold ${held}`)
    }
  }

  /** Blocks held by requests here, shared ones counted once per holder. */
  protected heldBlocks(): number {
    let held = 0
    for (const sequence of this.running) held += sequence.heldBlocks
    this.waiting.forEach((sequence) => void (held += sequence.heldBlocks))
    return this.offloading === undefined ? held : held + this.offloading.heldBlocks()
  }

  protected privateKeys(count: number): Int32Array {
    const keys = new Int32Array(count)
    this.pool.privateKeys(keys, 0)
    return keys
  }

  // ---- scheduling ----------------------------------------------------------------------------------------------

  /** Serves running requests in admission order. */
  private scheduleRunning(): void {
    const { budget, running } = this
    const { blockTokens } = this.args
    let index = this.scheduleSteady()
    while (index < running.length && budget.tokens > 0) {
      const sequence = running[index]!
      const after = sequence.computedTokens + 1
      if (
        after === sequence.promptTokens + sequence.generatedTokens
        && after <= sequence.heldBlocks * blockTokens
        && after > sequence.promptTokens
      ) {
        sequence.computedTokens = after
        budget.takeDecodeTokens(1)
        budget.noteDecodeToken(sequence)
        index += 1
        continue
      }
      const prefixTokens = sequence.computedTokens === 0 ? this.cachedTokens(sequence) : 0
      const result = this.schedule(sequence, prefixTokens)
      if (result === Schedule.Blocked) break
      if (result !== Schedule.Scheduled) continue
      index = this.rules.fifoPreemptionSkipsNext ? index + 1 : running.indexOf(sequence) + 1
    }
  }

  /** Serves the requests in steady decode, unless the budget cannot serve them all or one of them has to wait; returns their number. */
  private scheduleSteady(): number {
    const { budget, steady } = this
    if (steady.size > budget.tokens || steady.awaitsRoom) this.dissolveSteady()
    if (steady.size === 0) return 0
    budget.takeDecodeTokens(steady.size - steady.late)
    steady.scheduled = true
    return steady.size
  }

  private admitWaiting(nowMs: number): void {
    const { args, outcome, running, waiting } = this
    while (!this.preemptedInPass && running.length < args.maxNumSeqs) {
      if (this.budget.tokens === 0 && !this.rules.admitsWithoutTokens) return
      const head = this.nextToAdmit()
      if (head === undefined) return
      if (this.isOversized(head)) {
        this.oversized -= 1
        waiting.remove(head)
        this.rejected.push(head.request)
        continue
      }
      // A request that waits with computed tokens got its KV by transfer: its blocks are held already.
      const materialised = head.computedTokens > 0
      if (head.isBlocked) return
      if (!materialised && !this.gate.admits(head, running)) return
      this.prepareSlots(head)
      if (this.offloading !== undefined && !materialised) {
        const onboard = this.offloading.tryStart(head, nowMs)
        if (onboard !== Onboard.Nothing) outcome.worked()
        if (onboard === Onboard.Deferred) continue
        if (onboard === Onboard.Blocked) return
        if (onboard === Onboard.Parked) {
          waiting.remove(head)
          continue
        }
      }
      const cachedTokens = materialised ? 0 : this.cachedTokens(head)
      if (this.schedule(head, cachedTokens) !== Schedule.Scheduled) return
      waiting.remove(head)
      running.push(head)
      head.running = true
      head.turn = this.turns++
      if (!head.wasAdmitted) this.offloading?.countReuse(head, cachedTokens)
      head.wasAdmitted = true
      this.noteAdmission(head.request, nowMs, cachedTokens)
      outcome.worked()
      if (head.scheduledTokens === 0 && this.budget.tokens === 0) return
    }
  }

  /** The waiting request that may be admitted next. */
  protected nextToAdmit(): Sequence | undefined {
    return this.offloading?.defers === true ? this.waiting.find(isDue) : this.waiting.head
  }

  protected noteAdmission(request: SimRequest, nowMs: number, cachedTokens: number): void {
    request.admitted(nowMs, Math.min(cachedTokens, request.promptTokens))
    this.probe?.admitted?.(request, nowMs, cachedTokens)
  }

  private showSchedule(): void {
    const { budget, probe } = this
    if (probe?.scheduled === undefined) return
    for (const sequence of this.running) {
      const { request, scheduledPromptTokens, scheduledTokens } = sequence
      if (scheduledTokens > 0 && budget.serves(sequence))
        probe.scheduled(request, scheduledTokens, scheduledPromptTokens)
    }
  }

  protected prepareSlots(sequence: Sequence): void {
    if (sequence.slots.length > 0) return
    sequence.slots = this.slotLists.take(fullLengthBlocks(sequence, this.args.blockTokens))
  }

  protected drop(sequence: Sequence): void {
    sequence.running = false
    this.letGo(sequence)
  }

  /** Releases everything the request holds for good. */
  protected letGo(sequence: Sequence): void {
    this.offloading?.countWait(sequence)
    if (this.offloading?.keepsBlocks(sequence) === true) return
    this.releaseBlocks(sequence)
    if (sequence.slots.length === 0) return
    this.slotLists.giveBack(sequence.slots)
    sequence.slots = emptyBlocks
  }

  /** Prompt tokens of the leading full blocks that are cached, held or not; without prefix caching nobody looks. */
  private cachedTokens(sequence: Sequence): number {
    if (!this.args.enablePrefixCaching) return 0
    const { args, rules } = this
    let blocks = this.pool.residentPrefix(sequence.keys, sequence.fullBlocks)
    if (!rules.wholePromptsHit) blocks = Math.min(blocks, Math.floor((sequence.knownTokens - 1) / args.blockTokens))
    if (args.mtpRecomputeBlock && this.bursts !== undefined && blocks > 0) blocks -= 1
    const tokens = blocks * args.blockTokens
    return rules.hitsEndWithPrompt ? Math.min(tokens, sequence.promptTokens) : tokens
  }

  /** Gives a request its share of the pass's token budget, starting after `prefixTokens` cached ones. */
  private schedule(sequence: Sequence, prefixTokens: number): Schedule {
    const { chargedTokens, promptTokens } = sequence
    const known = sequence.knownTokens
    const before = sequence.computedTokens + prefixTokens
    const { tokens: budgetTokens } = this.budget
    const remaining = before < known ? known - before : 0
    if (!this.args.enableChunkedPrefill && before < promptTokens && promptTokens - before > budgetTokens)
      return Schedule.Blocked
    const want = remaining < budgetTokens ? remaining : budgetTokens
    if (want === 0 && remaining > 0) return Schedule.Blocked
    if (sequence.isBlocked) return Schedule.Blocked
    let after = before + want
    const allocated = this.allocate(sequence, Math.ceil(after / this.args.blockTokens))
    if (allocated === Schedule.Preempted) return Schedule.Preempted
    if (allocated === Schedule.Blocked) after = before
    else {
      sequence.computedTokens = after
      this.offloading?.computed(sequence)
    }
    const used = after - before
    if (used === 0 && after < known) return Schedule.Blocked
    const chargedBefore = before < chargedTokens ? before : chargedTokens
    const chargedAfter = after < chargedTokens ? after : chargedTokens
    const charged = this.args.workerType === "decode" ? 0 : chargedAfter - chargedBefore
    this.budget.take(sequence, used, charged, chargedBefore)
    return Schedule.Scheduled
  }

  /** Makes the request hold its first `blocks` blocks, preempting others as long as that takes. */
  private allocate(sequence: Sequence, blocks: number): Schedule {
    while (blocks > sequence.heldBlocks) {
      if (this.pool.acquire(sequence.keys, sequence.fullBlocks, sequence.heldBlocks, blocks, sequence.slots)) {
        sequence.heldBlocks = blocks
        this.foundRoom(sequence)
        break
      }
      if (this.awaitsRoom(sequence)) return Schedule.Blocked
      const victim = this.preempt()
      if (victim === undefined) return Schedule.Blocked
      this.preemptedInPass = true
      this.budget.giveBack(victim)
      if (victim === sequence) return Schedule.Preempted
    }
    return Schedule.Scheduled
  }

  /** Whether the acquisition that has just failed has begun to make room; the request then waits for it. */
  awaitsRoom(sequence: Sequence): boolean {
    if (this.offloading?.blocks(sequence, this.outcome.prefillEndMs) !== true) return false
    this.outcome.worked()
    return true
  }

  foundRoom(sequence: Sequence): void {
    if (sequence.waitsFor !== undefined) this.offloading?.countWait(sequence)
  }

  /** Room that copies under way will make, or have just made, is for those in the batch: nobody is admitted to it. */
  private someRunningAwaitsRoom(): boolean {
    if (this.offloading?.defers !== true) return false
    const { running } = this
    for (let index = 0; index < running.length; index++) if (running[index]!.waitsFor !== undefined) return true
    return false
  }

  /**
   * Room that transfers make, or hold for a while, may be given again and again to a request that is preempted for it, and copied once more
   * each time. In the end nobody is admitted before a token has come out or, while nobody runs, before all transfers have ended.
   */
  private closesQueue(): boolean {
    if (!this.preemptsInVain || this.offloading === undefined) return false
    return this.running.length > 0 || this.offloading.deadlineMs() < Number.POSITIVE_INFINITY
  }

  protected get preemptsInVain(): boolean {
    return this.preemption.fruitless >= manyPreemptions
  }

  protected get preemptsForEver(): boolean {
    return this.preemption.isEndless
  }

  /** Whether KV is set aside here that somebody outside will use or give back: whoever preempts for ever waits for that. */
  protected get awaitsOthers(): boolean {
    return false
  }

  // ---- preemption and release ------------------------------------------------------------------------------------

  /** Throws out the newest (lifo) or oldest (fifo) running request; it waits at the front and starts its KV anew. */
  preempt(): Sequence | undefined {
    if (!this.policy.preempts) return undefined
    this.dissolveSteady()
    const { running } = this
    const index = this.preemption.victimIn(running)
    const victim = running[index]
    if (victim === undefined) return undefined
    running.splice(index, 1)
    this.preemptions += 1
    this.outcome.preemptions += 1
    this.probe?.preempted?.(victim.request, this.outcome.prefillEndMs)
    this.preemption.count(victim, this.inFlight, this.awaitsOthers)
    victim.request.computedUpTo(victim.computedTokens)
    keepGeneratedKeys(victim, this.pool)
    this.foundRoom(victim)
    if (this.offloading?.keepsBlocks(victim) !== true) this.releaseBlocks(victim)
    this.capacityFreed()
    victim.computedTokens = 0
    if (this.args.chargeRecompute) victim.chargedTokens = victim.knownTokens
    victim.running = false
    victim.countdown = 0
    this.waiting.pushFront(victim)
    return victim
  }

  /** Deepest block first, so that a prefix outlives what extends it. */
  private releaseBlocks(sequence: Sequence): void {
    this.pool.releaseAll(sequence.slots, 0, sequence.heldBlocks)
    sequence.heldBlocks = 0
  }

  private signalRejected(): void {
    for (const request of this.rejected) this.outcome.signal(request, Signal.Rejected)
    this.rejected.length = 0
  }

  // ---- emission ------------------------------------------------------------------------------------------------------

  /** From here on requests are served one by one, until they decode steadily again. */
  private dissolveSteady(): void {
    this.catchUp()
    const { budget, running, steady } = this
    for (let index = 0; steady.scheduled && index < steady.size; index++) {
      const sequence = running[index]!
      if (!sequence.isLate) budget.noteDecodeToken(sequence)
    }
    steady.dissolve(running)
  }

  /** Running requests that have emitted at `tokenMs` and need nothing for now join those in steady decode, in their order. */
  private joinSteady(tokenMs: number): void {
    const { running, steady } = this
    while (steady.size < running.length) {
      const sequence = running[steady.size]!
      const { computedTokens, countdown, heldBlocks, knownTokens, lastTokenMs } = sequence
      // Where passes take no time, whoever comes back from a preemption may have had its last token now, but before it.
      const isSteady = lastTokenMs === tokenMs && countdown > 0 && computedTokens === knownTokens - 1
      if (!isSteady || knownTokens > heldBlocks * this.args.blockTokens) return
      steady.join(sequence, tokenMs)
    }
  }

  /** One token for every request that can emit one at `prefillEndMs` plus the decode time; returns the end of the pass. */
  private emitTokens(prefillEndMs: number): number {
    const { pool, ready, steady } = this
    if (steady.size > 0 && pool.availableBlocks < steady.due) this.dissolveSteady()
    ready.collect(this.running, steady.size)
    const batch = ready.count + steady.size
    if (batch === 0) return prefillEndMs
    const contextTokens = ready.contextTokens + steady.contextTokens
    const tokenMs = prefillEndMs + this.timing.decodeMs(batch, contextTokens, pool.activeBlocks)
    this.outcome.emittedTokens = this.emission.emit(tokenMs)
    if (this.outcome.emittedTokens === 0) return prefillEndMs
    if (this.someFinished) this.dropFinished()
    if (this.decodesSteadily) this.joinSteady(tokenMs)
    this.noteEmission()
    return tokenMs
  }

  /** The pass has let tokens out. */
  private noteEmission(): void {
    this.outcome.worked()
    this.preemption.bearFruit()
  }

  private noteFirstToken(request: SimRequest, tokenMs: number): void {
    request.firstTokenMs = tokenMs
    this.probe?.firstToken?.(request, tokenMs)
  }

  /** Everything about a token that is not plain steady decoding: first, second, block boundary, last. */
  emitted(sequence: Sequence, tokenMs: number): void {
    const { generatedTokens, maxOutputTokens, request } = sequence
    sequence.lastTokenMs = tokenMs
    if (this.visible && generatedTokens === 1) this.noteFirstToken(request, tokenMs)
    if (this.visible && generatedTokens === 2) request.secondTokenMs = tokenMs
    if (generatedTokens === maxOutputTokens) {
      this.someFinished = true
      this.complete(sequence)
      return
    }
    if (generatedTokens === 1) this.outcome.signal(request, Signal.FirstToken)
    sequence.countdown = this.growth.tokensToNextEvent(sequence)
  }

  protected complete(sequence: Sequence): void {
    this.recordProgress(sequence)
    this.letGo(sequence)
    this.capacityFreed()
    sequence.running = false
    this.outcome.signal(sequence.request, Signal.Completed)
  }

  /** Something outside the worker changed what it can do: preemptions so far were not for nothing. */
  protected situationChanged(): void {
    this.preemption.bearFruit()
  }

  private dropFinished(): void {
    const { running } = this
    let kept = 0
    for (let index = 0; index < running.length; index++) {
      const sequence = running[index]!
      if (sequence.running) running[kept++] = sequence
    }
    for (let left = running.length; left > kept; left--) running.pop()
    this.someFinished = false
  }

  /** As {@link emitTokens}, of several tokens at a time. */
  private emitBursts(prefillEndMs: number, bursts: BurstEmission): number {
    const { ready } = this
    if (!bursts.reserve(this.running)) return prefillEndMs
    const tokenMs = prefillEndMs + this.timing.decodeMs(ready.count, ready.contextTokens, this.pool.activeBlocks)
    this.outcome.emittedTokens = bursts.emit(tokenMs)
    if (this.someFinished) this.dropFinished()
    this.noteEmission()
    return tokenMs
  }
}
