/** What a run writes beside its report. */
import type { Outputs, SeriesOutput, TimelineOutput } from "../../run/ReplayOptions.ts"
import { usageError } from "../../settings/SettingsError.ts"
import type { GivenOptions } from "../GivenOptions.ts"
import type { Problem } from "./Rule.ts"

/** Outputs of one run alone. */
const ofOneRun = ["reportJsonl", "series", "timeline", "html", "summary"] as const

const seedsProblem = (given: GivenOptions): Problem => {
  if (given.seeds === undefined) return undefined
  if (given.replayMode === "online") {
    return usageError("--seeds", "online runs take real time and are never the same", "leave --replay-mode online out")
  }
  const shown = ofOneRun.find((name) => given[name] !== undefined && given[name] !== false)
  if (shown === undefined) return undefined
  const flag = `--${shown.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  return usageError(flag, `is about one run, and --seeds makes ${given.seeds}`, "leave one of them out")
}

export const outputProblem = (given: GivenOptions): Problem => formProblem(given) ?? seedsProblem(given)

const formProblem = ({
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
  for (const [flag, path] of [
    ["--series", series],
    ["--timeline", timeline]
  ] as const) {
    if (path === "") return usageError(flag, "needs the name of a file")
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
  failIf: given.failIf ?? [],
  seeds: given.seeds
})
