/**
 * Mean, spread and extremes of weighted values that are seen once and not kept.
 *
 * Welford's update in its weighted form: as exact as two passes over the values up to rounding, which a running sum of
 * squares is not.
 */
import type { Moments } from "./SampleStatistics.ts"

export class RunningMoments implements Moments {
  count = 0
  mean = 0
  min = Number.POSITIVE_INFINITY
  max = Number.NEGATIVE_INFINITY
  private squares = 0

  /** Adds `count > 0` occurrences of `value`. */
  add(value: number, count: number): void {
    this.count += count
    const distance = value - this.mean
    this.mean += distance * (count / this.count)
    this.squares += count * distance * (value - this.mean)
    if (value < this.min) this.min = value
    if (value > this.max) this.max = value
  }

  get std(): number {
    return this.count === 0 ? 0 : Math.sqrt(this.squares / this.count)
  }
}
