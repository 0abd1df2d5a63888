/**
 * What the server counts, under the names that vLLM's metrics have, so that dashboards and load generators made for it work.
 *
 * Latencies are what the deployment emitted, in seconds; the network to the client is not in them. Bucket bounds are vLLM's, with
 * a few smaller ones, because a simulated pass may be much faster than a real one.
 */
import type { PoolSize } from "../autoscaler/Autoscaler.ts"
import type { WorkerSnapshot } from "../engine/WorkerCore.ts"
import type { LivePool } from "../online/LiveTopology.ts"
import type { LagMeter } from "../online/LagMeter.ts"
import type { LiveRequest } from "../online/LiveRequest.ts"
import { Histogram } from "./Histogram.ts"
import { type Labels, PrometheusText } from "./PrometheusText.ts"

const firstTokenBounds = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560
]
const interTokenBounds = [
  0.001, 0.0025, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20,
  40, 80
]
const requestBounds = [
  0.05, 0.1, 0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680
]
const tokenBounds = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000
]

/** How a request ended, as `finished_reason` names it. */
export type FinishedReason = "stop" | "length" | "abort" | "error"

/** A worker now, and the pool it is in. */
export interface ServedWorker extends WorkerSnapshot {
  readonly role: LivePool["role"]
  /** Its number, for as long as the server runs. */
  readonly engine: number
}

/** What is looked up when the metrics are asked for. */
export interface MetricsView {
  readonly modelName: string
  readonly pools: ReadonlyArray<LivePool>
  readonly workers: ReadonlyArray<ServedWorker>
  readonly sizes: ReadonlyArray<PoolSize>
  readonly parked: number
  readonly lag: LagMeter
}

const states = ["ready", "starting", "draining"] as const

/** Only disaggregated workers have a role to tell. */
const roleLabel = (role: LivePool["role"]): Labels => (role === "aggregated" ? {} : { role })

/** One series per worker. */
const byWorker =
  (workers: ReadonlyArray<ServedWorker>, model: Labels) =>
  (value: (worker: ServedWorker) => number): ReadonlyArray<readonly [Labels, number]> =>
    workers.map((worker) => [{ engine: String(worker.engine), ...model, ...roleLabel(worker.role) }, value(worker)])

export class ServerMetrics {
  private promptTokens = 0
  private generationTokens = 0
  private prefixQueries = 0
  private prefixHits = 0
  private readonly finished: Record<FinishedReason, number> = { stop: 0, length: 0, abort: 0, error: 0 }
  private readonly refusals = new Map<number, number>()
  private readonly timeToFirstToken = new Histogram(firstTokenBounds)
  private readonly interToken = new Histogram(interTokenBounds)
  private readonly timePerOutputToken = new Histogram(interTokenBounds)
  private readonly endToEnd = new Histogram(requestBounds)
  private readonly queueTime = new Histogram(requestBounds)
  private readonly prefillTime = new Histogram(requestBounds)
  private readonly decodeTime = new Histogram(requestBounds)
  private readonly inferenceTime = new Histogram(requestBounds)
  private readonly promptLength = new Histogram(tokenBounds)
  private readonly generationLength = new Histogram(tokenBounds)

  /** `tokens` more of a request, all at `stampMs`; called before the request itself knows of them. */
  emitted({ emittedTokens, lastTokenMs, request }: LiveRequest, tokens: number, stampMs: number): void {
    this.generationTokens += tokens
    if (emittedTokens === 0) {
      this.timeToFirstToken.observe((stampMs - request.arrivalMs) / 1000)
      this.promptTokens += request.promptTokens
      this.prefixQueries += request.promptTokens
      this.prefixHits += request.firstAdmissionReusedTokens
    } else this.interToken.observe((stampMs - lastTokenMs) / 1000)
    if (tokens > 1) this.interToken.observe(0, tokens - 1)
  }

  completed(live: LiveRequest, reason: "stop" | "length"): void {
    const { admittedMs, emittedTokens, firstTokenMs, lastTokenMs, request } = live
    this.finished[reason] += 1
    this.endToEnd.observe((lastTokenMs - request.arrivalMs) / 1000)
    this.queueTime.observe((admittedMs - request.arrivalMs) / 1000)
    this.prefillTime.observe((firstTokenMs - admittedMs) / 1000)
    this.decodeTime.observe((lastTokenMs - firstTokenMs) / 1000)
    this.inferenceTime.observe((lastTokenMs - admittedMs) / 1000)
    this.promptLength.observe(request.promptTokens)
    this.generationLength.observe(emittedTokens)
    if (emittedTokens > 1) this.timePerOutputToken.observe((lastTokenMs - firstTokenMs) / (emittedTokens - 1) / 1000)
  }

  ended(reason: "abort" | "error"): void {
    this.finished[reason] += 1
  }

  /** A request was answered with an error status. */
  refused(status: number): void {
    this.refusals.set(status, (this.refusals.get(status) ?? 0) + 1)
  }

  text(view: MetricsView): string {
    const text = new PrometheusText()
    const model: Labels = { model_name: view.modelName }
    this.writeState(text, view, model)
    this.writeCounters(text, view, model)
    this.writeHistograms(text, model)
    this.writeOwn(text, view)
    return text.toString()
  }

  private writeState(text: PrometheusText, { pools, workers }: MetricsView, model: Labels): void {
    const perWorker = byWorker(workers, model)
    text
      .gauge(
        "vllm:num_requests_running",
        "Number of requests in model execution batches.",
        perWorker((w) => w.running)
      )
      .gauge(
        "vllm:num_requests_waiting",
        "Number of requests waiting to be processed.",
        perWorker((w) => w.waiting)
      )
      .gauge(
        "vllm:kv_cache_usage_perc",
        "KV-cache usage. 1 means 100 percent usage.",
        perWorker((w) => w.activeBlocks / w.capacityBlocks)
      )
      .gauge(
        "vllm:cache_config_info",
        "Information of the LLMEngine CacheConfig",
        pools.flatMap(({ groups, role }) =>
          groups.map(({ args, name }): [Labels, number] => [
            {
              ...model,
              ...roleLabel(role),
              ...(name === undefined ? {} : { group: name }),
              block_size: String(args.blockTokens),
              num_gpu_blocks: String(args.numGpuBlocks),
              enable_prefix_caching: args.enablePrefixCaching ? "True" : "False"
            },
            1
          ])
        )
      )
  }

  private writeCounters(text: PrometheusText, { workers }: MetricsView, model: Labels): void {
    text
      .counter(
        "vllm:num_preemptions_total",
        "Cumulative number of preemption from the engine.",
        byWorker(workers, model)(({ preemptions }) => preemptions)
      )
      .counter("vllm:prompt_tokens_total", "Number of prefill tokens processed.", [[model, this.promptTokens]])
      .counter("vllm:generation_tokens_total", "Number of generation tokens processed.", [
        [model, this.generationTokens]
      ])
      .counter("vllm:prefix_cache_queries_total", "Prefix cache queries, in tokens.", [[model, this.prefixQueries]])
      .counter("vllm:prefix_cache_hits_total", "Prefix cache hits, in tokens.", [[model, this.prefixHits]])
      .counter(
        "vllm:request_success_total",
        "Count of successfully processed requests.",
        Object.entries(this.finished).map(([reason, count]) => [{ ...model, finished_reason: reason }, count])
      )
  }

  private writeHistograms(text: PrometheusText, model: Labels): void {
    const histograms: ReadonlyArray<readonly [string, string, Histogram]> = [
      ["time_to_first_token_seconds", "time to first token in seconds", this.timeToFirstToken],
      ["inter_token_latency_seconds", "inter-token latency in seconds", this.interToken],
      // The name of the metric above before vLLM 0.11.
      ["time_per_output_token_seconds", "time per output token in seconds", this.interToken],
      ["request_time_per_output_token_seconds", "time per output token of whole requests", this.timePerOutputToken],
      ["e2e_request_latency_seconds", "e2e request latency in seconds", this.endToEnd],
      ["request_queue_time_seconds", "time spent in WAITING phase for request", this.queueTime],
      ["request_inference_time_seconds", "time spent in RUNNING phase for request", this.inferenceTime],
      ["request_prefill_time_seconds", "time spent in PREFILL phase for request", this.prefillTime],
      ["request_decode_time_seconds", "time spent in DECODE phase for request", this.decodeTime],
      ["request_prompt_tokens", "number of prefill tokens per request", this.promptLength],
      ["request_generation_tokens", "number of generation tokens per request", this.generationLength]
    ]
    for (const [name, help, histogram] of histograms)
      text.histogram(`vllm:${name}`, `Histogram of ${help}.`, model, histogram)
  }

  /** What a simulator has to say beyond that. */
  private writeOwn(text: PrometheusText, { lag, parked, sizes }: MetricsView): void {
    text
      .gauge(
        "dynosim:workers",
        "Workers by state: they take requests, start, or finish what they have.",
        sizes.flatMap(({ role, ...size }) =>
          states.map((state): [Labels, number] => [{ ...roleLabel(role), state }, size[state]])
        )
      )
      .gauge("dynosim:router_parked_requests", "Requests that the router holds back.", [[{}, parked]])
      .counter("dynosim:passes_total", "Passes that have ended.", [[{}, lag.passes]])
      .counter("dynosim:pass_lag_seconds_total", "Time by which ends of passes were noticed late.", [
        [{}, (lag.passes * lag.meanMs) / 1000]
      ])
      .gauge("dynosim:pass_lag_seconds_max", "Longest of these times.", [[{}, lag.maxMs / 1000]])
      .counter("dynosim:slipped_seconds_total", "Time by which workers gave up on catching up.", [
        [{}, lag.slippedMs / 1000]
      ])
      .counter(
        "dynosim:refused_requests_total",
        "Requests answered with an error status.",
        Array.from(this.refusals, ([status, count]) => [{ status: String(status) }, count])
      )
      .gauge("process_resident_memory_bytes", "Resident memory size in bytes.", [[{}, process.memoryUsage.rss()]])
  }
}
