/** The distributions of two measurements, for a page to look at: both at the same shares, so that they can be held against each other there. */
import type { Measurement } from "./Measurement.ts"
import { type MetricName, metricNames } from "./Metric.ts"

/** The distribution of one metric on both sides, for drawing. */
export interface Curve {
  readonly metric: MetricName
  /** Percentages of the samples, ascending, and up to where so many of them lie on either side. */
  readonly percent: ReadonlyArray<number>
  readonly reference: ReadonlyArray<number>
  readonly other: ReadonlyArray<number>
}

/** Every percent, and the tail more finely. */
const shares: ReadonlyArray<number> = [
  ...Array.from({ length: 100 }, (_, percent) => percent),
  ...Array.from({ length: 11 }, (_, tenth) => 99 + tenth / 10).slice(1)
]

/** The sample at this share of the way from the first to the last; six digits are more than a chart shows. */
const quantile = (sorted: Float64Array, percent: number): number =>
  Number((sorted[Math.round(((sorted.length - 1) * percent) / 100)] ?? 0).toPrecision(6))

/** Of the metrics of which both sides tell their samples. */
export const curvesOf = (reference: Measurement, other: Measurement): ReadonlyArray<Curve> =>
  metricNames.flatMap((metric) => {
    const [ours, theirs] = [reference.samples.get(metric), other.samples.get(metric)]
    if (ours === undefined || theirs === undefined) return []
    return [
      {
        metric,
        percent: shares,
        reference: shares.map((percent) => quantile(ours, percent)),
        other: shares.map((percent) => quantile(theirs, percent))
      }
    ]
  })
