/**
 * Inter-token gaps as (gap, count) pairs.
 *
 * All requests that decode together in two consecutive passes share one gap, so a pass adds a pair, not a value per token.
 */
export class TokenGaps {
  gapsMs: Float64Array
  counts: Uint32Array
  length = 0

  constructor(capacity = 4096) {
    this.gapsMs = new Float64Array(capacity)
    this.counts = new Uint32Array(capacity)
  }

  add(gapMs: number, count: number): void {
    if (this.length === this.gapsMs.length) this.grow()
    this.gapsMs[this.length] = gapMs
    this.counts[this.length] = count
    this.length += 1
  }

  /** Hands out the pairs gathered so far and starts afresh. */
  take(): { readonly gapsMs: Float64Array; readonly counts: Uint32Array } {
    const taken = { gapsMs: this.gapsMs.slice(0, this.length), counts: this.counts.slice(0, this.length) }
    this.length = 0
    return taken
  }

  private grow(): void {
    const gapsMs = new Float64Array(this.gapsMs.length * 2)
    const counts = new Uint32Array(this.counts.length * 2)
    gapsMs.set(this.gapsMs)
    counts.set(this.counts)
    this.gapsMs = gapsMs
    this.counts = counts
  }
}
