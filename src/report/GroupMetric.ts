/**
 * Figures of classes, of sessions and of fairness by their path in a report, so that conditions may speak of them:
 *
 *     dynosim.classes.chat.ttft_ms.p99     dynosim.classes.chat.goodput.ratio     dynosim.sessions.warm_ttft_ms.median
 *
 * Which classes there are is known from the report alone, so a metric is made for whatever class is named.
 */
import { type Metric, unitOf } from "./Metric.ts"
import { ClassFigures, Fairness, type Report, SessionsReport, Statistics } from "./Report.ts"

type Fields = Readonly<Record<string, unknown>>

/** What the parts of a path may be below a figure that has parts. */
const statistics: ReadonlySet<string> = new Set(Object.keys(Statistics.fields))
const goodputFigures: ReadonlySet<string> = new Set([
  "completed_requests",
  "ratio",
  "request_throughput_rps",
  "output_throughput_tok_s"
])

const isStatistics = (key: string): boolean => key.endsWith("_ms")

/** Whether a path leads to a number. */
const leadsToFigure = (fields: Fields, [key, part, ...rest]: ReadonlyArray<string>): boolean => {
  if (key === undefined || !Object.hasOwn(fields, key) || key === "index") return false
  if (key === "sessions") return part !== undefined && leadsToFigure(SessionsReport.fields, [part, ...rest])
  if (rest.length > 0) return false
  if (key === "goodput") return part !== undefined && goodputFigures.has(part)
  return isStatistics(key) ? part !== undefined && statistics.has(part) : part === undefined
}

/** How many values the statistics under a key are of, by another key beside it. */
const countKeys: Readonly<Record<string, string>> = {
  duration_ms: "ended_sessions",
  cold_ttft_ms: "first_turns",
  warm_ttft_ms: "later_turns",
  ttft_ms: "completed_requests",
  tpot_ms: "completed_requests",
  itl_ms: "completed_requests",
  e2e_latency_ms: "completed_requests"
}

const partOf = (whole: unknown, key: string | undefined): unknown =>
  typeof whole === "object" && whole !== null && key !== undefined ? Reflect.get(whole, key) : undefined

/** Statistics of nothing are 0 in a report, and no proof of anything. */
const figureAt = (report: Report, path: ReadonlyArray<string>): number | undefined => {
  let found: unknown = report
  for (const key of path) {
    if (partOf(found, countKeys[key]) === 0) return undefined
    found = partOf(found, key)
  }
  return typeof found === "number" ? found : undefined
}

/** Keys in the path whose ending tells the unit, the innermost first. */
const unitIn = (path: ReadonlyArray<string>): Metric["unit"] =>
  path
    .toReversed()
    .map(unitOf)
    .find((unit) => unit !== "count") ?? "count"

/** The metric of a path; `undefined` for what leads to no figure. Where a report has no such class, it has no such figure. */
export const groupMetric = (name: string): Metric | undefined => {
  const path = name.split(".")
  const [root, group, ...below] = path
  const figure = group === "classes" ? below.slice(1) : below
  const fields = { classes: ClassFigures.fields, sessions: SessionsReport.fields, fairness: Fairness.fields }
  if (root !== "dynosim" || (group !== "classes" && group !== "sessions" && group !== "fairness")) return undefined
  if (!leadsToFigure(fields[group], figure)) return undefined
  return { name, unit: unitIn(figure), isWallClock: false, of: (report) => figureAt(report, path) }
}
