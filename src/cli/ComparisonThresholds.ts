/** What `--fail-if` can ask of a comparison: the figures of the compared run under the report's keys, and their errors. */
import type { Comparison, Figure, MetricComparison } from "../compare/Comparison.ts"
import { type MetricName, metricNames, type StatisticName, statisticNames, totalNames } from "../compare/Metric.ts"
import { type Condition, judge, parseConditionsIn, type Vocabulary } from "../report/Condition.ts"
import { type Metric, type MetricUnit, unitOf } from "../report/Metric.ts"
import { crossings, failWith, readEach } from "./Thresholds.ts"

const metric = (
  name: string,
  unit: MetricUnit,
  of: (comparison: Comparison) => number | null | undefined
): Metric<Comparison> => ({ name, unit, isWallClock: false, of: (comparison) => of(comparison) ?? undefined })

/** A figure of the compared run, and its error, with sign and without. */
const figureMetrics = (
  name: string,
  of: (comparison: Comparison) => Figure | undefined
): ReadonlyArray<Metric<Comparison>> => [
  metric(name, unitOf(name), (comparison) => of(comparison)?.other),
  metric(`${name}.error`, "ratio", (comparison) => of(comparison)?.relative_error),
  metric(`${name}.absolute_error`, "ratio", (comparison) => {
    const error = of(comparison)?.relative_error
    return typeof error === "number" ? Math.abs(error) : undefined
  })
]

const comparisonOf = ({ metrics }: Comparison, name: MetricName): MetricComparison | undefined =>
  metrics.find(({ metric }) => metric === name)

/** The report calls the 50th percentile a median. */
const prefixesOf = (statistic: StatisticName): ReadonlyArray<string> =>
  statistic === "p50" ? ["median", "p50"] : [statistic]

const metricsOf = (name: MetricName): ReadonlyArray<Metric<Comparison>> => [
  ...statisticNames.flatMap((statistic) =>
    prefixesOf(statistic).flatMap((prefix) =>
      figureMetrics(`${prefix}_${name}`, (comparison) => comparisonOf(comparison, name)?.statistics[statistic])
    )
  ),
  metric(`${name}.ks`, "ratio", (comparison) => comparisonOf(comparison, name)?.kolmogorov_smirnov),
  metric(
    `${name}.matched_error`,
    "ratio",
    (comparison) => comparisonOf(comparison, name)?.matched?.relative_absolute_error
  )
]

const vocabulary: Vocabulary<Comparison> = {
  metrics: new Map(
    [
      ...totalNames.flatMap((name) => figureMetrics(name, ({ totals }) => totals[name])),
      ...metricNames.flatMap(metricsOf)
    ].map((each) => [each.name, each])
  ),
  place: "comparison",
  page: "docs/compare.md"
}

export const readComparisonThresholds = (texts: ReadonlyArray<string>) =>
  readEach(texts, (each) => parseConditionsIn(each, vocabulary))

/** Fails where any of the comparisons, which are named, crosses one. */
export const failIfAnyCrosses = (
  conditions: ReadonlyArray<Condition<Comparison>>,
  comparisons: ReadonlyArray<Comparison>
) =>
  failWith(
    comparisons.flatMap((comparison) =>
      crossings(
        conditions.map((condition) => judge(condition, comparison)),
        comparison.other.name
      )
    )
  )
