/**
 * The prompts that one pass computes: who is taken in, how far each is computed within the {@link PrefillBudget}, and what the batch is
 * charged for.
 */
import type { EngineArgs } from "../EngineArgs.ts"
import type { PrefillCharge } from "../PassTiming.ts"
import { isDue } from "../tiers/TierUser.ts"
import type { KvCache } from "./KvCache.ts"
import type { PageCopies } from "./PageCopies.ts"
import { PrefillBudget } from "./PrefillBudget.ts"
import type { Sequence } from "./Sequence.ts"

/** Whoever waits for pages on their way is passed by others. */
export const isDueSequence = ({ tierUse }: Sequence): boolean => tierUse === undefined || isDue(tierUse)

export class PrefillBatch {
  /** Requests that were taken in, first ones first. */
  readonly sequences: Array<Sequence> = []
  private readonly args: EngineArgs
  private readonly kv: KvCache
  private readonly copies: PageCopies | undefined
  private readonly budget: PrefillBudget
  private islTokens = 0
  private prefixTokens = 0

  constructor(args: EngineArgs, kv: KvCache, copies: PageCopies | undefined) {
    this.args = args
    this.kv = kv
    this.copies = copies
    this.budget = new PrefillBudget(args)
  }

  /** Starts a batch; `ratio` is the share of their remaining output that the `running` requests are expected to generate. */
  open(running: ReadonlyArray<Sequence>, ratio: number): void {
    this.budget.open(this.kv.obtainableTokens, running, ratio)
  }

  /** Its chunk tokens are used up. */
  get isFull(): boolean {
    return this.budget.exhausted
  }

  /** Prompt tokens that it computes. */
  get computedTokens(): number {
    return this.islTokens - this.prefixTokens
  }

  /** What it is timed by. Prompts on a decode worker were computed elsewhere. */
  charge(): PrefillCharge {
    const batch = this.sequences.length
    return {
      batchPrompts: this.args.workerType === "decode" ? 0 : batch,
      meanIslTokens: Math.floor(this.islTokens / batch),
      meanPrefixTokens: Math.floor(this.prefixTokens / batch)
    }
  }

  close(): void {
    this.sequences.length = 0
    this.islTokens = 0
    this.prefixTokens = 0
  }

  /**
   * Whether even an empty worker would neither admit the request nor hold its last token. The reference leaves such a request at the
   * head of its queue for ever, or lets it outgrow the pool.
   */
  neverFits(sequence: Sequence): boolean {
    if (sequence.materialisedTokens > 0) return false
    const { knownTokens, remainingTokens } = sequence
    const { capacityTokens } = this.kv
    return knownTokens + remainingTokens > capacityTokens || !this.budget.couldGrant(sequence, capacityTokens)
  }

  /** Whether a waiting request has to wait for pages on their way, from now on if need be: tiers have some of its prompt. */
  defers(sequence: Sequence, nowMs: number): boolean {
    if (this.copies === undefined || sequence.materialisedTokens > 0) return false
    const tokens = this.copies.load(sequence, this.loadablePages(sequence), nowMs)
    this.budget.chargeLoad(tokens)
    return !isDueSequence(sequence)
  }

  /** Gives a request its share of the batch. Returns the tokens that need no computing, -1 when it has to wait. */
  take(sequence: Sequence): number {
    const reusedTokens = this.materialise(sequence)
    if (reusedTokens < 0) return reusedTokens
    this.sequences.push(sequence)
    this.islTokens += sequence.materialisedTokens
    this.prefixTokens += reusedTokens
    return reusedTokens
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
}
