/**
 * What one scheduling call decided: the shares of the requests in scheduling order, and what the batch costs.
 *
 * Arrays are reused call after call; only the first `length` entries count.
 */
import type { Sequence } from "./Sequence.ts"

export class Batch {
  length = 0
  readonly sequences: Array<Sequence> = []
  /** Tokens computed before the share, and by it. */
  readonly tokensBefore: Array<number> = []
  readonly tokens: Array<number> = []
  /** Output tokens that the share yields: none before the end of the known tokens is reached. */
  readonly yields: Array<number> = []
  /** Requests that get a token, and the sum of the tokens known of them. */
  yieldingRequests = 0
  contextTokens = 0
  /** Blocks in use after the call, or what stands for them in the decode time. */
  activeBlocks = 0
  /** Requests whose share is charged as prefill, the tokens they reach and those computed before. */
  batchPrompts = 0
  private reachedTokens = 0
  private prefixTokens = 0
  /** When it was decided, starts, has its prefill part behind it, and ends; ms. */
  decidedMs = 0
  startMs = 0
  prefillEndMs = 0
  endMs = 0

  begin(nowMs: number): void {
    this.length = 0
    this.yieldingRequests = 0
    this.contextTokens = 0
    this.activeBlocks = 0
    this.batchPrompts = 0
    this.reachedTokens = 0
    this.prefixTokens = 0
    this.decidedMs = nowMs
    this.startMs = nowMs
    this.prefillEndMs = nowMs
    this.endMs = nowMs
  }

  /** One token of a request in steady decode that has computed `computedTokens` with it. */
  addDecode(sequence: Sequence, computedTokens: number): void {
    const index = this.length
    this.sequences[index] = sequence
    this.tokensBefore[index] = computedTokens - 1
    this.tokens[index] = 1
    this.yields[index] = 1
    this.yieldingRequests += 1
    this.contextTokens += computedTokens
    this.length = index + 1
  }

  /** `tokens` from `before` on, of which the part below `chargedTokens` is charged as prefill. */
  add(sequence: Sequence, before: number, tokens: number, yields: number): void {
    const index = this.length
    this.sequences[index] = sequence
    this.tokensBefore[index] = before
    this.tokens[index] = tokens
    this.yields[index] = yields
    this.length = index + 1
    if (yields > 0) {
      this.yieldingRequests += 1
      this.contextTokens += before + tokens
    }
    this.charge(sequence, before, before + tokens, 1)
  }

  /** Position of a request's share, or -1. */
  indexOf(sequence: Sequence): number {
    for (let index = this.length - 1; index >= 0; index--) if (this.sequences[index] === sequence) return index
    return -1
  }

  /** Takes a share out again; those behind it move up. */
  cancel(index: number): void {
    const sequence = this.sequences[index]!
    const before = this.tokensBefore[index]!
    const tokens = this.tokens[index]!
    if (this.yields[index]! > 0) {
      this.yieldingRequests -= 1
      this.contextTokens -= before + tokens
    }
    this.charge(sequence, before, before + tokens, -1)
    for (const column of [this.sequences, this.tokensBefore, this.tokens, this.yields]) column.splice(index, 1)
    this.length -= 1
  }

  /** Tokens of the prefill batch that are to be computed. */
  get prefillTokens(): number {
    return this.reachedTokens - this.prefixTokens
  }

  /** Mean tokens that the prefill batch reaches, rounded down; the batch must not be empty. */
  get meanIslTokens(): number {
    return Math.floor(this.reachedTokens / this.batchPrompts)
  }

  /** Mean computed or cached part of it, rounded down. */
  get meanPrefixTokens(): number {
    return Math.floor(this.prefixTokens / this.batchPrompts)
  }

  private charge({ chargedTokens }: Sequence, before: number, after: number, sign: 1 | -1): void {
    if (before >= chargedTokens) return
    this.batchPrompts += sign
    this.reachedTokens += sign * Math.min(after, chargedTokens)
    this.prefixTokens += sign * before
  }
}
