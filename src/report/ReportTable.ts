/**
 * What a run prints: the table in the style of AIPerf and the lines below it, byte for byte as the reference prints them,
 * plus lines of our own where there is something that must not go unnoticed.
 */
import { printable } from "./Printable.ts"
import type { PoolRole } from "./ReplayEvent.ts"
import type { PercentileMethod, Report } from "./Report.ts"
import { counted } from "../settings/Counted.ts"

const title = "NVIDIA AIPerf | LLM Metrics"
const header = ["Metric", "avg", "min", "max", "p99", "p90", "p75", "std"]

/** The whole output: table, lines below it, a newline at the end. Without `savedTo` the line that names the file is left out. */
export const reportTable = (report: Report, savedTo?: string): string => {
  const lines = [
    ...scalingLines(report),
    title,
    ...tableLines(rows(report)),
    `Wall Time (ms): ${twoDecimals(report.wall_time_ms)}`,
    `Prefix Cache Reused Ratio: ${twoDecimals(report.prefix_cache_reused_ratio)}`,
    `First Admission Prefix Cache Reused Ratio: ${twoDecimals(report.first_admission_prefix_cache_reused_ratio)}`,
    ...windowLines(report),
    ...profileLines(report),
    ...tierLines(report),
    ...conservationLines(report),
    ...approximationLines(report)
  ]
  if (savedTo !== undefined) lines.push(`Saved full report to: ${printable(savedTo)}`)
  const { scaling } = report.dynosim
  if (scaling?.autoscaler === "reference") lines.push(`Planner ticks: ${scaling.ticks}`)
  return `${lines.join("\n")}\n`
}

const rows = (of: Report): Array<ReadonlyArray<string>> => [
  statisticsRow("Time to First Token (ms)", [
    of.mean_ttft_ms,
    of.min_ttft_ms,
    of.max_ttft_ms,
    of.p99_ttft_ms,
    of.p90_ttft_ms,
    of.p75_ttft_ms,
    of.std_ttft_ms
  ]),
  statisticsRow("Time to Second Token (ms)", [
    of.mean_ttst_ms,
    of.min_ttst_ms,
    of.max_ttst_ms,
    of.p99_ttst_ms,
    of.p90_ttst_ms,
    of.p75_ttst_ms,
    of.std_ttst_ms
  ]),
  statisticsRow("Request Latency (ms)", [
    of.mean_e2e_latency_ms,
    of.min_e2e_latency_ms,
    of.max_e2e_latency_ms,
    of.p99_e2e_latency_ms,
    of.p90_e2e_latency_ms,
    of.p75_e2e_latency_ms,
    of.std_e2e_latency_ms
  ]),
  statisticsRow("Inter Token Latency (ms)", [
    of.mean_itl_ms,
    of.min_itl_ms,
    of.max_itl_ms,
    of.p99_itl_ms,
    of.p90_itl_ms,
    of.p75_itl_ms,
    of.std_itl_ms
  ]),
  statisticsRow("Output Token Throughput Per User (tokens/sec/user)", [
    of.mean_output_token_throughput_per_user,
    of.min_output_token_throughput_per_user,
    of.max_output_token_throughput_per_user,
    of.p99_output_token_throughput_per_user,
    of.p90_output_token_throughput_per_user,
    of.p75_output_token_throughput_per_user,
    of.std_output_token_throughput_per_user
  ]),
  singleValueRow("Output Token Throughput (tokens/sec)", of.output_throughput_tok_s),
  singleValueRow("Request Throughput (requests/sec)", of.request_throughput_rps),
  singleValueRow("Request Count (requests)", of.completed_requests)
]

const statisticsRow = (label: string, values: ReadonlyArray<number>): ReadonlyArray<string> => [
  label,
  ...values.map(twoDecimals)
]

const singleValueRow = (label: string, value: number): ReadonlyArray<string> => [
  label,
  twoDecimals(value),
  ...header.slice(2).map(() => "N/A")
]

const tableLines = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = header.map((text, column) => Math.max(text.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const rule = (left: string, joint: string, right: string): string =>
    left + widths.map((width) => "━".repeat(width + 2)).join(joint) + right
  const line = (cells: ReadonlyArray<string>): string => {
    const padded = cells.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
    )
    return `┃ ${padded.join(" ┃ ")} ┃`
  }
  return [rule("┏", "┳", "┓"), line(header), rule("┡", "╇", "┩"), ...rows.map(line), rule("└", "┴", "┘")]
}

/** What part of the run the figures are of, where it is not all of it. */
export const windowLines = ({ dynosim: { measured_window: window } }: Report): ReadonlyArray<string> => {
  if (window === undefined) return []
  const { drain_requests, from_ms, requests, until_ms, warm_up_requests } = window
  return [
    `Measured Window: ${twoDecimals(from_ms / 1000)} s to ${twoDecimals(until_ms / 1000)} s, ${counted(requests, "request")}; `
      + `left out: ${grouped(String(warm_up_requests))} before, ${grouped(String(drain_requests))} after`
  ]
}

/** Whose scheduling rules the engines followed, where they are not the reference's. */
const profileLines = ({ dynosim: { pools = [] } }: Report): ReadonlyArray<string> =>
  [...new Set(pools.map(({ engine_profile }) => engine_profile))].flatMap((profile) =>
    profile === undefined ? [] : [`Engine Profile: ${profile}`]
  )

/** What changed the pools, before everything else. */
const scalingLines = ({ dynosim: { scaling } }: Report): ReadonlyArray<string> => {
  if (scaling === undefined) return []
  const { scaling_events, worker_events = [] } = scaling
  return [
    ...(worker_events.length === 0 ? [] : ["", "Worker events:", ...worker_events.map(workerEventLine)]),
    ...(scaling_events.length === 0 ? [] : ["", "Scaling events:", ...scaling_events.map(scalingLine)])
  ]
}

type WorkerEvent = NonNullable<NonNullable<Report["dynosim"]["scaling"]>["worker_events"]>[number]

const workerEventLine = ({
  applied,
  event,
  failed_requests,
  pool,
  retried_requests,
  t_ms,
  worker
}: WorkerEvent): string => {
  const what = worker === null ? event : `${event} worker ${worker}`
  const lost = [
    ...(retried_requests === 0 ? [] : [`${counted(retried_requests, "request")} started again`]),
    ...(failed_requests === 0 ? [] : [`${counted(failed_requests, "request")} failed`])
  ]
  const cost = applied ? lost.join(", ") : "not there"
  return `  t=${oneDecimal(t_ms / 1000)}s [${poolName(pool)}]: ${what}${cost === "" ? "" : ` (${cost})`}`
}

const poolName = (pool: PoolRole): string => (pool === "aggregated" ? "agg" : pool)

type ScalingEvent = NonNullable<Report["dynosim"]["scaling"]>["scaling_events"][number]

/** A change of a pool's size as a line for a terminal. */
export const scalingLine = ({ from, pool, reason, t_ms, to }: ScalingEvent): string =>
  `  t=${oneDecimal(t_ms / 1000)}s [${poolName(pool)}]: ${from} -> ${to} workers (${printable(reason)})`

/** As Python's `format(value, ".1f")`: of two equally near results the even one. Only quarters lie exactly half-way. */
const oneDecimal = (value: number): string => {
  const fixed = value.toFixed(1)
  return (value * 4) % 4 === 1 ? `${fixed.slice(0, -1)}2` : fixed
}

/** What KV tiers did, where there were any. */
const tierLines = ({ dynosim: { kv_tiers: tiers } }: Report): ReadonlyArray<string> => {
  if (tiers === undefined) return []
  const { device, disk, host, object } = tiers.reused_tokens
  const count = (value: number): string => grouped(String(value))
  const links = (tiers.links ?? []).map(
    ({ blocks, busy_ratio, bytes, from, to }) =>
      `${from} to ${to} ${counted(blocks, "block")} (${twoDecimals(bytes / 1e9)} GB, busy ${twoDecimals(100 * busy_ratio)} %)`
  )
  const waits = ({ mean, p95 }: { readonly mean: number; readonly p95: number }): string =>
    `${twoDecimals(mean)} ms (p95 ${twoDecimals(p95)})`
  return [
    `KV Tiers, Reused Tokens: device ${count(device)}, host ${count(host)}, disk ${count(disk)}, object ${count(object)}`,
    ...(links.length === 0
      ? []
      : [`KV Tiers, Copied: ${links.join(", ")}; ${count(tiers.dropped_blocks ?? 0)} dropped`]),
    `KV Tiers, Mean Waits: for loads ${waits(tiers.onboard_wait_ms)}, for evictions ${waits(tiers.offload_wait_ms)}`
  ]
}

/** Where every request went, unless all of them completed. */
const conservationLines = ({ dynosim }: Report): ReadonlyArray<string> => {
  const { completed_requests, failed_requests, in_flight_requests, offered_requests, rejected_requests } = dynosim
  if (rejected_requests === 0 && failed_requests === 0 && in_flight_requests === 0) return []
  const failed = failed_requests === 0 ? "" : ` + ${grouped(String(failed_requests))} failed`
  return [
    `Requests: ${grouped(String(offered_requests))} offered = ${grouped(String(completed_requests))} completed`
      + ` + ${grouped(String(rejected_requests))} rejected${failed} + ${grouped(String(in_flight_requests))} in flight`
  ]
}

/** Which percentiles are not exact. */
const approximationLines = ({ dynosim: { percentiles } }: Report): ReadonlyArray<string> => [
  ...approximationLine("all per-request metrics", percentiles.requests),
  ...approximationLine("inter token latency, output token throughput per user", percentiles.token_gaps)
]

const approximationLine = (metrics: string, { method, relative_error }: PercentileMethod): ReadonlyArray<string> =>
  method === "exact"
    ? []
    : [`Approximate percentiles (${method}, within ${(relative_error * 100).toFixed(4)} %): ${metrics}`]

/**
 * Two decimals with thousands commas, as Python's `format(value, ",.2f")`: of two equally near results the even one, where
 * `toFixed` takes the larger. Only odd multiples of 1/8 lie exactly half-way; of those .125 and .625 round down.
 */
export const twoDecimals = (value: number): string => {
  if (Number.isNaN(value)) return "nan"
  const sign = value < 0 || Object.is(value, -0) ? "-" : ""
  const size = Math.abs(value)
  if (size === Number.POSITIVE_INFINITY) return `${sign}inf`
  if (size >= 1e21) return `${sign}${grouped(String(BigInt(size)))}.00`
  const fixed = size.toFixed(2)
  const rest = (size * 8) % 8
  const text = rest === 1 || rest === 5 ? `${fixed.slice(0, -1)}2` : fixed
  return `${sign}${grouped(text.slice(0, -3))}${text.slice(-3)}`
}

const grouped = (digits: string): string => digits.replace(/\B(?=(\d{3})+$)/g, ",")
