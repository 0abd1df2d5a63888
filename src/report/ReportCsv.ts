/** The figures of a report as CSV: a line of their names and one of their values, so that those of many runs can be put under each other. */
import { reportMetrics } from "./Metric.ts"
import type { Report } from "./Report.ts"

/** Figures that the report does not have, as goodput without bounds, are empty: the columns are always the same. */
export const reportCsv = (report: Report): string => {
  const metrics = [...reportMetrics.values()]
  const names = metrics.map(({ name }) => name).join(",")
  const values = metrics.map(({ of }) => of(report) ?? "").join(",")
  return `${names}\n${values}\n`
}
