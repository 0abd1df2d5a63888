/** A Prometheus histogram: counts per bucket, plain and synchronous. */
export class Histogram {
  /** Upper bounds, ascending; a last bucket without a bound follows. */
  readonly bounds: ReadonlyArray<number>
  /** Observations per bucket, not cumulated; one more than bounds. */
  readonly counts: Float64Array
  sum = 0
  count = 0

  constructor(bounds: ReadonlyArray<number>) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  /** The same value, `times` over. */
  observe(value: number, times = 1): void {
    let bucket = 0
    while (bucket < this.bounds.length && value > this.bounds[bucket]!) bucket += 1
    this.counts[bucket]! += times
    this.sum += value * times
    this.count += times
  }
}
