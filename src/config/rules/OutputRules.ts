/** What a run writes beside its report. */
import type { Outputs, SeriesOutput, TimelineOutput } from "../../run/ReplayOptions.ts"
import { usageError } from "../../settings/SettingsError.ts"
import type { GivenOptions } from "../GivenOptions.ts"
import type { Problem } from "./Rule.ts"

export const outputProblem = ({
  json,
  reportJson,
  series,
  timeline,
  timelineFromSeconds,
  timelineUntilSeconds
}: GivenOptions): Problem => {
  if (json !== undefined && reportJson !== undefined) {
    return usageError("--json", "says where the report goes, and so does --report-json", "leave one of them out")
  }
  if (series !== undefined && !/\.(csv|jsonl|ndjson|parquet)$/i.test(series)) {
    return usageError(
      "--series",
      `${series} does not say in which form`,
      "let its name end in .csv, .jsonl or .parquet"
    )
  }
  if (timeline !== undefined && !/\.json(\.gz)?$/i.test(timeline)) {
    return usageError("--timeline", `${timeline} does not say in which form`, "let its name end in .json or .json.gz")
  }
  if (timelineUntilSeconds !== undefined && timelineUntilSeconds <= (timelineFromSeconds ?? 0)) {
    return usageError("--timeline-until-seconds", "must be after --timeline-from-seconds")
  }
  return undefined
}

const seriesOf = ({ series, seriesIntervalSeconds }: GivenOptions): SeriesOutput | undefined =>
  series === undefined ? undefined : { path: series, intervalMs: (seriesIntervalSeconds ?? 1) * 1000 }

const timelineOf = (given: GivenOptions): TimelineOutput | undefined => {
  const { timeline, timelineEvery, timelineFromSeconds, timelineMaxMb, timelineUntilSeconds } = given
  if (timeline === undefined) return undefined
  return {
    path: timeline,
    fromMs: (timelineFromSeconds ?? 0) * 1000,
    untilMs: timelineUntilSeconds === undefined ? Number.POSITIVE_INFINITY : timelineUntilSeconds * 1000,
    everyRequests: timelineEvery ?? 1,
    maxBytes: (timelineMaxMb ?? 50) * 1e6
  }
}

export const outputsOf = (given: GivenOptions): Outputs => ({
  reportJson: given.reportJson ?? given.json,
  csv: given.csv,
  reportJsonl: given.reportJsonl,
  series: seriesOf(given),
  timeline: timelineOf(given),
  html: given.html,
  summary: given.summary ?? false,
  table: given.table,
  failIf: given.failIf ?? []
})
