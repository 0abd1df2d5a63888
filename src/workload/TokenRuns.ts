import { plainId, type HashId, type HashIds } from "../request/HashId.ts"

/**
 * A token string as runs of equal tokens: `symbols[i]` repeated `counts[i]` times.
 *
 * Symbols from 0 on are hash ids and token values; generated tokens of which nothing is known get negative symbols, one per
 * turn: no other turn has it, and all that matters is that these tokens equal nothing else.
 */
export class TokenRuns {
  readonly symbols: Array<HashId> = []
  readonly counts: Array<number> = []
  tokens = 0

  push(symbol: HashId, count: number): void {
    this.symbols.push(symbol)
    this.counts.push(count)
    this.tokens += count
  }

  /** Adds a prompt of one hash id per `traceBlockTokens` tokens, cut to `promptTokens`. */
  pushPrompt(hashIds: HashIds, promptTokens: number, traceBlockTokens: number): void {
    for (let i = 0, left = promptTokens; left > 0; i++, left -= traceBlockTokens) {
      this.push(plainId(hashIds[i]!), Math.min(left, traceBlockTokens))
    }
  }

  /** Cuts the string to its first `tokens` tokens. */
  truncate(tokens: number): void {
    while (this.tokens > tokens) {
      const last = this.counts.length - 1
      const cut = Math.min(this.counts[last]!, this.tokens - tokens)
      this.tokens -= cut
      this.counts[last]! -= cut
      if (this.counts[last] === 0) {
        this.counts.pop()
        this.symbols.pop()
      }
    }
  }
}
