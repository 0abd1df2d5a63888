/**
 * Inter-token gaps as (gap, count) pairs.
 *
 * All requests that decode together in two consecutive passes share one gap, so a pass adds a pair, not a value per token. Small
 * deployments decode a few requests at a time, and the same few gaps come again and again: pairs seen recently are counted up.
 */
import { hashFactor } from "../structures/Hash.ts"
import { type ColumnSource, moreCounts, moreFractions, newColumns } from "../structures/SpareColumns.ts"

const recentBits = 12
const recentShift = 32 - recentBits

/** Pairs of a gap, ms, and of how many requests saw it; the first `length` places of its columns count. */
export class TokenGaps {
  gapsMs: Float64Array
  counts: Uint32Array
  length = 0
  /** The pair counted up last. */
  private last = 0
  /** When the later token comes, where that is wanted. */
  private timesMs: Float64Array | undefined
  /** Pair that last fell on each entry; it may be another gap's, or of an earlier batch. */
  private readonly recent = new Uint32Array(2 ** recentBits)
  private readonly scratch = new Float64Array(1)
  private readonly scratchBits = new Int32Array(this.scratch.buffer)
  private readonly columns: ColumnSource

  /** `isTimed`: whether it matters when gaps were; then only those before tokens of the same time are counted up. */
  constructor(isTimed = false, columns: ColumnSource = newColumns, capacity = 4096) {
    this.columns = columns
    this.gapsMs = columns.fractions(capacity)
    this.counts = columns.counts(capacity)
    this.timesMs = isTimed ? columns.fractions(capacity) : undefined
  }

  /** Gaps of `gapMs` before tokens that come at `tokenMs`. */
  add(gapMs: number, count: number, tokenMs: number): void {
    if (this.isKnown(this.last, gapMs, tokenMs)) {
      this.counts[this.last]! += count
      return
    }
    const entry = this.recentEntry(gapMs)
    const known = this.recent[entry]!
    if (this.isKnown(known, gapMs, tokenMs)) {
      this.counts[known]! += count
      this.last = known
      return
    }
    this.recent[entry] = this.length
    this.last = this.length
    if (this.length === this.gapsMs.length) this.grow()
    this.gapsMs[this.length] = gapMs
    this.counts[this.length] = count
    if (this.timesMs !== undefined) this.timesMs[this.length] = tokenMs
    this.length += 1
  }

  /**
   * Gaps before tokens that come at each of the times `from … to` of these, `count` at each; the ones before them came at `beforeMs`. Most
   * gaps are as long as the one before: those are added together.
   */
  addRow(beforeMs: number, tokensMs: Float64Array, from: number, to: number, count: number): void {
    const togetherTo = this.timesMs === undefined ? to : from
    let previousMs = beforeMs
    for (let index = from; index < to;) {
      const tokenMs = tokensMs[index]!
      const gapMs = tokenMs - previousMs
      let gaps = 0
      do {
        previousMs = tokensMs[index]!
        gaps += count
        index += 1
      } while (index < togetherTo && tokensMs[index]! - previousMs === gapMs)
      this.add(gapMs, gaps, tokenMs)
    }
  }

  private isKnown(pair: number, gapMs: number, tokenMs: number): boolean {
    const { gapsMs, timesMs } = this
    return pair < this.length && gapsMs[pair] === gapMs && (timesMs === undefined || timesMs[pair] === tokenMs)
  }

  /** Where the pair of this gap would be remembered: its bits, mixed. */
  private recentEntry(gapMs: number): number {
    this.scratch[0] = gapMs
    return ((this.scratchBits[0]! ^ this.scratchBits[1]!) * hashFactor) >>> recentShift
  }

  /** Hands out the pairs gathered so far and starts afresh. */
  take(): { readonly gapsMs: Float64Array; readonly counts: Uint32Array; readonly timesMs?: Float64Array } {
    const { length, timesMs } = this
    const taken = { gapsMs: this.gapsMs.slice(0, length), counts: this.counts.slice(0, length) }
    this.length = 0
    return timesMs === undefined ? taken : { ...taken, timesMs: timesMs.slice(0, length) }
  }

  private grow(): void {
    const { columns, counts, gapsMs, timesMs } = this
    const capacity = 2 * gapsMs.length
    this.gapsMs = moreFractions(columns, gapsMs, capacity)
    this.counts = moreCounts(columns, counts, capacity)
    if (timesMs !== undefined) this.timesMs = moreFractions(columns, timesMs, capacity)
  }
}
