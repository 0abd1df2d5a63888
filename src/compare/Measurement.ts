/** One side of a comparison: what a run measured, whoever measured it. */
import { ascending, statisticsOf } from "./Distribution.ts"
import { type MetricName, type Statistics, statisticNames, type TotalName } from "./Metric.ts"

/** A request that completed. Times in ms; `NaN` for what the source does not tell, or the request does not have. */
export interface RequestSample {
  /** As the trace or the client names it; `undefined` where nobody did. */
  readonly id: string | undefined
  /** Session and turn. */
  readonly turn: string | undefined
  /** Arrival, or when the client sent it, from any origin. */
  readonly startMs: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly ttftMs: number
  readonly ttstMs: number
  readonly tpotMs: number
  readonly e2eMs: number
}

/** What is known of a run, measured or simulated: times in ms, lengths in tokens, rates per second. */
export interface Measurement {
  /** Name of the file or folder. */
  readonly name: string
  /** Who wrote it, such as `dynosim report`. */
  readonly source: string
  /** Statistics per metric: of the samples where there are any, else as the source tells them. */
  readonly statistics: ReadonlyMap<MetricName, Statistics>
  /** Ascending. */
  readonly samples: ReadonlyMap<MetricName, Float64Array>
  /** In the order of their start. */
  readonly requests: ReadonlyArray<RequestSample>
  readonly totals: ReadonlyMap<TotalName, number>
  /** What the source calls a metric, where by another name than ours or with a meaning worth a word. */
  readonly calls: ReadonlyMap<MetricName, string>
  readonly remarks: ReadonlyArray<string>
}

/** What a source tells. */
export interface Told {
  readonly name: string
  readonly source: string
  readonly requests?: ReadonlyArray<RequestSample>
  /** Gaps between tokens of all requests, ms. */
  readonly gapsMs?: ReadonlyArray<number>
  readonly statistics?: ReadonlyMap<MetricName, Statistics>
  readonly totals?: ReadonlyMap<TotalName, number>
  readonly calls?: ReadonlyMap<MetricName, string>
  readonly remarks?: ReadonlyArray<string>
}

const perRequest: ReadonlyArray<readonly [MetricName, (request: RequestSample) => number]> = [
  ["ttft_ms", ({ ttftMs }) => ttftMs],
  ["ttst_ms", ({ ttstMs }) => ttstMs],
  ["tpot_ms", ({ tpotMs }) => tpotMs],
  ["e2e_latency_ms", ({ e2eMs }) => e2eMs],
  ["input_tokens", ({ inputTokens }) => inputTokens],
  ["output_tokens", ({ outputTokens }) => outputTokens]
]

/** The value of a request, where the metric has one per request. */
export const requestMetrics: ReadonlyMap<MetricName, (request: RequestSample) => number> = new Map(perRequest)

/** A measurement from what a source tells; statistics of requests and gaps are computed, where there are any. */
export const measurementOf = ({
  calls,
  gapsMs = [],
  name,
  remarks = [],
  requests = [],
  source,
  ...told
}: Told): Measurement => {
  const ordered = requests.toSorted((a, b) => a.startMs - b.startMs || 0)
  const samples = new Map<MetricName, Float64Array>()
  const add = (metric: MetricName, values: Iterable<number>): void => {
    const sorted = ascending(values)
    if (sorted.length > 0) samples.set(metric, sorted)
  }
  for (const [metric, value] of perRequest) add(metric, ordered.map(value))
  add("itl_ms", gapsMs)
  const statistics = new Map(told.statistics)
  for (const [metric, sorted] of samples) statistics.set(metric, statisticsOf(sorted))
  return {
    name,
    source,
    statistics: finite(statistics),
    samples,
    requests: ordered,
    totals: new Map([...totalsOf(ordered), ...(told.totals ?? [])].filter(([, value]) => Number.isFinite(value))),
    calls: calls ?? new Map(),
    remarks
  }
}

/** Statistics that a source left out, or wrote as NaN, are not there. */
const finite = (statistics: ReadonlyMap<MetricName, Statistics>): ReadonlyMap<MetricName, Statistics> =>
  new Map(
    [...statistics].flatMap(([metric, of]) => {
      const known = statisticNames.flatMap((name) => {
        const value = of[name]
        return value !== undefined && Number.isFinite(value) ? [[name, value] as const] : []
      })
      return known.length === 0 ? [] : [[metric, Object.fromEntries(known)] as const]
    })
  )

/** Rates over the time from the first start to the last token. */
const totalsOf = (requests: ReadonlyArray<RequestSample>): ReadonlyArray<readonly [TotalName, number]> => {
  if (requests.length === 0) return []
  let [first, last, input, output] = [Infinity, -Infinity, 0, 0]
  for (const { e2eMs, inputTokens, outputTokens, startMs } of requests) {
    first = Math.min(first, startMs)
    last = Math.max(last, startMs + e2eMs)
    input += inputTokens
    output += outputTokens
  }
  const durationS = (last - first) / 1000
  const rates: ReadonlyArray<readonly [TotalName, number]> = [
    ["duration_s", durationS],
    ["request_throughput_rps", requests.length / durationS],
    ["output_throughput_tok_s", output / durationS],
    ["total_throughput_tok_s", (input + output) / durationS]
  ]
  return [["requests", requests.length], ...(durationS > 0 ? rates : [])]
}

/** Two files of one run: the requests of one, and whatever the other tells beside. */
export const joined = (
  name: string,
  [first, ...others]: readonly [Measurement, ...ReadonlyArray<Measurement>]
): Measurement =>
  others.reduce(
    (whole, next) => ({
      name,
      source: `${whole.source} and ${next.source}`,
      statistics: new Map([...whole.statistics, ...next.statistics, ...sampled(whole), ...sampled(next)]),
      samples: new Map([...whole.samples, ...next.samples]),
      requests: whole.requests.length === 0 ? next.requests : whole.requests,
      // A summary knows the run's own duration, lines only what they show of it.
      totals:
        whole.requests.length === 0
          ? new Map([...next.totals, ...whole.totals])
          : new Map([...whole.totals, ...next.totals]),
      calls: new Map([...whole.calls, ...next.calls]),
      remarks: [...new Set([...whole.remarks, ...next.remarks])]
    }),
    { ...first, name }
  )

/** Statistics made from samples win over those that were only told. */
const sampled = ({ samples, statistics }: Measurement): ReadonlyArray<readonly [MetricName, Statistics]> =>
  [...statistics].filter(([metric]) => samples.has(metric))
