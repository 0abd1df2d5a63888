/**
 * The scheduling call of vLLM V1: who computes how many tokens in the next batch.
 *
 * Running requests are served in order of admission, each as far as its known tokens and the budget go; there is no separate
 * decode phase. Then waiting requests are admitted, strictly in order, while budget and blocks last. A request that gets no block
 * takes one from the request that was admitted last (or the least urgent one) by preempting it.
 *
 * Deciding changes block pool and requests at once, long before the batch has executed: blocks can be matched from the call that
 * schedules the tokens that fill them.
 */
import { maxInt32 } from "../../structures/Int32.ts"
import { type EngineStalled, thrashing } from "../EngineStalled.ts"
import type { MtpSampler } from "../MtpSampler.ts"
import { matchedBlocks } from "../tiers/KvTiers.ts"
import type { RequestCopies } from "../tiers/RequestCopies.ts"
import { isDue, waitFor } from "../tiers/TierUser.ts"
import type { WaitingQueue } from "../WaitingQueue.ts"
import { SlotLists } from "../vllm/SlotLists.ts"
import { emptyBlocks } from "../../request/SimRequest.ts"
import type { Batch } from "./Batch.ts"
import type { BlockPool } from "./BlockPool.ts"
import type { DecisionRecorder } from "./DecisionRecorder.ts"
import { enqueueByPriority, leastUrgent } from "./Priority.ts"
import type { SchedulerRules } from "./SchedulerRules.ts"
import type { SchedulerSettings } from "./SchedulerSettings.ts"
import type { Sequence } from "./Sequence.ts"

/** Position that ends the round through the running requests. */
const endOfServing = Number.MAX_SAFE_INTEGER
/** Threshold that is never reached. */
const never = maxInt32
/** Preemptions in a row without a single token after which the requests are taken to be thrashing forever. */
const maxFruitlessPreemptions = 10_000

export interface SchedulerParts {
  readonly settings: SchedulerSettings
  readonly rules: SchedulerRules
  readonly pool: BlockPool
  readonly waiting: WaitingQueue<Sequence>
  readonly running: Array<Sequence>
  /** Draws how many tokens a share yields under multi-token prediction. */
  readonly sampler: MtpSampler | undefined
}

/** What came of a waiting request's try to load what tiers have of its prompt. */
const Onboard = { Nothing: 0, Deferred: 1, NoRoom: 2 } as const
type Onboard = (typeof Onboard)[keyof typeof Onboard]

export class Scheduler {
  /** Where computed blocks are copied to tiers. */
  copies: RequestCopies<Sequence> | undefined = undefined
  recorder: DecisionRecorder | undefined = undefined
  private readonly settings: SchedulerSettings
  private readonly rules: SchedulerRules
  private readonly pool: BlockPool
  private readonly waiting: WaitingQueue<Sequence>
  private readonly running: Array<Sequence>
  private readonly sampler: MtpSampler | undefined
  private readonly slotLists = new SlotLists()

  /** State of the call under way. */
  private budget = 0
  private shareCap = 0
  private holdsPrefills = false
  /** Requests thrown out of the batch so far. */
  preemptions = 0
  private preemptedInCall = false
  /** A running request waits for blocks that are held for copies only. */
  private awaitsRoom = false
  private prefillShares = 0

  private calls = 0
  /** Calls so far that scheduled anything, and the last of them with a prefill (`prefill_schedule_interval`). */
  private executedCalls = 0
  private lastPrefillCall: number
  private leftWaiting = false

  /** Whose prefix the pool has looked up last, and how many of its tokens were known then. */
  private lookedUp: Sequence | undefined = undefined
  private lookedUpTokens = 0
  private fruitlessPreemptions = 0

  constructor(parts: SchedulerParts) {
    this.settings = parts.settings
    this.rules = parts.rules
    this.pool = parts.pool
    this.waiting = parts.waiting
    this.running = parts.running
    this.sampler = parts.sampler
    this.lastPrefillCall = -parts.settings.prefillInterval
  }

  enqueue(sequence: Sequence): void {
    if (this.settings.policy === "priority") enqueueByPriority(this.waiting, sequence)
    else this.waiting.pushBack(sequence)
  }

  /** Makes one scheduling call; `batch` is empty when nothing could be scheduled. */
  schedule(batch: Batch, nowMs: number): void {
    batch.begin(nowMs)
    this.budget = this.settings.maxScheduledTokens
    this.shareCap = this.shareCapNow()
    this.holdsPrefills = this.holdsPrefillsNow()
    this.preemptedInCall = false
    this.awaitsRoom = false
    this.prefillShares = 0
    this.calls += 1
    this.serveRunning(batch, nowMs)
    if (!this.preemptedInCall && !this.awaitsRoom) this.admitWaiting(batch, nowMs)
    if (batch.length === 0) return
    this.executedCalls += 1
    if (this.prefillShares > 0) this.lastPrefillCall = this.executedCalls
  }

  /** A token came out: preemptions so far were not for nothing. */
  noteToken(): void {
    this.fruitlessPreemptions = 0
  }

  /** Gives identities to the full blocks among the first `tokens` tokens. */
  registerBlocks(sequence: Sequence, tokens: number): void {
    if (!this.settings.enablePrefixCaching) return
    const { keys, slots } = sequence
    const end = Math.floor(tokens / this.settings.blockTokens)
    for (let block = sequence.registeredBlocks; block < end; block++) {
      const key = block < keys.length ? keys[block]! : this.pool.privateKey()
      this.recorder?.registered(key, sequence.request, block)
      this.pool.register(slots[block]!, key)
    }
    if (end > sequence.registeredBlocks) sequence.registeredBlocks = end
    this.copies?.computed(sequence, sequence.registeredBlocks)
  }

  /** The request is done with its blocks. */
  release(sequence: Sequence): void {
    if (this.copies?.keepsBlocks(sequence) !== true) this.pool.release(sequence.slots, sequence.heldBlocks)
    sequence.heldBlocks = 0
    sequence.registeredBlocks = 0
  }

  /** Loaded blocks are cached from now on, as {@link CopyWorker.publish} says. */
  publish(keys: Int32Array, slots: Int32Array, from: number, to: number): void {
    for (let position = from; position < to; position++) this.pool.register(slots[position]!, keys[position]!)
    this.pool.release(slots, to)
  }

  /** The request leaves for good. */
  letGo(sequence: Sequence): void {
    this.release(sequence)
    sequence.finished = true
    sequence.running = false
    sequence.quietUntilComputed = 0
    sequence.quietUntilKnown = 0
    if (this.lookedUp === sequence) this.lookedUp = undefined
    if (sequence.slots.length === 0) return
    this.slotLists.giveBack(sequence.slots)
    sequence.slots = emptyBlocks
  }

  // ---- what holds for the whole call -------------------------------------------------------------------------------

  /** Most tokens that one request may get in this call; 0 for no limit. */
  private shareCapNow(): number {
    const { adaptiveShareCap, maxScheduledTokens, shareCapTokens } = this.settings
    if (shareCapTokens === 0) return 0
    const requests = this.running.length + this.waiting.length
    if (requests <= 1 && this.rules.loneRequestIsUncapped) return 0
    return adaptiveShareCap ? Math.max(shareCapTokens, Math.floor(maxScheduledTokens / requests)) : shareCapTokens
  }

  /** Whether prefills have to wait in this call, so that decodes get a few fast passes. */
  private holdsPrefillsNow(): boolean {
    const { prefillInterval } = this.settings
    if (prefillInterval <= 1 || this.leftWaiting) return false
    if (this.executedCalls + 1 - this.lastPrefillCall >= prefillInterval) return false
    return this.running.some((sequence) => !sequence.unfinishedPrefill)
  }

  // ---- running requests --------------------------------------------------------------------------------------------

  private serveRunning(batch: Batch, nowMs: number): void {
    const { running } = this
    const { asynchronous } = this.settings
    let index = 0
    while (index < running.length && this.budget > 0) {
      const sequence = running[index]!
      const computed = sequence.computedTokens
      if (computed >= sequence.quietUntilComputed) {
        index = this.serve(sequence, index, batch, nowMs)
        continue
      }
      sequence.computedTokens = computed + 1
      if (asynchronous) {
        sequence.placeholders += 1
        sequence.inFlightTokens += 1
      }
      batch.addDecode(sequence, computed + 1)
      this.budget -= 1
      index += 1
    }
  }

  /** Gives the running request at `index` its share; returns the position to go on at. */
  private serve(sequence: Sequence, index: number, batch: Batch, nowMs: number): number {
    const tokens = this.shareOf(sequence)
    if (tokens <= 0) return index + 1
    let position = index
    while (!this.takeBlocks(sequence, sequence.computedTokens + tokens)) {
      if (this.waitsForCopies(sequence, nowMs)) return index + 1
      const victimPosition = this.settings.policy === "priority" ? leastUrgent(this.running) : this.running.length - 1
      const victim = this.running[victimPosition]!
      const wasServed = this.preempt(victim, victimPosition, batch)
      if (victim === sequence) {
        const goesOn = this.settings.policy === "priority" && !this.rules.selfPreemptionEndsServing
        return goesOn ? position : endOfServing
      }
      if (victimPosition < position && (wasServed || !this.rules.unservedVictimSkipsNext)) position -= 1
    }
    if (sequence.unfinishedPrefill) this.countPrefill(sequence)
    this.grant(sequence, tokens, batch)
    return position + 1
  }

  /** Tokens that a running request can use in this call. */
  private shareOf(sequence: Sequence): number {
    const { computedTokens, knownTokens, placeholders } = sequence
    const expectedTokens = knownTokens + placeholders
    // Its last token is in flight.
    if (placeholders > 0 && expectedTokens >= sequence.lastKnownTokens) return 0
    if (this.holdsPrefills && sequence.unfinishedPrefill) return 0
    const tokens = this.capped(expectedTokens - computedTokens)
    return Math.min(tokens, this.budget, this.settings.maxModelTokens - 1 - computedTokens)
  }

  private capped(tokens: number): number {
    return this.shareCap > 0 ? Math.min(tokens, this.shareCap) : tokens
  }

  /** Notes that the request computes `tokens` more; its blocks are there already. */
  private grant(sequence: Sequence, tokens: number, batch: Batch): void {
    const before = sequence.computedTokens
    const after = before + tokens
    this.registerBlocks(sequence, Math.min(after, sequence.knownTokens))
    const expectedTokens = sequence.knownTokens + sequence.placeholders
    const unfinished = after < expectedTokens
    const yields = unfinished ? 0 : this.burstOf(sequence, expectedTokens)
    batch.add(sequence, before, tokens, yields)
    this.budget -= tokens
    sequence.unfinishedPrefill = unfinished
    // Drafts that are accepted beyond the first token were computed along.
    const computed = yields > 1 ? after + yields - 1 : after
    sequence.computedTokens = computed
    if (this.settings.asynchronous) {
      sequence.inFlightTokens += computed - before
      sequence.placeholders += yields
    }
    sequence.quietUntilComputed = unfinished ? 0 : this.quietUntil(sequence)
  }

  /** Output tokens of a share that reaches the end of what is known. */
  private burstOf(sequence: Sequence, expectedTokens: number): number {
    return this.sampler === undefined ? 1 : this.sampler.burst(sequence.lastKnownTokens - expectedTokens)
  }

  /** Computed tokens from which the next share of a decoding request needs more than counting. */
  private quietUntil(sequence: Sequence): number {
    if (this.sampler !== undefined) return 0
    const { blockTokens, enablePrefixCaching } = this.settings
    const fillsBlock = enablePrefixCaching ? (sequence.registeredBlocks + 1) * blockTokens - 1 : never
    return Math.min(sequence.heldBlocks * blockTokens, fillsBlock, sequence.lastKnownTokens - 1)
  }

  /** Makes the request hold the blocks of its first `tokens` tokens; false and no change when there are too few. */
  private takeBlocks(sequence: Sequence, tokens: number): boolean {
    const blocks = this.blocksOf(sequence, tokens)
    const missing = blocks - sequence.heldBlocks
    if (missing <= 0) return true
    if (missing > this.pool.freeBlocks) return false
    this.pool.take(sequence.slots, sequence.heldBlocks, blocks)
    sequence.heldBlocks = blocks
    return true
  }

  /** Blocks of a request's first `tokens` tokens, and of the drafts that may follow them. */
  private blocksOf(sequence: Sequence, tokens: number): number {
    const { blockTokens, maxModelTokens } = this.settings
    const drafts =
      this.sampler === undefined || tokens < sequence.knownTokens + sequence.placeholders
        ? 0
        : Math.max(0, Math.min(this.sampler.maxBurst, sequence.lastKnownTokens - tokens) - 1)
    return Math.ceil(Math.min(tokens + drafts, maxModelTokens) / blockTokens)
  }

  /** Whether blocks that are held for copies only will make room: nobody is preempted for what comes by itself. */
  private waitsForCopies(sequence: Sequence, nowMs: number): boolean {
    const offload = this.copies?.roomToCome()
    if (offload === undefined) return false
    this.awaitsRoom = true
    if (sequence.waitsFor?.live !== true) waitFor(sequence, offload, nowMs)
    return true
  }

  // ---- preemption --------------------------------------------------------------------------------------------------

  /** Throws a running request out; true when it had a share in this call, which is taken back. */
  private preempt(victim: Sequence, position: number, batch: Batch): boolean {
    this.preemptedInCall = true
    this.preemptions += 1
    this.running.splice(position, 1)
    const share = batch.indexOf(victim)
    if (share >= 0) this.takeBack(victim, share, batch)
    victim.request.computedUpTo(victim.computedTokens)
    this.keepGeneratedKeys(victim)
    this.release(victim)
    victim.computedTokens = 0
    victim.staleTokens = victim.inFlightTokens
    victim.placeholders = 0
    victim.running = false
    victim.quietUntilComputed = 0
    victim.quietUntilKnown = 0
    this.recorder?.preempted(victim.request)
    if (this.settings.policy === "priority") enqueueByPriority(this.waiting, victim)
    else this.waiting.pushFront(victim)
    this.fruitlessPreemptions += 1
    if (this.fruitlessPreemptions > maxFruitlessPreemptions) throw this.thrashing(victim)
    return share >= 0
  }

  private takeBack(victim: Sequence, share: number, batch: Batch): void {
    const tokens = batch.tokens[share]!
    const before = batch.tokensBefore[share]!
    this.budget += tokens
    if (this.settings.asynchronous) victim.inFlightTokens -= victim.computedTokens - before
    if (victim.prefillCall === this.calls) this.prefillShares -= 1
    batch.cancel(share)
  }

  /** Remembers the identities of blocks the request generated itself, so that it can find them again. */
  private keepGeneratedKeys(sequence: Sequence): void {
    const { keys, registeredBlocks, slots } = sequence
    if (registeredBlocks <= keys.length) return
    const extended = new Int32Array(registeredBlocks)
    extended.set(keys)
    for (let block = keys.length; block < registeredBlocks; block++) extended[block] = this.pool.keyOf(slots[block]!)
    sequence.keys = extended
  }

  private thrashing(victim: Sequence): EngineStalled {
    const requests = this.running.length + this.waiting.length
    const { maxScheduledTokens, usableBlocks } = this.settings
    return thrashing(victim.request, requests, usableBlocks, maxScheduledTokens)
  }

  // ---- waiting requests --------------------------------------------------------------------------------------------

  /** Admits from the head of the queue until one does not fit: nobody passes a blocked head. */
  private admitWaiting(batch: Batch, nowMs: number): void {
    const { running, waiting } = this
    while (this.budget > 0 && running.length < this.settings.maxActiveRequests) {
      const head = this.copies === undefined ? waiting.head : waiting.find(isDue)
      if (head === undefined) break
      this.lookUp(head)
      const onboard = this.copies === undefined ? Onboard.Nothing : this.tryLoad(head, this.copies, nowMs)
      if (onboard === Onboard.Deferred) continue
      if (onboard === Onboard.NoRoom) break
      const tokens = this.admissibleTokens(head)
      if (tokens === 0) break
      this.admit(head, tokens, batch, nowMs)
    }
    if (!this.holdsPrefills) this.leftWaiting = waiting.length > 0
  }

  /** Starts to load what tiers have of the prompt of the head whose prefix was just looked up. */
  private tryLoad(head: Sequence, copies: RequestCopies<Sequence>, nowMs: number): Onboard {
    const { blockTokens, enablePrefixCaching } = this.settings
    if (!enablePrefixCaching) return Onboard.Nothing
    const { hitBlocks } = this.pool
    const end = Math.min(Math.floor((head.knownTokens - 1) / blockTokens), head.keys.length)
    const match = copies.find(head, hitBlocks, end, nowMs)
    if (match === undefined) return head.deferredBy === undefined ? Onboard.Nothing : Onboard.Deferred
    const blocks = matchedBlocks(match)
    if (blocks > this.roomFor(head)) {
      return this.waitsForCopies(head, nowMs) || this.running.length > 0 ? Onboard.NoRoom : Onboard.Nothing
    }
    copies.reserve(match)
    this.pool.hold(head.slots, hitBlocks)
    this.pool.take(head.slots, hitBlocks, hitBlocks + blocks)
    head.heldBlocks = hitBlocks + blocks
    copies.start(match, head, nowMs)
    this.lookedUp = undefined
    return Onboard.Deferred
  }

  /** Blocks that the head just looked up may take beside its cached ones; -1 where it must be able to hold all of its at once and cannot. */
  private roomFor(head: Sequence): number {
    const { pool, settings } = this
    const watermark = this.running.length > 0 ? settings.watermarkBlocks : 0
    const room = pool.freeBlocks - pool.idleHitBlocks - watermark
    return settings.reservesFullSequence && this.blocksOfWhole(head) - pool.hitBlocks > room ? -1 : room
  }

  /** Finds the cached prefix of a waiting request. At least its last known token is always computed. */
  private lookUp(head: Sequence): void {
    const { pool } = this
    if (this.lookedUp === head && this.lookedUpTokens === head.knownTokens && pool.lookUpIsCurrent) return
    const { blockTokens, enablePrefixCaching, recomputedHitBlocks } = this.settings
    const blocks = Math.min(Math.floor((head.knownTokens - 1) / blockTokens), head.keys.length)
    if (head.slots.length === 0) head.slots = this.slotLists.take(Math.ceil(head.lastKnownTokens / blockTokens))
    pool.lookUp(head.keys, enablePrefixCaching ? blocks : 0, head.slots, recomputedHitBlocks)
    this.lookedUp = head
    this.lookedUpTokens = head.knownTokens
  }

  /** Tokens of the first share of the head whose prefix was just looked up; 0 when it must wait. */
  private admissibleTokens(head: Sequence): number {
    const { pool, settings } = this
    const { hitBlocks } = pool
    const hitTokens = hitBlocks * settings.blockTokens
    if (this.holdsPrefills && hitTokens < head.knownTokens - 1) return 0
    const wanted = this.capped(head.knownTokens - hitTokens)
    if (!settings.enableChunkedPrefill && wanted > this.budget) return 0
    const tokens = Math.min(wanted, this.budget)
    return Math.max(0, this.blocksOf(head, hitTokens + tokens) - hitBlocks) > this.roomFor(head) ? 0 : tokens
  }

  private blocksOfWhole({ knownTokens }: Sequence): number {
    return Math.ceil(Math.min(knownTokens, this.settings.maxModelTokens) / this.settings.blockTokens)
  }

  private admit(head: Sequence, tokens: number, batch: Batch, nowMs: number): void {
    const { pool, settings } = this
    const { hitBlocks } = pool
    const hitTokens = hitBlocks * settings.blockTokens
    pool.hold(head.slots, hitBlocks)
    head.heldBlocks = hitBlocks
    head.registeredBlocks = hitBlocks
    head.computedTokens = hitTokens
    if (settings.chargesRecompute) head.chargedTokens = head.knownTokens
    if (!this.takeBlocks(head, hitTokens + tokens)) throw new Error("an admission found fewer blocks than were counted")
    this.waiting.remove(head)
    this.running.push(head)
    head.running = true
    if (!head.wasAdmitted) this.copies?.countReuse(head, hitTokens)
    head.wasAdmitted = true
    // Generated tokens found again after a preemption are no reuse of a prompt.
    head.request.admitted(nowMs, Math.min(hitTokens, head.promptTokens))
    this.recorder?.admitted(head.request, hitTokens)
    if (hitTokens < head.knownTokens - 1) this.countPrefill(head)
    this.grant(head, tokens, batch)
    this.lookedUp = undefined
  }

  private countPrefill(sequence: Sequence): void {
    sequence.prefillCall = this.calls
    this.prefillShares += 1
  }
}
