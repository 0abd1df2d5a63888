/**
 * The result of `vllm bench serve --save-result`; with `--save-detailed` it holds every request.
 *
 * Its ITL is the distribution over all gaps, as ours; its TPOT the mean gap of a request. Requests have no ids and stand in the order in
 * which they were sent.
 */
import { counted } from "../settings/Counted.ts"
import { listAt, numberAt, numbersAt, textAt, valueAt } from "./Fields.ts"
import { type Measurement, measurementOf, type RequestSample } from "./Measurement.ts"
import type { MetricName, Statistics, TotalName } from "./Metric.ts"

export const isVllmBench = (value: unknown): boolean =>
  valueAt(value, "num_prompts") !== undefined && valueAt(value, "request_throughput") !== undefined

const tags: ReadonlyArray<readonly [MetricName, string]> = [
  ["ttft_ms", "ttft_ms"],
  ["tpot_ms", "tpot_ms"],
  ["itl_ms", "itl_ms"],
  ["e2e_latency_ms", "e2el_ms"]
]

const told = (file: unknown, tag: string): Statistics => ({
  mean: numberAt(file, `mean_${tag}`),
  std: numberAt(file, `std_${tag}`),
  p50: numberAt(file, `median_${tag}`, `p50_${tag}`),
  p90: numberAt(file, `p90_${tag}`),
  p95: numberAt(file, `p95_${tag}`),
  p99: numberAt(file, `p99_${tag}`)
})

export const vllmBench = (name: string, file: unknown): Measurement => {
  const requests = requestsOf(file)
  const completed = requests.filter(({ ttftMs }) => ttftMs > 0)
  const failed = requests.length - completed.length
  const totals: ReadonlyMap<TotalName, number> = new Map([
    ["requests", numberAt(file, "completed")],
    ["duration_s", numberAt(file, "duration")],
    ["request_throughput_rps", numberAt(file, "request_throughput")],
    ["output_throughput_tok_s", numberAt(file, "output_throughput")],
    ["total_throughput_tok_s", numberAt(file, "total_token_throughput")]
  ])
  return measurementOf({
    name,
    source: "vllm bench serve",
    requests: completed,
    gapsMs: listAt(file, "itls").flatMap((gaps) => (Array.isArray(gaps) ? gaps.map((gap) => Number(gap) * 1000) : [])),
    statistics: new Map(tags.map(([metric, tag]) => [metric, told(file, tag)])),
    totals,
    remarks: failed === 0 ? [] : [`${name}: left out: ${counted(failed, "request")} that failed`]
  })
}

/** Times in the file are seconds; the end is the first token and all gaps after it. */
const requestsOf = (file: unknown): ReadonlyArray<RequestSample> => {
  const [inputs, outputs, ttfts, starts] = ["input_lens", "output_lens", "ttfts", "start_times"].map((key) =>
    numbersAt(file, key)
  )
  const gaps = listAt(file, "itls")
  return (ttfts ?? []).map((ttftS, index) => {
    const own = Array.isArray(gaps[index]) ? gaps[index].map(Number) : []
    const decodeS = own.reduce((sum, gap) => sum + gap, 0)
    const outputTokens = outputs?.[index] ?? Number.NaN
    return {
      id: textAt(file, `request_ids.${index}`),
      turn: undefined,
      startMs: (starts?.[index] ?? index / 1e6) * 1000,
      inputTokens: inputs?.[index] ?? Number.NaN,
      outputTokens,
      ttftMs: ttftS * 1000,
      ttstMs: own.length === 0 ? Number.NaN : (own[0] ?? Number.NaN) * 1000,
      tpotMs: outputTokens > 1 && own.length > 0 ? (decodeS / (outputTokens - 1)) * 1000 : Number.NaN,
      e2eMs: gaps.length === 0 ? Number.NaN : (ttftS + decodeS) * 1000
    }
  })
}
