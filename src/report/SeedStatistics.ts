/** Runs that differ only in their seed: mean of every figure, and how sure it is. */
import { figureTable } from "./FigureTable.ts"
import { pythonFloat } from "./FloatText.ts"
import { halfWidth95, mean } from "./Interval.ts"
import { type Metric, reportMetrics } from "./Metric.ts"
import type { Report } from "./Report.ts"
import { reportJson } from "./ReportJson.ts"
import { significantDigits } from "../settings/EnglishNumber.ts"

/** A run and the seed that it had. */
export interface SeededReport {
  readonly seed: number
  readonly report: Report
}

export interface SeedFigure {
  readonly metric: Metric
  readonly mean: number
  /** Half the width of the 95 % confidence interval of the mean, by Student's t; `undefined` for a single run. */
  readonly halfWidth: number | undefined
  readonly min: number
  readonly max: number
}

const figureOf = (metric: Metric, runs: ReadonlyArray<SeededReport>): SeedFigure | undefined => {
  const values = runs.flatMap(({ report }) => metric.of(report) ?? [])
  if (values.length < runs.length || values.length === 0) return undefined
  return {
    metric,
    mean: mean(values),
    halfWidth: halfWidth95(values),
    min: Math.min(...values),
    max: Math.max(...values)
  }
}

/** Every figure that all runs have, in the order of the report, but for those of the real time that runs took. */
export const seedFigures = (runs: ReadonlyArray<SeededReport>): ReadonlyArray<SeedFigure> =>
  [...reportMetrics.values()].flatMap((metric) => (metric.isWallClock ? [] : (figureOf(metric, runs) ?? [])))

/** Whether no figure depends on the seed. */
export const isSeedless = (figures: ReadonlyArray<SeedFigure>): boolean => figures.every(({ max, min }) => min === max)

const figureText = ({ halfWidth, max, mean: average, metric, min }: SeedFigure): string => {
  const members = [
    ["half_width_95", halfWidth],
    ["max", max],
    ["mean", average],
    ["min", min]
  ] as const
  const texts = members.map(([name, value]) => `"${name}": ${value === undefined ? "null" : pythonFloat(value)}`)
  return `    "${metric.name}": {${texts.join(", ")}}`
}

const indented = (text: string): string => text.trimEnd().replaceAll(/^/gm, "    ")

/** `{"figures": {key: {half_width_95, max, mean, min}}, "reports": [...], "seeds": [...]}`; reports as of single runs. */
export const seedsJson = (runs: ReadonlyArray<SeededReport>): string =>
  [
    "{",
    '  "figures": {',
    seedFigures(runs).map(figureText).join(",\n"),
    "  },",
    '  "reports": [',
    runs.map(({ report }) => indented(reportJson(report))).join(",\n"),
    "  ],",
    `  "seeds": [${runs.map(({ seed }) => seed).join(", ")}]`,
    "}",
    ""
  ].join("\n")

/** A line of names, and a line of figures for each seed. */
export const seedsCsv = (runs: ReadonlyArray<SeededReport>): string => {
  const metrics = [...reportMetrics.values()]
  const rows = runs.map(({ report, seed }) => [seed, ...metrics.map(({ of }) => of(report) ?? "")].join(","))
  return [["seed", ...metrics.map(({ name }) => name)].join(","), ...rows, ""].join("\n")
}

/** Of all figures, those that people compare runs by. */
const isShown = (name: string): boolean =>
  /^(mean|median|p90|p95|p99)_(ttft|itl|tpot|e2e_latency)_ms$|^(request|output)_throughput_|^shared_prefix_reused_ratio$|^goodput_\w+_(rps|tok_s)$|^gpu_hours$|^duration_ms$/.test(
    name
  )

const significant = (value: number): string => significantDigits(value, 6, false)

/** The figures that people compare runs by, lines without line ends. */
export const seedsTable = (runs: ReadonlyArray<SeededReport>): ReadonlyArray<string> => {
  const shown = seedFigures(runs).filter(({ metric }) => isShown(metric.name))
  const cells = [
    ["", "mean", "± 95 %", "min", "max"],
    ...shown.map(({ halfWidth, max, mean: average, metric, min }) => [
      metric.name,
      significant(average),
      halfWidth === undefined ? "" : significant(halfWidth),
      significant(min),
      significant(max)
    ])
  ]
  return figureTable(cells)
}
