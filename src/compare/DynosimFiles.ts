/** Our own reports and per-request lines. */
import { counted } from "../settings/Counted.ts"
import { numberAt, textAt, valueAt } from "./Fields.ts"
import { type Measurement, measurementOf, type RequestSample } from "./Measurement.ts"
import type { MetricName, StatisticName, Statistics, TotalName } from "./Metric.ts"

export const isDynosimReport = (value: unknown): boolean =>
  valueAt(value, "num_requests") !== undefined && valueAt(value, "mean_ttft_ms") !== undefined

/** Of a token, and of the gap between two. */
const ofTokens: ReadonlyArray<MetricName> = ["ttft_ms", "e2e_latency_ms"]
const ofGaps: ReadonlyArray<MetricName> = ["ttst_ms", "tpot_ms", "itl_ms"]

const prefixes: ReadonlyArray<readonly [StatisticName, string]> = [
  ["mean", "mean"],
  ["std", "std"],
  ["min", "min"],
  ["p50", "median"],
  ["p75", "p75"],
  ["p90", "p90"],
  ["p95", "p95"],
  ["p99", "p99"],
  ["max", "max"]
]

const statistics = (report: unknown, metric: MetricName): Statistics =>
  Object.fromEntries(prefixes.map(([name, prefix]) => [name, numberAt(report, `${prefix}_${metric}`)]))

/** A run's report (the parsed JSON) as a measurement; statistics only, there are no samples in it. */
export const dynosimReport = (name: string, report: unknown): Measurement => {
  const requests = numberAt(report, "completed_requests")
  const outputTokens = numberAt(report, "total_output_tokens")
  // What no request tells is 0 in a report.
  const told = [...(requests === 0 ? [] : ofTokens), ...(outputTokens <= requests ? [] : ofGaps)]
  const totals: ReadonlyMap<TotalName, number> = new Map([
    ["requests", requests],
    ["duration_s", numberAt(report, "duration_ms") / 1000],
    ["request_throughput_rps", numberAt(report, "request_throughput_rps")],
    ["output_throughput_tok_s", numberAt(report, "output_throughput_tok_s")],
    ["total_throughput_tok_s", numberAt(report, "total_throughput_tok_s")]
  ])
  return measurementOf({
    name,
    source: "dynosim report",
    statistics: new Map([
      ...told.map((metric) => [metric, statistics(report, metric)] as const),
      ["input_tokens", { mean: numberAt(report, "total_input_tokens") / requests }],
      ["output_tokens", { mean: outputTokens / requests }]
    ]),
    totals,
    remarks: requests !== 0 ? [] : [`${name}: no request was completed, so there are no latencies`]
  })
}

export const isDynosimLine = (value: unknown): boolean =>
  valueAt(value, "arrival_time_ms") !== undefined && valueAt(value, "terminal_status") !== undefined

/** Rejected and failed requests have no times to compare. */
export const dynosimLines = (name: string, lines: ReadonlyArray<unknown>): Measurement => {
  const measured = lines.filter((line) => valueAt(line, "measured") !== false)
  const completed = measured.filter((line) => textAt(line, "terminal_status") === "completed")
  const others = measured.length - completed.length
  const outside = lines.length - measured.length
  return measurementOf({
    name,
    source: "dynosim per-request lines",
    requests: completed.map(dynosimRequest),
    remarks: [
      ...(others === 0 ? [] : [`${name}: left out: ${counted(others, "request")} that did not complete`]),
      ...(outside === 0 ? [] : [`${name}: left out: ${counted(outside, "request")} outside the measured window`])
    ]
  })
}

/** Lines of rows without an id are named by order of arrival, which says nothing that the order does not. */
const named = (uuid: string | undefined): string | undefined =>
  uuid === undefined || /^request-\d+$/.test(uuid) ? undefined : uuid

/** A request of ours, from its line. */
export const dynosimRequest = (line: unknown): RequestSample => {
  const session = textAt(line, "session_id")
  return {
    id: named(textAt(line, "uuid")),
    turn: session === undefined ? undefined : `${session} ${numberAt(line, "turn_index")}`,
    startMs: numberAt(line, "arrival_time_ms"),
    inputTokens: numberAt(line, "input_length"),
    outputTokens: numberAt(line, "output_length"),
    ttftMs: numberAt(line, "ttft_ms"),
    ttstMs: numberAt(line, "ttst_ms"),
    tpotMs: numberAt(line, "itl_ms"),
    e2eMs: numberAt(line, "e2e_latency_ms")
  }
}
