/** A comparison to read: totals, then a block per metric. */
import type { Comparison, Figure, MetricComparison } from "./Comparison.ts"
import { type StatisticName, totalNames } from "./Metric.ts"
import { englishNumber } from "../settings/EnglishNumber.ts"

const shown: ReadonlyArray<StatisticName> = ["mean", "p50", "p75", "p90", "p95", "p99", "max"]

const number = (value: number): string => englishNumber(value, 2, Math.abs(value) < 1 ? 4 : 2)

export const percent = (share: number | null): string =>
  share === null ? "-" : `${share < 0 ? "" : "+"}${(100 * share).toFixed(2)} %`

/** The comparison as text for a terminal, without a line break at its end. */
export const comparisonText = (comparison: Comparison): string =>
  [
    `reference: ${comparison.reference.name} (${comparison.reference.source})`,
    `compared:  ${comparison.other.name} (${comparison.other.source})`,
    `requests:  ${comparison.matched_by.startsWith("not matched") ? "" : "matched by "}${comparison.matched_by}`,
    "",
    ...table([["", "reference", "compared", "error"], ...totalRows(comparison)]),
    ...comparison.metrics.flatMap((metric) => ["", ...metricText(metric)]),
    ...comparison.remarks.flatMap((remark, index) => [...(index === 0 ? [""] : []), `note: ${remark}`])
  ].join("\n")

const figureRow = (name: string, { other, reference, relative_error }: Figure): ReadonlyArray<string> => [
  name,
  number(reference),
  number(other),
  percent(relative_error)
]

const totalRows = ({ totals }: Comparison): ReadonlyArray<ReadonlyArray<string>> =>
  totalNames.flatMap((name) => {
    const figure = totals[name]
    return figure === undefined ? [] : [figureRow(name, figure)]
  })

const metricText = ({
  called,
  definition,
  kolmogorov_smirnov,
  matched,
  metric,
  samples,
  statistics
}: MetricComparison) => [
  `${metric}: ${definition}`,
  ...called.map((name) => `  ${name}`),
  ...table(
    shown.flatMap((name) => {
      const figure = statistics[name]
      return figure === undefined ? [] : [figureRow(name, figure)]
    })
  ),
  ...(kolmogorov_smirnov === undefined || samples === undefined
    ? []
    : [
        `  Kolmogorov-Smirnov distance ${kolmogorov_smirnov.toFixed(4)} (${englishNumber(samples.reference)} against ${englishNumber(samples.other)} samples)`
      ]),
  ...(matched === undefined
    ? []
    : [
        `  ${englishNumber(matched.pairs)} pairs: mean error ${number(matched.mean_error)}, mean absolute error ${number(matched.mean_absolute_error)}`
          + ` (${percent(matched.relative_absolute_error).replace("+", "")}), p95 ${number(matched.p95_absolute_error)}`
      ])
]

/** The first column to the left, the others to the right. */
export const table = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths: Array<number> = []
  for (const row of rows)
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  return rows.map((row) =>
    `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  ")}`.trimEnd()
  )
}
