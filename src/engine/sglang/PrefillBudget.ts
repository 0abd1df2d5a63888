/**
 * What one prefill batch may still take: KV slots, prompt tokens, and tokens of chunks.
 *
 * The slots are an estimate: those that can be had now, less the unused parts of pages, less what running requests are expected to
 * generate. A request is charged its whole uncomputed length, cached or not, and the output it may generate.
 */
import type { EngineArgs } from "../EngineArgs.ts"
import type { SglangArgs } from "./SglangArgs.ts"
import type { Sequence } from "./Sequence.ts"

export class PrefillBudget {
  private readonly limits: SglangArgs
  private readonly pageTokens: number
  /** A prompt may be cut to what is left of the batch's chunk tokens. */
  private readonly cutsToRest: boolean
  /** May be fractional and negative. */
  private slots = 0
  private promptTokens = 0
  private chunkTokens = 0

  constructor(args: EngineArgs) {
    this.limits = args.sglang
    this.pageTokens = args.blockTokens
    this.cutsToRest = args.sglangChunkBudget === "rest"
  }

  /** Chunk tokens are used up: the batch is complete. */
  get exhausted(): boolean {
    return this.chunkTokens <= 0
  }

  /**
   * Starts a batch; `ratio` is the share of their remaining output that running requests are expected to generate.
   * Waiting requests have no half-used pages: their chunks end with a page.
   */
  open(obtainableTokens: number, running: ReadonlyArray<Sequence>, ratio: number): void {
    const { pageTokens } = this
    const { clipMaxNewTokens } = this.limits
    let reservedTokens = 0
    let slackTokens = 0
    for (let index = 0; index < running.length; index++) {
      const sequence = running[index]!
      reservedTokens += Math.min(sequence.remainingTokens, clipMaxNewTokens) * ratio
      const filled = sequence.materialisedTokens % pageTokens
      if (filled > 0) slackTokens += pageTokens - filled
    }
    this.slots = Math.max(0, obtainableTokens - slackTokens) - reservedTokens
    this.promptTokens = this.limits.maxPrefillTokens
    this.chunkTokens = this.limits.chunkedPrefillTokens
  }

  /** Tokens that a request may compute in this batch after `cachedTokens` that were looked up, 0 when it has to wait. */
  grant(sequence: Sequence, cachedTokens: number): number {
    const missing = sequence.knownTokens - sequence.materialisedTokens - cachedTokens
    const tokens = this.chunkOf(missing)
    const charged = this.ceilToPage(tokens)
    if (cachedTokens + charged + this.outputReserve(sequence, tokens === missing) >= this.slots) return 0
    return charged > this.promptTokens || charged > this.chunkTokens ? 0 : tokens
  }

  /** Whether a fresh or retracted sequence could be admitted, chunk by chunk, where nobody else holds any of `slots`. */
  couldGrant(sequence: Sequence, slots: number): boolean {
    return this.ceilToPage(sequence.knownTokens) + this.outputReserve(sequence, true) < slots
  }

  /** Whole pages that nobody has been granted. */
  get roomPages(): number {
    return Math.max(0, Math.ceil(this.slots / this.pageTokens) - 1)
  }

  /** Books the slots of `tokens` that are being loaded, and the cached ones that they follow. */
  chargeLoad(tokens: number): void {
    this.slots -= tokens
  }

  /** Books `tokens` that were granted and are materialised now, and the cached ones that they follow. */
  charge(sequence: Sequence, tokens: number, cachedTokens: number): void {
    const { knownTokens, materialisedTokens } = sequence
    const before = materialisedTokens - tokens - cachedTokens
    const pages = this.ceilToPage(materialisedTokens) - this.ceilToPage(before)
    this.slots -= pages + this.outputReserve(sequence, materialisedTokens === knownTokens)
    this.promptTokens -= this.ceilToPage(tokens)
    this.chunkTokens -= this.ceilToPage(tokens)
  }

  /**
   * Only what exceeds the limits of a batch is cut, into whole pages. The reference cuts only what exceeds the chunk size, and never
   * admits what fits that but exceeds, in whole pages, either limit.
   */
  private chunkOf(missingTokens: number): number {
    if (this.cutsToRest) return this.wholeOrPages(missingTokens, Math.min(this.chunkTokens, this.promptTokens))
    const { chunkedPrefillTokens, maxPrefillTokens } = this.limits
    if (this.ceilToPage(missingTokens) <= Math.min(chunkedPrefillTokens, maxPrefillTokens)) return missingTokens
    const chunkTokens = Math.min(this.chunkTokens, maxPrefillTokens)
    return Math.min(missingTokens, Math.floor(chunkTokens / this.pageTokens) * this.pageTokens)
  }

  private wholeOrPages(tokens: number, limitTokens: number): number {
    return this.ceilToPage(tokens) <= limitTokens ? tokens : Math.floor(limitTokens / this.pageTokens) * this.pageTokens
  }

  private outputReserve(sequence: Sequence, complete: boolean): number {
    return complete ? Math.min(sequence.remainingTokens, this.limits.clipMaxNewTokens) : 0
  }

  private ceilToPage(tokens: number): number {
    return Math.ceil(tokens / this.pageTokens) * this.pageTokens
  }
}
