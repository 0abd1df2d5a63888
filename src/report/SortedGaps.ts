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

/** Pairs per entry of the running count that ranks are looked up in. */
const blockPairs = 256

/** Statistics of ascending `gapsMs >= 0`, each seen `counts` times; equal lengths. */
export const sortedGapStatistics = (gapsMs: Float64Array, counts: Uint32Array): GapStatistics => {
  const sums = sumsOf(gapsMs, counts)
  const { gapCount, rateCount } = sums
  if (gapCount === 0) return { gapsMs: emptyStatistics, tokensPerSecond: emptyStatistics }
  const gapMean = sums.gaps / gapCount
  const rateMean = rateCount === 0 ? 0 : sums.rates / rateCount
  const squares = squaresOf(gapsMs, counts, gapMean, rateMean)
  const gapAt = rankLookup(gapsMs, counts)
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

const sumsOf = (gapsMs: Float64Array, counts: Uint32Array) => {
  let gapCount = 0
  let gaps = 0
  let rateCount = 0
  let rates = 0
  for (let index = 0; index < gapsMs.length; index++) {
    const gapMs = gapsMs[index]!
    const count = counts[index]!
    gapCount += count
    gaps += gapMs * count
    if (gapMs > 0) {
      rateCount += count
      rates += (1000 / gapMs) * count
    }
  }
  return { gapCount, gaps, rateCount, rates }
}

/** Sums of squared distances from the means. */
const squaresOf = (gapsMs: Float64Array, counts: Uint32Array, gapMean: number, rateMean: number) => {
  let gaps = 0
  let rates = 0
  for (let index = 0; index < gapsMs.length; index++) {
    const gapMs = gapsMs[index]!
    const count = counts[index]!
    const gapDistance = gapMs - gapMean
    gaps += gapDistance * gapDistance * count
    if (gapMs > 0) {
      const rateDistance = 1000 / gapMs - rateMean
      rates += rateDistance * rateDistance * count
    }
  }
  return { gaps, rates }
}

/** A function that finds the gap at a rank of the ascending order of all gaps. */
const rankLookup = (gapsMs: Float64Array, counts: Uint32Array): ((rank: number) => number) => {
  const before = new Float64Array(Math.ceil(counts.length / blockPairs) + 1)
  for (let index = 0, block = 0; index < counts.length; index++) {
    if (index % blockPairs === 0) before[++block] = before[block - 1]!
    before[block]! += counts[index]!
  }
  return (rank) => {
    let block = 0
    while (rank >= before[block + 1]!) block++
    let seen = before[block]!
    let index = block * blockPairs
    for (; rank >= seen + counts[index]!; index++) seen += counts[index]!
    return gapsMs[index]!
  }
}
