/**
 * AIPerf: `profile_export_aiperf.json`, and per request `profile_export.jsonl`.
 *
 * Its `inter_token_latency` is `(request latency - TTFT) / (output tokens - 1)` of each request, which is our `tpot_ms`; its
 * `inter_chunk_latency` lists the gaps themselves, which is our `itl_ms` as far as a chunk is a token.
 */
import { counted } from "../settings/Counted.ts"
import { numberAt, numbersAt, textAt, valueAt } from "./Fields.ts"
import { type Measurement, measurementOf, type RequestSample } from "./Measurement.ts"
import { type MetricName, type Statistics, statisticNames, type TotalName } from "./Metric.ts"

const tags: ReadonlyArray<readonly [MetricName, string]> = [
  ["ttft_ms", "time_to_first_token"],
  ["ttst_ms", "time_to_second_token"],
  ["tpot_ms", "inter_token_latency"],
  ["e2e_latency_ms", "request_latency"],
  ["input_tokens", "input_sequence_length"],
  ["output_tokens", "output_sequence_length"]
]

const calls: ReadonlyMap<MetricName, string> = new Map([
  ["tpot_ms", "AIPerf's inter_token_latency"],
  ["itl_ms", "AIPerf's inter_chunk_latency"]
])

const millisecondsPer: ReadonlyMap<string, number> = new Map([
  ["ns", 1e-6],
  ["us", 1e-3],
  ["ms", 1],
  ["s", 1000],
  ["sec", 1000],
  ["seconds", 1000]
])

/** Factor from the unit of a metric to ours: ms for times, 1 for everything else. */
const scaleOf = (metric: unknown): number => millisecondsPer.get(textAt(metric, "unit") ?? "") ?? 1

export const isAiperfExport = (value: unknown): boolean =>
  valueAt(value, "request_latency.avg") !== undefined || valueAt(value, "records.request_latency.avg") !== undefined

const statisticsAt = (record: unknown): Statistics => {
  const scale = scaleOf(record)
  return Object.fromEntries(
    statisticNames.map((name) => [name, numberAt(record, name === "mean" ? "avg" : name) * scale] as const)
  )
}

export const aiperfExport = (name: string, exported: unknown): Measurement => {
  const records = valueAt(exported, "records") ?? exported
  const durations = valueAt(records, "benchmark_duration")
  const totals: ReadonlyMap<TotalName, number> = new Map([
    ["requests", numberAt(records, "request_count.avg")],
    ["duration_s", (numberAt(durations, "avg") * scaleOf(durations)) / 1000],
    ["request_throughput_rps", numberAt(records, "request_throughput.avg")],
    ["output_throughput_tok_s", numberAt(records, "output_token_throughput.avg")],
    ["total_throughput_tok_s", numberAt(records, "total_token_throughput.avg")]
  ])
  return measurementOf({
    name,
    source: "AIPerf export",
    statistics: new Map(tags.map(([metric, tag]) => [metric, statisticsAt(valueAt(records, tag))])),
    totals,
    calls
  })
}

export const isAiperfLine = (value: unknown): boolean =>
  valueAt(value, "metadata") !== undefined && valueAt(value, "metrics", "error") !== undefined

const isWarmUp = (line: unknown): boolean => textAt(line, "metadata.benchmark_phase") === "warmup"

const succeeded = (line: unknown): boolean =>
  valueAt(line, "error") === undefined && valueAt(line, "metadata.was_cancelled") !== true

export const aiperfLines = (name: string, all: ReadonlyArray<unknown>): Measurement => {
  const profiled = all.filter((line) => !isWarmUp(line))
  const lines = profiled.filter(succeeded)
  const failed = profiled.length - lines.length
  return measurementOf({
    name,
    source: "AIPerf per-request lines",
    requests: lines.map(requestOf),
    gapsMs: lines.flatMap(chunkGaps),
    calls,
    remarks: failed === 0 ? [] : [`${name}: left out: ${counted(failed, "request")} that failed or had been cancelled`]
  })
}

const chunkGaps = (line: unknown): ReadonlyArray<number> => {
  const metric = valueAt(line, "metrics.inter_chunk_latency")
  const scale = scaleOf(metric)
  return numbersAt(metric, "value").map((gap) => gap * scale)
}

const metricAt = (line: unknown, tag: string): number => {
  const metric = valueAt(line, `metrics.${tag}`)
  return numberAt(metric, "value") * scaleOf(metric)
}

const requestOf = (line: unknown): RequestSample => {
  const conversation = textAt(line, "metadata.conversation_id")
  return {
    id: textAt(line, "metadata.x_request_id"),
    turn: conversation === undefined ? undefined : `${conversation} ${numberAt(line, "metadata.turn_index")}`,
    startMs: numberAt(line, "metadata.request_start_ns") / 1e6,
    inputTokens: metricAt(line, "input_sequence_length"),
    outputTokens: metricAt(line, "output_sequence_length"),
    ttftMs: metricAt(line, "time_to_first_token"),
    ttstMs: metricAt(line, "time_to_second_token"),
    tpotMs: metricAt(line, "inter_token_latency"),
    e2eMs: metricAt(line, "request_latency")
  }
}
