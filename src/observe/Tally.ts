/** What happened in a stretch of time, as counts and sums that add up over stretches and workers. */
export class Tally {
  passes = 0
  prefillTokens = 0
  decodeTokens = 0
  preemptions = 0
  busyMs = 0
  arrivals = 0
  completed = 0
  rejected = 0
  failed = 0
  firstTokens = 0
  inputTokens = 0
  sharedReusedTokens = 0
  ttftMs = 0
  maxTtftMs = 0
  tokenGaps = 0
  gapsMs = 0
  maxGapMs = 0

  add(other: Tally): void {
    this.passes += other.passes
    this.prefillTokens += other.prefillTokens
    this.decodeTokens += other.decodeTokens
    this.preemptions += other.preemptions
    this.busyMs += other.busyMs
    this.arrivals += other.arrivals
    this.completed += other.completed
    this.rejected += other.rejected
    this.failed += other.failed
    this.firstTokens += other.firstTokens
    this.inputTokens += other.inputTokens
    this.sharedReusedTokens += other.sharedReusedTokens
    this.ttftMs += other.ttftMs
    if (other.maxTtftMs > this.maxTtftMs) this.maxTtftMs = other.maxTtftMs
    this.tokenGaps += other.tokenGaps
    this.gapsMs += other.gapsMs
    if (other.maxGapMs > this.maxGapMs) this.maxGapMs = other.maxGapMs
  }

  clear(): void {
    this.passes = 0
    this.prefillTokens = 0
    this.decodeTokens = 0
    this.preemptions = 0
    this.busyMs = 0
    this.arrivals = 0
    this.completed = 0
    this.rejected = 0
    this.failed = 0
    this.firstTokens = 0
    this.inputTokens = 0
    this.sharedReusedTokens = 0
    this.ttftMs = 0
    this.maxTtftMs = 0
    this.tokenGaps = 0
    this.gapsMs = 0
    this.maxGapMs = 0
  }
}
