/**
 * Statistics of more values than are kept: percentiles from a {@link LogHistogram}, everything else exact.
 */
import { LogHistogram } from "./LogHistogram.ts"
import { RunningMoments } from "./RunningMoments.ts"
import { emptyStatistics, type SampleStatistics, withPercentiles } from "./SampleStatistics.ts"

export class ValueSketch {
  private readonly histogram = new LogHistogram()
  private readonly moments = new RunningMoments()

  /** Adds `count > 0` occurrences of a finite `value >= 0`. */
  add(value: number, count: number): void {
    this.histogram.add(value, count)
    this.moments.add(value, count)
  }

  statistics(): SampleStatistics {
    const { histogram, moments } = this
    if (moments.count === 0) return emptyStatistics
    const valueAt = (rank: number): number => Math.min(Math.max(histogram.valueAt(rank), moments.min), moments.max)
    return withPercentiles(moments, moments.count, valueAt)
  }
}
