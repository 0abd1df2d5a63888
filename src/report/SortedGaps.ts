/**
 * Exact statistics of gaps between tokens, given as (gap, count) pairs in ascending order, and of the token rates
 * `1000 / gap` of the positive ones. Nothing is expanded: a rank is found by counting.
 */
import { emptyStatistics, type SampleStatistics, withPercentiles } from "./SampleStatistics.ts"

export interface GapStatistics {
  /** Gaps, ms. */
  readonly gapsMs: SampleStatistics
  /** `1000 / gap` of every positive gap, tokens per second of one user. */
  readonly tokensPerSecond: SampleStatistics
}

/**
 * Pairs per entry of the running count that ranks are looked up in, and per call of the loops over pairs: what is called again is compiled
 * sooner than a loop that is running, and its sums are no objects.
 */
const blockPairs = 256

/** Statistics of ascending `gapsMs >= 0`, each seen `counts` times; equal lengths. */
export const sortedGapStatistics = (gapsMs: Float64Array, counts: Uint32Array): GapStatistics => {
  const sums = new GapSums()
  const before = new Float64Array(Math.ceil(counts.length / blockPairs) + 1)
  for (let block = 1; block < before.length; block++) {
    sums.addBlock(gapsMs, counts, (block - 1) * blockPairs)
    before[block] = sums.gapCount
  }
  const { gapCount, rateCount } = sums
  if (gapCount === 0) return { gapsMs: emptyStatistics, tokensPerSecond: emptyStatistics }
  const gapMean = sums.gaps / gapCount
  const rateMean = rateCount === 0 ? 0 : sums.rates / rateCount
  const squares = new GapSquares(gapMean, rateMean)
  for (let first = 0; first < counts.length; first += blockPairs) squares.addBlock(gapsMs, counts, first)
  const gapAt = rankLookup(gapsMs, counts, before)
  const gapMoments = {
    mean: gapMean,
    min: gapAt(0),
    max: gapAt(gapCount - 1),
    std: Math.sqrt(squares.gaps / gapCount)
  }
  // The largest gap is the smallest rate: ranks are mirrored.
  const rateAt = (rank: number): number => 1000 / gapAt(gapCount - 1 - rank)
  return {
    gapsMs: withPercentiles(gapMoments, gapCount, gapAt),
    tokensPerSecond:
      rateCount === 0
        ? emptyStatistics
        : withPercentiles(
            {
              mean: rateMean,
              min: rateAt(0),
              max: rateAt(rateCount - 1),
              std: Math.sqrt(squares.rates / rateCount)
            },
            rateCount,
            rateAt
          )
  }
}

class GapSums {
  gapCount = 0
  gaps = 0
  rateCount = 0
  rates = 0

  /** Adds the pairs of the block that starts at `first`. */
  addBlock(gapsMs: Float64Array, counts: Uint32Array, first: number): void {
    let { gapCount, gaps, rateCount, rates } = this
    const end = Math.min(first + blockPairs, counts.length)
    for (let index = first; index < end; index++) {
      const gapMs = gapsMs[index]!
      const count = counts[index]!
      gapCount += count
      gaps += gapMs * count
      if (gapMs > 0) {
        rateCount += count
        rates += (1000 / gapMs) * count
      }
    }
    this.gapCount = gapCount
    this.gaps = gaps
    this.rateCount = rateCount
    this.rates = rates
  }
}

/** Sums of squared distances from the means. */
class GapSquares {
  private readonly gapMean: number
  private readonly rateMean: number
  gaps = 0
  rates = 0

  constructor(gapMean: number, rateMean: number) {
    this.gapMean = gapMean
    this.rateMean = rateMean
  }

  /** Adds the pairs of the block that starts at `first`. */
  addBlock(gapsMs: Float64Array, counts: Uint32Array, first: number): void {
    const { gapMean, rateMean } = this
    let { gaps, rates } = this
    const end = Math.min(first + blockPairs, counts.length)
    for (let index = first; index < end; index++) {
      const gapMs = gapsMs[index]!
      const count = counts[index]!
      const gapDistance = gapMs - gapMean
      gaps += gapDistance * gapDistance * count
      if (gapMs > 0) {
        const rateDistance = 1000 / gapMs - rateMean
        rates += rateDistance * rateDistance * count
      }
    }
    this.gaps = gaps
    this.rates = rates
  }
}

/** A function that finds the gap at a rank of the ascending order of all gaps; `before[block]` of them come before a block. */
const rankLookup =
  (gapsMs: Float64Array, counts: Uint32Array, before: Float64Array): ((rank: number) => number) =>
  (rank) => {
    let block = 0
    while (rank >= before[block + 1]!) block++
    let seen = before[block]!
    let index = block * blockPairs
    for (; rank >= seen + counts[index]!; index++) seen += counts[index]!
    return gapsMs[index]!
  }
