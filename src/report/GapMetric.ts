/**
 * All gaps between consecutive tokens, pooled, and the token rates `1000 / gap` of the positive ones.
 *
 * Gaps come as (gap, count) pairs and are kept so: exact as long as the different gaps fit the budget, a sketch of stated
 * error past it. When the buffer is full, pairs of equal gaps are merged first, which loses nothing.
 */
import { type ColumnSource, moreCounts, moreFractions, newColumns } from "../structures/SpareColumns.ts"
import { sortPairs } from "./PairSort.ts"
import { type GapStatistics, sortedGapStatistics } from "./SortedGaps.ts"
import { ValueSketch } from "./ValueSketch.ts"

/** Different gaps that are certainly kept for exact percentiles. */
export const defaultExactGaps = 786_432
/** Room for pairs not merged yet, relative to the different gaps kept: less would merge too often for too little. */
const bufferRatio = 4 / 3
const initialPairs = 4096
/** Room for so many pairs is not worth merging for. */
const cheapPairs = 65_536
/** Where merging made too little room, it is tried again when so many times the pairs are there. */
const retryRatio = 8
const maxCount = 0xffff_ffff

interface GapSketch {
  readonly gapsMs: ValueSketch
  readonly tokensPerSecond: ValueSketch
}

export class GapMetric {
  private readonly exactGaps: number
  private readonly columns: ColumnSource
  private readonly maxPairs: number
  private gapsMs: Float64Array
  private counts: Uint32Array
  private length = 0
  /** Room to make by merging, from which on that is tried. */
  private worthMerging = cheapPairs
  /** What the length would be if pairs were merged only where all of `maxPairs` are there. */
  private unmerged = 0
  private sketch: GapSketch | undefined = undefined

  constructor(exactGaps: number = defaultExactGaps, columns: ColumnSource = newColumns) {
    this.exactGaps = exactGaps
    this.columns = columns
    this.maxPairs = Math.ceil(exactGaps * bufferRatio)
    const capacity = Math.min(initialPairs, this.maxPairs)
    this.gapsMs = columns.fractions(capacity)
    this.counts = columns.counts(capacity)
  }

  get exact(): boolean {
    return this.sketch === undefined
  }

  /** Adds gaps, ms >= 0 and finite, each seen `count` times; equal lengths. */
  add(gapsMs: Float64Array, counts: Uint32Array): void {
    for (let index = 0; index < gapsMs.length; index++) {
      if (counts[index]! > 0) this.addGap(gapsMs[index]!, counts[index]!)
    }
  }

  /** A gap, ms >= 0 and finite, seen `count` times, from 1. */
  addGap(gapMs: number, count: number): void {
    if (this.sketch === undefined && this.unmerged === this.maxPairs) this.decide()
    if (this.sketch === undefined && this.length === this.gapsMs.length) this.makeRoom()
    if (this.sketch === undefined) {
      this.gapsMs[this.length] = gapMs
      this.counts[this.length] = count
      this.length += 1
      this.unmerged += 1
    } else addTo(this.sketch, gapMs, count)
  }

  /** Reorders and merges what is kept, and may be asked again after more was added. */
  statistics(): GapStatistics {
    if (this.sketch !== undefined) {
      return { gapsMs: this.sketch.gapsMs.statistics(), tokensPerSecond: this.sketch.tokensPerSecond.statistics() }
    }
    this.merge()
    this.unmerged = this.length
    return sortedGapStatistics(this.gapsMs.subarray(0, this.length), this.counts.subarray(0, this.length))
  }

  /** Most gaps of a long run have been seen before: merged, its pairs need little room. */
  private makeRoom(): void {
    const capacity = this.gapsMs.length
    if (capacity >= this.worthMerging) this.merge()
    if (this.length * bufferRatio <= capacity || capacity === this.maxPairs) return
    if (capacity >= this.worthMerging) this.worthMerging = capacity * retryRatio
    this.grow()
  }

  /** Whether there are too many different gaps is asked after the same additions, whatever room there was. */
  private decide(): void {
    this.merge()
    this.unmerged = this.length
    if (this.length > this.exactGaps) this.startSketch()
  }

  private grow(): void {
    const { columns, counts, gapsMs } = this
    const capacity = Math.min(gapsMs.length * 2, this.maxPairs)
    this.gapsMs = moreFractions(columns, gapsMs, capacity)
    this.counts = moreCounts(columns, counts, capacity)
  }

  /** Sorts the pairs and adds up the counts of equal gaps, as far as a count can hold the sum. */
  private merge(): void {
    const { counts, gapsMs, length } = this
    if (length === 0) return
    sortPairs(gapsMs, counts, length)
    let last = 0
    for (let index = 1; index < length; index++) {
      const sum = counts[last]! + counts[index]!
      if (gapsMs[index] === gapsMs[last] && sum <= maxCount) counts[last] = sum
      else {
        last += 1
        gapsMs[last] = gapsMs[index]!
        counts[last] = counts[index]!
      }
    }
    this.length = last + 1
  }

  private startSketch(): void {
    const sketch = { gapsMs: new ValueSketch(), tokensPerSecond: new ValueSketch() }
    for (let index = 0; index < this.length; index++) addTo(sketch, this.gapsMs[index]!, this.counts[index]!)
    this.gapsMs = new Float64Array(0)
    this.counts = new Uint32Array(0)
    this.length = 0
    this.sketch = sketch
  }
}

const addTo = (sketch: GapSketch, gapMs: number, count: number): void => {
  sketch.gapsMs.add(gapMs, count)
  if (gapMs > 0) sketch.tokensPerSecond.add(1000 / gapMs, count)
}
