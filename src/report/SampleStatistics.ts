/** The nine numbers that the report gives for each metric, and the one rule by which it picks percentiles. */

export interface SampleStatistics {
  readonly mean: number
  readonly min: number
  readonly max: number
  readonly median: number
  readonly p75: number
  readonly p90: number
  readonly p95: number
  readonly p99: number
  /** Population standard deviation: the sum of squares is divided by `n`. */
  readonly std: number
}

/** What a metric without samples reports: zeros, never `null` or `NaN`. */
export const emptyStatistics: SampleStatistics = {
  mean: 0,
  min: 0,
  max: 0,
  median: 0,
  p75: 0,
  p90: 0,
  p95: 0,
  p99: 0,
  std: 0
}

/**
 * Index of a percentile among `count` ascending values: `round((count - 1) p / 100)`, halves up, no interpolation. The
 * median follows the same rule, so that of two values is the larger one.
 */
export const percentileRank = (count: number, percentile: number): number =>
  Math.round(((count - 1) * percentile) / 100)

export interface Moments {
  readonly mean: number
  readonly min: number
  readonly max: number
  readonly std: number
}

/** Completes the statistics of `count > 0` values whose ascending order `valueAt` knows. */
export const withPercentiles = (
  { max, mean, min, std }: Moments,
  count: number,
  valueAt: (rank: number) => number
): SampleStatistics => ({
  mean,
  min,
  max,
  median: valueAt(percentileRank(count, 50)),
  p75: valueAt(percentileRank(count, 75)),
  p90: valueAt(percentileRank(count, 90)),
  p95: valueAt(percentileRank(count, 95)),
  p99: valueAt(percentileRank(count, 99)),
  std
})
