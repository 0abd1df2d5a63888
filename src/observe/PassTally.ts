/** What one pass gives. Most give decode tokens and gaps alone, and cost no more than that. */
import type { Tally } from "./Tally.ts"

export class PassTally {
  prefillTokens = 0
  decodeTokens = 0
  preemptions = 0
  firstTokens = 0
  inputTokens = 0
  sharedReusedTokens = 0
  ttftMs = 0
  maxTtftMs = 0
  tokenGaps = 0
  gapsMs = 0
  maxGapMs = 0

  /** Everybody's next token, and nothing else. */
  decode(tokens: number, gapMs: number): void {
    this.prefillTokens = 0
    this.decodeTokens = tokens
    this.preemptions = 0
    this.tokenGaps = tokens
    this.gapsMs = gapMs * tokens
    this.maxGapMs = gapMs
  }

  /** Adds it up with others, and starts afresh. */
  moveTo(tally: Tally): void {
    tally.passes += 1
    tally.prefillTokens += this.prefillTokens
    tally.decodeTokens += this.decodeTokens
    tally.preemptions += this.preemptions
    tally.tokenGaps += this.tokenGaps
    tally.gapsMs += this.gapsMs
    if (this.maxGapMs > tally.maxGapMs) tally.maxGapMs = this.maxGapMs
    this.tokenGaps = 0
    this.gapsMs = 0
    this.maxGapMs = 0
    if (this.firstTokens > 0) this.moveFirstTokens(tally)
  }

  private moveFirstTokens(tally: Tally): void {
    tally.firstTokens += this.firstTokens
    tally.inputTokens += this.inputTokens
    tally.sharedReusedTokens += this.sharedReusedTokens
    tally.ttftMs += this.ttftMs
    if (this.maxTtftMs > tally.maxTtftMs) tally.maxTtftMs = this.maxTtftMs
    this.firstTokens = 0
    this.inputTokens = 0
    this.sharedReusedTokens = 0
    this.ttftMs = 0
    this.maxTtftMs = 0
  }
}
