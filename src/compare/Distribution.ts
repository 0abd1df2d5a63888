/** Statistics of samples, and how far two sets of samples lie apart. Samples are finite and ascending. */
import { percentileOf, type StatisticName, type Statistics } from "./Metric.ts"

/** Finite values in ascending order. */
export const ascending = (values: Iterable<number>): Float64Array =>
  Float64Array.from(Array.from(values).filter(Number.isFinite)).toSorted()

/** The sample at index `round((n - 1) · p / 100)`, halves rounded up, as in the report; never between two samples. */
export const percentile = (sorted: Float64Array, p: number): number =>
  sorted[Math.floor(((sorted.length - 1) * p) / 100 + 0.5)] ?? Number.NaN

/** All statistics of at least one sample; the standard deviation is that of the population. */
export const statisticsOf = (sorted: Float64Array): Statistics => {
  const mean = meanOf(sorted)
  let squares = 0
  for (const value of sorted) squares += (value - mean) ** 2
  const statistics: Partial<Record<StatisticName, number>> = {
    mean,
    std: Math.sqrt(squares / sorted.length),
    min: sorted[0] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN
  }
  for (const [name, p] of percentileOf) statistics[name] = percentile(sorted, p)
  return statistics
}

export const meanOf = (values: ArrayLike<number>): number => {
  let sum = 0
  for (let index = 0; index < values.length; index++) sum += values[index] ?? 0
  return sum / values.length
}

/**
 * The two-sample Kolmogorov-Smirnov statistic: the largest difference between the two empirical distribution functions, 0 (equal) to 1
 * (apart). Equal samples on both sides are stepped over together.
 */
export const kolmogorovSmirnov = (left: Float64Array, right: Float64Array): number => {
  let [i, j, largest] = [0, 0, 0]
  while (i < left.length && j < right.length) {
    const value = Math.min(left[i] ?? Infinity, right[j] ?? Infinity)
    while (i < left.length && left[i] === value) i += 1
    while (j < right.length && right[j] === value) j += 1
    largest = Math.max(largest, Math.abs(i / left.length - j / right.length))
  }
  return largest
}
