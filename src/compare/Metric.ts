/**
 * What can be compared, each with the one definition that both sides have to keep. Names are those of the report, but for two kinds of
 * gap that tools call by one name: `tpot_ms` is a mean per request, `itl_ms` the distribution over all gaps.
 */
export const metrics = {
  ttft_ms: "first token - start, one per request",
  ttst_ms: "second token - first token, one per request",
  tpot_ms: "mean gap between tokens, one per request: (last token - first token) / (tokens - 1)",
  itl_ms: "gaps between consecutive tokens, those of all requests together",
  e2e_latency_ms: "last token - start, one per request",
  input_tokens: "prompt tokens, one per request",
  output_tokens: "generated tokens, one per request"
} as const

/** Something that every request has, or every gap between tokens: a latency in ms or a length in tokens. */
export type MetricName = keyof typeof metrics

/** In the order in which they are shown. */
export const metricNames: ReadonlyArray<MetricName> = [
  "ttft_ms",
  "ttst_ms",
  "tpot_ms",
  "itl_ms",
  "e2e_latency_ms",
  "input_tokens",
  "output_tokens"
]

/** Figures of a whole run. */
export const totalNames = [
  "requests",
  "duration_s",
  "request_throughput_rps",
  "output_throughput_tok_s",
  "total_throughput_tok_s"
] as const
/** Something that a whole run has one of. */
export type TotalName = (typeof totalNames)[number]

export const statisticNames = [
  "mean",
  "std",
  "min",
  "p1",
  "p5",
  "p10",
  "p25",
  "p50",
  "p75",
  "p90",
  "p95",
  "p99",
  "max"
] as const
/** What is told of the distribution of a metric. */
export type StatisticName = (typeof statisticNames)[number]

/** Statistics of one metric; what a source does not tell is not there. */
export type Statistics = Readonly<Partial<Record<StatisticName, number>>>

export const percentileOf: ReadonlyMap<StatisticName, number> = new Map([
  ["p1", 1],
  ["p5", 5],
  ["p10", 10],
  ["p25", 25],
  ["p50", 50],
  ["p75", 75],
  ["p90", 90],
  ["p95", 95],
  ["p99", 99]
])
