/**
 * The figures of a report that can be compared with a number: every numeric key, under its own name, and the counts under `dynosim`
 * by their path, such as `dynosim.rejected_requests`. A metric knows its unit, by which conditions check the values they are given.
 */
import { Report, wallClockKeys } from "./Report.ts"

/** What the figure of a metric is measured in; `count`, `tokens` and `ratio` are plain numbers. */
export type MetricUnit =
  | "ms"
  | "s"
  | "h"
  | "requests/s"
  | "tokens/s"
  | "tokens"
  | "requests"
  | "gpus"
  | "ratio"
  | "count"

/** A figure of a `Subject`, which is a report where nothing else is said. */
export interface Metric<Subject = Report> {
  readonly name: string
  readonly unit: MetricUnit
  /** Depends on the real time the run took, so that equal runs differ in it. */
  readonly isWallClock: boolean
  /** The figure; `undefined` where there is none, as goodput without bounds that define it. */
  readonly of: (subject: Subject) => number | undefined
}

/** By name, in the order of the report. */
export type Metrics<Subject = Report> = ReadonlyMap<string, Metric<Subject>>

const unitsByEnding: ReadonlyArray<readonly [ending: RegExp, unit: MetricUnit]> = [
  [/_ms$/, "ms"],
  [/_worker_seconds$/, "s"],
  [/_hours$/, "h"],
  [/_rps$/, "requests/s"],
  [/_tok_s$|^processed_\w*tokens_per_s$|_throughput_per_user$/, "tokens/s"],
  [/_tokens$/, "tokens"],
  [/_requests$/, "requests"],
  [/_gpus_per_worker$/, "gpus"],
  [/(?:^|_)ratio$/, "ratio"]
]

/** By the ending of its name. */
export const unitOf = (name: string): MetricUnit => unitsByEnding.find(([ending]) => ending.test(name))?.[1] ?? "count"

const wallClock: ReadonlySet<string> = new Set(wallClockKeys)

const numberOrNone = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined)

const { dynosim: _, ...figures } = Report.fields

const isFigure = (name: string): name is keyof typeof figures => Object.hasOwn(figures, name)

const figure = (name: keyof typeof figures): Metric => ({
  name,
  unit: unitOf(name),
  isWallClock: wallClock.has(name),
  of: (report) => numberOrNone(report[name])
})

/** A latency of which no request tells: 0 in the report, and no proof of anything. */
export const isEmptyLatency = ({ name, unit }: Metric, { completed_requests }: Report): boolean =>
  unit === "ms" && name !== "duration_ms" && completed_requests === 0

const requestCounts = [
  "offered_requests",
  "completed_requests",
  "rejected_requests",
  "failed_requests",
  "in_flight_requests"
] as const

const countOfRun = (name: (typeof requestCounts)[number]): Metric => ({
  name: `dynosim.${name}`,
  unit: "requests",
  isWallClock: false,
  of: ({ dynosim }) => dynosim[name]
})

/** Every metric of a report. */
export const reportMetrics: Metrics = new Map(
  [...Object.keys(figures).filter(isFigure).map(figure), ...requestCounts.map(countOfRun)].map((metric) => [
    metric.name,
    metric
  ])
)
