/**
 * Turns the figures of a run into the keys of its report, each formula in the reference's order of operations.
 */
import type { RunSummary } from "./ReplayEvent.ts"
import type { RequestTotals } from "./RequestTotals.ts"
import type { SampleStatistics } from "./SampleStatistics.ts"
import type { GapStatistics } from "./SortedGaps.ts"

/** Durations below this many seconds count as this, so that rates stay finite. */
const minDurationS = 1e-9

/** What the keys of the load are made of. */
export interface LoadFigures {
  /** Over the requests that count. */
  readonly totals: RequestTotals
  /** Over all requests of the run; the same where all of them count. */
  readonly whole: RequestTotals
  readonly offeredRequests: number
  readonly durationMs: number
  readonly summary: RunSummary
  /** Adds the three goodput keys. */
  readonly withGoodput: boolean
}

/** Counts, times, rates and ratios. */
export const loadKeys = ({ durationMs, offeredRequests, summary, totals, whole, withGoodput }: LoadFigures) => {
  const durationS = Math.max(durationMs / 1000, minDurationS)
  const { inputTokens, outputTokens, requests } = totals
  return {
    num_requests: offeredRequests,
    completed_requests: requests,
    total_input_tokens: inputTokens,
    total_output_tokens: outputTokens,
    duration_ms: durationMs,
    wall_time_ms: summary.wallMs,
    request_throughput_rps: requests / durationS,
    input_throughput_tok_s: inputTokens / durationS,
    output_throughput_tok_s: outputTokens / durationS,
    total_throughput_tok_s: (inputTokens + outputTokens) / durationS,
    ...workerKeys(summary, durationS),
    ...(withGoodput ? goodputKeys(totals, durationS) : {}),
    processed_tokens: whole.inputTokens + whole.outputTokens,
    processed_tokens_per_s: perWallSecond(whole.inputTokens + whole.outputTokens, summary.wallMs),
    processed_output_tokens_per_s: perWallSecond(whole.outputTokens, summary.wallMs),
    prefix_cache_reused_ratio: ratio(totals.reusedTokens, inputTokens),
    first_admission_prefix_cache_reused_ratio: ratio(totals.firstAdmissionReusedTokens, inputTokens),
    shared_prefix_reused_ratio: ratio(totals.sharedReusedTokens, inputTokens)
  }
}

const workerKeys = ({ gpusPerWorker, workerSeconds }: RunSummary, durationS: number) => {
  const { decode, prefill } = workerSeconds ?? { prefill: 0, decode: durationS }
  return {
    prefill_worker_seconds: prefill,
    decode_worker_seconds: decode,
    prefill_gpus_per_worker: gpusPerWorker.prefill,
    decode_gpus_per_worker: gpusPerWorker.decode,
    gpu_hours: (prefill * gpusPerWorker.prefill + decode * gpusPerWorker.decode) / 3600
  }
}

const goodputKeys = (totals: RequestTotals, durationS: number) => ({
  goodput_completed_requests: totals.goodRequests,
  goodput_request_throughput_rps: totals.goodRequests / durationS,
  goodput_output_throughput_tok_s: totals.goodOutputTokens / durationS
})

const perWallSecond = (tokens: number, wallMs: number): number => (wallMs > 0 ? (tokens / wallMs) * 1000 : 0)

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)

export interface MetricStatistics extends GapStatistics {
  readonly ttftMs: SampleStatistics
  readonly ttstMs: SampleStatistics
  readonly tpotMs: SampleStatistics
  readonly e2eMs: SampleStatistics
}

/** The nine statistics of each of the six metrics. */
export const metricKeys = (of: MetricStatistics) => ({
  ...ttftKeys(of.ttftMs),
  ...ttstKeys(of.ttstMs),
  ...tpotKeys(of.tpotMs),
  ...itlKeys(of.gapsMs),
  ...e2eKeys(of.e2eMs),
  ...rateKeys(of.tokensPerSecond)
})

const ttftKeys = (of: SampleStatistics) => ({
  mean_ttft_ms: of.mean,
  min_ttft_ms: of.min,
  max_ttft_ms: of.max,
  median_ttft_ms: of.median,
  p75_ttft_ms: of.p75,
  p90_ttft_ms: of.p90,
  p95_ttft_ms: of.p95,
  p99_ttft_ms: of.p99,
  std_ttft_ms: of.std
})

const ttstKeys = (of: SampleStatistics) => ({
  mean_ttst_ms: of.mean,
  min_ttst_ms: of.min,
  max_ttst_ms: of.max,
  median_ttst_ms: of.median,
  p75_ttst_ms: of.p75,
  p90_ttst_ms: of.p90,
  p95_ttst_ms: of.p95,
  p99_ttst_ms: of.p99,
  std_ttst_ms: of.std
})

const tpotKeys = (of: SampleStatistics) => ({
  mean_tpot_ms: of.mean,
  min_tpot_ms: of.min,
  max_tpot_ms: of.max,
  median_tpot_ms: of.median,
  p75_tpot_ms: of.p75,
  p90_tpot_ms: of.p90,
  p95_tpot_ms: of.p95,
  p99_tpot_ms: of.p99,
  std_tpot_ms: of.std
})

const itlKeys = (of: SampleStatistics) => ({
  mean_itl_ms: of.mean,
  min_itl_ms: of.min,
  max_itl_ms: of.max,
  median_itl_ms: of.median,
  p75_itl_ms: of.p75,
  p90_itl_ms: of.p90,
  p95_itl_ms: of.p95,
  p99_itl_ms: of.p99,
  std_itl_ms: of.std
})

const e2eKeys = (of: SampleStatistics) => ({
  mean_e2e_latency_ms: of.mean,
  min_e2e_latency_ms: of.min,
  max_e2e_latency_ms: of.max,
  median_e2e_latency_ms: of.median,
  p75_e2e_latency_ms: of.p75,
  p90_e2e_latency_ms: of.p90,
  p95_e2e_latency_ms: of.p95,
  p99_e2e_latency_ms: of.p99,
  std_e2e_latency_ms: of.std
})

const rateKeys = (of: SampleStatistics) => ({
  mean_output_token_throughput_per_user: of.mean,
  min_output_token_throughput_per_user: of.min,
  max_output_token_throughput_per_user: of.max,
  median_output_token_throughput_per_user: of.median,
  p75_output_token_throughput_per_user: of.p75,
  p90_output_token_throughput_per_user: of.p90,
  p95_output_token_throughput_per_user: of.p95,
  p99_output_token_throughput_per_user: of.p99,
  std_output_token_throughput_per_user: of.std
})
