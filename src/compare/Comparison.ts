/** Two measurements held against each other, metric by metric: the error of the second, with the first as reference. */
import { kolmogorovSmirnov, ascending, meanOf, percentile } from "./Distribution.ts"
import { match, type Pair } from "./Matching.ts"
import { type Measurement, requestMetrics } from "./Measurement.ts"
import {
  type MetricName,
  metricNames,
  metrics,
  type StatisticName,
  statisticNames,
  type TotalName,
  totalNames
} from "./Metric.ts"

/** A figure of both sides. */
export interface Figure {
  readonly reference: number
  readonly other: number
  /** `(other - reference) / reference`; `null` where the reference is 0. */
  readonly relative_error: number | null
}

/** Errors of pairs of requests, other - reference, in the metric's unit. */
export interface PairedError {
  readonly pairs: number
  readonly mean_error: number
  readonly mean_absolute_error: number
  readonly p95_absolute_error: number
  /** Mean absolute error over the mean of the reference; `null` where that is 0. */
  readonly relative_absolute_error: number | null
}

/** One metric on both sides: statistics with their errors, distance of the distributions, errors of matched requests. */
export interface MetricComparison {
  readonly metric: MetricName
  readonly definition: string
  /** What the sides call it, where by another name. */
  readonly called: ReadonlyArray<string>
  readonly statistics: Readonly<Partial<Record<StatisticName, Figure>>>
  /** Present where both sides tell their samples. */
  readonly kolmogorov_smirnov?: number
  readonly samples?: { readonly reference: number; readonly other: number }
  readonly matched?: PairedError
}

/** Two runs held against each other; its keys are those of `--json`. */
export interface Comparison {
  readonly reference: { readonly name: string; readonly source: string }
  readonly other: { readonly name: string; readonly source: string }
  readonly totals: Readonly<Partial<Record<TotalName, Figure>>>
  readonly metrics: ReadonlyArray<MetricComparison>
  /** How requests were matched, or why not. */
  readonly matched_by: string
  readonly remarks: ReadonlyArray<string>
}

/** Compares what both sides tell. Requests are matched by id, by session and turn, or by order where nothing speaks against it. */
export const compare = (reference: Measurement, other: Measurement): Comparison => {
  const { by, pairs } = match(reference, other)
  const compared = metricNames.flatMap((metric) => {
    const comparison = compareMetric(metric, reference, other, pairs)
    return comparison === undefined ? [] : [comparison]
  })
  return {
    reference: { name: reference.name, source: reference.source },
    other: { name: other.name, source: other.source },
    totals: Object.fromEntries(
      totalNames.flatMap((name) => figureOf(name, reference.totals.get(name), other.totals.get(name)))
    ),
    metrics: compared,
    matched_by: by,
    remarks: [
      ...new Set([...reference.remarks, ...other.remarks, ...loadRemarks(compared), ...onlyOneSide(reference, other)])
    ]
  }
}

const figureOf = <Name extends string>(
  name: Name,
  reference: number | undefined,
  other: number | undefined
): ReadonlyArray<readonly [Name, Figure]> =>
  reference === undefined || other === undefined
    ? []
    : [[name, { reference, other, relative_error: relative(other - reference, reference) }]]

const relative = (error: number, reference: number): number | null =>
  reference === 0 ? null : error / Math.abs(reference)

const compareMetric = (
  metric: MetricName,
  reference: Measurement,
  other: Measurement,
  pairs: ReadonlyArray<Pair>
): MetricComparison | undefined => {
  const [left, right] = [reference.statistics.get(metric), other.statistics.get(metric)]
  if (left === undefined || right === undefined) return undefined
  const statistics = Object.fromEntries(statisticNames.flatMap((name) => figureOf(name, left[name], right[name])))
  const [ours, theirs] = [reference.samples.get(metric), other.samples.get(metric)]
  const matched = pairedError(metric, pairs)
  return {
    metric,
    definition: metrics[metric],
    called: [reference, other].flatMap(({ calls, name }) => {
      const called = calls.get(metric)
      return called === undefined ? [] : [`${name}: ${called}`]
    }),
    statistics,
    ...(ours === undefined || theirs === undefined
      ? {}
      : {
          kolmogorov_smirnov: kolmogorovSmirnov(ours, theirs),
          samples: { reference: ours.length, other: theirs.length }
        }),
    ...(matched === undefined ? {} : { matched })
  }
}

/** Over the pairs in which both requests have the metric. */
export const pairedError = (metric: MetricName, pairs: ReadonlyArray<Pair>): PairedError | undefined => {
  const value = requestMetrics.get(metric)
  if (value === undefined) return undefined
  const known = pairs
    .map(([left, right]) => [value(left), value(right)] as const)
    .filter(([a, b]) => Number.isFinite(a - b))
  if (known.length === 0) return undefined
  const errors = known.map(([left, right]) => right - left)
  const absolute = ascending(errors.map(Math.abs))
  const meanAbsolute = meanOf(absolute)
  return {
    pairs: known.length,
    mean_error: meanOf(errors),
    mean_absolute_error: meanAbsolute,
    p95_absolute_error: percentile(absolute, 95),
    relative_absolute_error: relative(meanAbsolute, meanOf(known.map(([left]) => left)))
  }
}

/** Latencies of different loads say little about the model. */
const loadRemarks = (compared: ReadonlyArray<MetricComparison>): ReadonlyArray<string> =>
  compared.flatMap(({ metric, statistics }) => {
    const error = statistics.mean?.relative_error ?? 0
    return (metric === "input_tokens" || metric === "output_tokens") && Math.abs(error) > 0.01
      ? [`the sides did not serve the same load: ${metric} differ by ${(100 * error).toFixed(1)} % in the mean`]
      : []
  })

/** The two kinds of gap are never compared with each other, which is worth a word where each side has only one of them. */
const onlyOneSide = (reference: Measurement, other: Measurement): ReadonlyArray<string> =>
  (["tpot_ms", "itl_ms"] as const).flatMap((metric) => {
    const [left, right] = [reference.statistics.has(metric), other.statistics.has(metric)]
    if (left === right) return []
    const [has, misses] = left ? [reference, other] : [other, reference]
    return [`${metric} (${metrics[metric]}): only ${has.name} tells it, ${misses.name} (${misses.source}) does not`]
  })
