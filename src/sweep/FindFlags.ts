/** Options of `dynosim find`: those of a replay, and what is looked for. */
import type { FlagTable } from "../config/FlagSpec.ts"
import { replayFlags } from "../config/ReplayFlags.ts"
import { integer, path, texts } from "../settings/Kind.ts"

const {
  "report-json": _report,
  json: _json,
  csv: _csv,
  "report-jsonl": _jsonl,
  "series-interval-seconds": _interval,
  "timeline-from-seconds": _from,
  "timeline-until-seconds": _until,
  "timeline-every": _every,
  "timeline-max-mb": _mb,
  "fail-if": _failIf,
  "replay-mode": _mode,
  series: _series,
  timeline: _timeline,
  summary: _summary,
  table: _table,
  html: _html,
  seeds: _seeds,
  ...loadFlags
} = replayFlags
const {
  "num-workers": _workers,
  "num-prefill-workers": _prefillWorkers,
  "num-decode-workers": _decodeWorkers,
  "prefill-engine-args": _prefill,
  "decode-engine-args": _decode,
  autoscale: _autoscale,
  "autoscale-config": _autoscaleConfig,
  "autoscale-schedule": _schedule,
  "planner-config": _planner,
  ...withoutWorkers
} = loadFlags
const { "arrival-speedup-ratio": _speedup, "replay-concurrency": _concurrency, ...withoutLoad } = loadFlags

/** What is looked for, and where the answer goes. */
export const searchFlags = {
  where: {
    kind: texts,
    description: "Condition to meet, such as 'p99_ttft_ms < 2 s'; several are joined by and, or given one by one"
  },
  results: {
    kind: path,
    default: "none",
    description: "Folder that keeps the report of every run, so that none is made twice"
  },
  threads: { kind: integer(1, 1024), default: "2", description: "Threads that carry out runs" },
  json: {
    kind: path,
    description: "Also write the answer, and every run behind it, to this JSON file; - is standard output"
  },
  "best-config": { kind: path, description: "Write the options of the answer as a file for dynosim replay --config" }
} as const satisfies FlagTable

export const fewestWorkersFlags = {
  ...searchFlags,
  "max-workers": { kind: integer(1, 4096), default: "64", description: "More workers than these are not tried" },
  ...withoutWorkers
} as const satisfies FlagTable

export const highestLoadFlags = { ...searchFlags, ...withoutLoad } as const satisfies FlagTable
