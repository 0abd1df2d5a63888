/** Options that say what a run writes and how it is judged; none of them changes what is simulated. */
import { tableStyles } from "../run/ReplayOptions.ts"
import { anyCount, boolean, duration, integer, oneOf, path, positive, texts } from "../settings/Kind.ts"
import type { FlagTable } from "./FlagSpec.ts"

/** Simulated seconds of a row; below a millisecond there is nothing to see. */
const interval = positive(1e-3, 1e9)
/** Megabytes of text. */
const megabytes = positive(1e-3, 1e6)

export const outputFlags = {
  "report-json": {
    kind: path,
    default: "./dynamo_replay_report_<YYYYMMDD_HHMMSS>.json",
    description: "Where the report goes; an existing directory gets a file of the default name, - is standard output"
  },
  json: {
    own: true,
    kind: path,
    description: "A shorter name of --report-json"
  },
  csv: {
    own: true,
    kind: path,
    description:
      "Also write the figures of the report as CSV, a line of their names and one of their values; - is standard output"
  },
  "report-jsonl": {
    kind: path,
    description:
      "Also write the requests to this file: as CSV or Parquet where its name ends in .csv or .parquet, else one JSON object per line; - is standard output"
  },
  series: {
    own: true,
    kind: path,
    description: "Also write a time series of the run, its pools and workers: a .csv, .jsonl or .parquet file"
  },
  "series-interval-seconds": {
    own: true,
    kind: interval,
    default: "1",
    description: "Simulated seconds of a row of --series"
  },
  html: {
    own: true,
    kind: path,
    description: "Also write the run as a page to look at: one HTML file, charts and all"
  },
  timeline: {
    own: true,
    kind: path,
    description:
      "Also write what every worker and request did when, for ui.perfetto.dev: a .json or .json.gz file of Chrome trace events"
  },
  "timeline-from-seconds": {
    own: true,
    kind: duration,
    default: "0",
    description: "Start of --timeline, simulated seconds"
  },
  "timeline-until-seconds": {
    own: true,
    kind: duration,
    default: "the end of the run",
    description: "End of --timeline, simulated seconds"
  },
  "timeline-every": {
    own: true,
    kind: integer(1, anyCount),
    default: "1",
    description: "Only every so many-th request in --timeline"
  },
  "timeline-max-mb": {
    own: true,
    kind: megabytes,
    default: "50",
    description:
      "Size of --timeline before compression, about, in MB; what would be more is sampled evenly by request, and passes are joined"
  },
  summary: {
    own: true,
    kind: boolean,
    description: "Print what was simulated and what came of it around the table, as on a terminal"
  },
  table: {
    own: true,
    kind: oneOf(tableStyles),
    default: "aiperf; compact where the terminal is narrower than that",
    description: "Layout of the printed table: the reference's, one within 100 columns with p50 and p95, or none"
  },
  "fail-if": {
    own: true,
    kind: texts,
    description:
      "End with status 3 when this holds of the report, such as 'p99_ttft_ms > 500 ms'; may be given several times"
  }
} as const satisfies FlagTable
