/**
 * GuideLLM's JSON: `benchmarks`, each with `metrics` and `requests`.
 *
 * Its `inter_token_latency_ms` is `(last token - first token) / (tokens - 1)` of each request, our `tpot_ms`; its
 * `time_per_output_token_ms` also holds the time to the first token and has no counterpart here.
 */
import { listAt, numberAt, textAt, valueAt } from "./Fields.ts"
import { type Measurement, measurementOf, type RequestSample } from "./Measurement.ts"
import type { MetricName, StatisticName, Statistics, TotalName } from "./Metric.ts"

export const isGuidellm = (value: unknown): boolean => valueAt(value, "benchmarks.0.metrics") !== undefined

/** Tag and factor to our unit. */
const tags: ReadonlyArray<readonly [MetricName, string, number]> = [
  ["ttft_ms", "time_to_first_token_ms", 1],
  ["tpot_ms", "inter_token_latency_ms", 1],
  ["e2e_latency_ms", "request_latency", 1000],
  ["input_tokens", "prompt_token_count", 1],
  ["output_tokens", "output_token_count", 1]
]

const paths: ReadonlyArray<readonly [StatisticName, string]> = [
  ["mean", "mean"],
  ["std", "std_dev"],
  ["min", "min"],
  ["p1", "percentiles.p01"],
  ["p5", "percentiles.p05"],
  ["p10", "percentiles.p10"],
  ["p25", "percentiles.p25"],
  ["p50", "percentiles.p50"],
  ["p75", "percentiles.p75"],
  ["p90", "percentiles.p90"],
  ["p95", "percentiles.p95"],
  ["p99", "percentiles.p99"],
  ["max", "max"]
]

const statisticsAt = (metric: unknown, scale: number): Statistics =>
  Object.fromEntries(paths.map(([name, path]) => [name, numberAt(metric, path) * scale]))

/** A measurement per benchmark; those of a sweep are told apart by number. */
export const guidellmBenchmarks = (name: string, file: unknown): ReadonlyArray<Measurement> => {
  const benchmarks = listAt(file, "benchmarks")
  return benchmarks.map((benchmark, index) =>
    measurementOf({
      name: benchmarks.length === 1 ? name : `${name}#${index + 1}`,
      source: "GuideLLM",
      requests: listAt(benchmark, "requests.successful").map(requestOf),
      statistics: new Map(
        tags.map(([metric, tag, scale]) => [
          metric,
          statisticsAt(valueAt(benchmark, `metrics.${tag}.successful`), scale)
        ])
      ),
      totals: totalsOf(benchmark),
      calls: new Map([["tpot_ms", "GuideLLM's inter_token_latency_ms"]])
    })
  )
}

const totalsOf = (benchmark: unknown): ReadonlyMap<TotalName, number> =>
  new Map([
    ["requests", numberAt(benchmark, "metrics.request_latency.successful.count")],
    ["duration_s", numberAt(benchmark, "duration", "run_stats.duration")],
    ["request_throughput_rps", numberAt(benchmark, "metrics.requests_per_second.successful.mean")],
    ["output_throughput_tok_s", numberAt(benchmark, "metrics.output_tokens_per_second.successful.mean")],
    ["total_throughput_tok_s", numberAt(benchmark, "metrics.tokens_per_second.successful.mean")]
  ])

const requestOf = (request: unknown): RequestSample => ({
  id: textAt(request, "request_id"),
  turn: undefined,
  startMs: numberAt(request, "request_start_time", "start_time", "info.timings.request_start") * 1000,
  inputTokens: numberAt(request, "prompt_tokens", "input_metrics.text_tokens"),
  outputTokens: numberAt(request, "output_tokens", "output_metrics.text_tokens"),
  ttftMs: numberAt(request, "time_to_first_token_ms"),
  ttstMs: Number.NaN,
  tpotMs: numberAt(request, "inter_token_latency_ms"),
  e2eMs: numberAt(request, "request_latency") * 1000
})
