/**
 * The report of a run: every figure of the reference's report under its own key, and under `dynosim` what only this
 * program knows. docs/report.md gives unit and formula of each key.
 */
import * as Schema from "effect/Schema"

/** The release of ai-dynamo whose behaviour and report this program re-creates. */
export const behaviourProfile = "1.3.1"

/** How a group of percentiles was found. */
const PercentileMethod = Schema.Struct({
  method: Schema.Literals(["exact", "log-linear histogram"]),
  /** Bound of `|reported - true| / true`; 0 where exact. */
  relative_error: Schema.Finite
})
/** How percentiles were found, and within which relative error. */
export type PercentileMethod = typeof PercentileMethod.Type

/** A pool of equal workers as it was really deployed. */
const Pool = Schema.Struct({
  role: Schema.Literals(["aggregated", "prefill", "decode"]),
  /** One of several in its pool, whose workers differ. */
  group: Schema.optionalKey(Schema.String),
  workers: Schema.Int,
  gpus_per_worker: Schema.Int,
  /** Tokens per KV block. */
  block_size: Schema.Int,
  /** KV pool of one worker: blocks, tokens, and GiB over all its GPUs; null where the bytes of a token are unknown. */
  kv_blocks: Schema.Int,
  kv_tokens: Schema.Int,
  kv_gib: Schema.NullOr(Schema.Finite),
  kv_pool_source: Schema.Literals(["aic", "engine_args"]),
  /** Whose scheduling rules the workers follow, where they are not the reference's. */
  engine_profile: Schema.optionalKey(Schema.String),
  /** Limits of a pass under such a profile, and what chose those that were left open. */
  max_num_seqs: Schema.optionalKey(Schema.Int),
  max_num_batched_tokens: Schema.optionalKey(Schema.Int),
  default_limits: Schema.optionalKey(Schema.Literals(["vllm_class", "vllm_server"])),
  timing_source: Schema.String,
  /** Prefill and decode parts of passes that were timed by measured tables, and those of them beyond what was measured. */
  timed_pass_parts: Schema.optionalKey(Schema.Int),
  extrapolated_pass_parts: Schema.optionalKey(Schema.Int),
  /** Those by kind of part and by the quantity that lay beyond; a part may count under several. */
  extrapolations: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        phase: Schema.Literals(["prefill", "decode"]),
        quantity: Schema.String,
        direction: Schema.Literals(["above", "below"]),
        parts: Schema.Int,
        /** The farthest value asked for, and the last one measured there. */
        farthest: Schema.Finite,
        measured: Schema.Finite
      })
    )
  ),
  /** What the measured tables were read from, and the SHA-256 of their content. */
  timing_tables: Schema.optionalKey(Schema.Struct({ origin: Schema.String, sha256: Schema.String }))
})
/** A pool of equal workers as it was really deployed. */
export type Pool = typeof Pool.Type

const PoolRole = Schema.Literals(["aggregated", "prefill", "decode"])

/** What the autoscaler did. */
const Scaling = Schema.Struct({
  autoscaler: Schema.String,
  /** How often it was asked. */
  ticks: Schema.Int,
  /** Decisions that changed a pool: workers ready or starting before, and how many shall be. */
  scaling_events: Schema.Array(
    Schema.Struct({ t_ms: Schema.Finite, pool: PoolRole, from: Schema.Int, to: Schema.Int, reason: Schema.String })
  ),
  /** Workers of each pool at the start and after each change. */
  pool_sizes: Schema.Array(
    Schema.Struct({
      t_ms: Schema.Finite,
      pool: PoolRole,
      ready: Schema.Int,
      starting: Schema.Int,
      draining: Schema.Int
    })
  ),
  /** What happened to workers from outside: whether the worker was there, and its requests that started again elsewhere or failed. */
  worker_events: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        t_ms: Schema.Finite,
        pool: PoolRole,
        event: Schema.Literals(["fail", "drain", "slow", "add"]),
        worker: Schema.NullOr(Schema.Int),
        applied: Schema.Boolean,
        retried_requests: Schema.Int,
        failed_requests: Schema.Int
      })
    )
  ),
  /** What a GPU hour gave: requests with their tokens, and those within the service level where one is given; 0 without GPU hours. */
  requests_per_gpu_hour: Schema.Finite,
  output_tokens_per_gpu_hour: Schema.Finite,
  good_requests_per_gpu_hour: Schema.optionalKey(Schema.Finite)
})

const TierName = Schema.Literals(["device", "host", "disk", "object"])
const WaitMs = Schema.Struct({ mean: Schema.Finite, p95: Schema.Finite, max: Schema.Finite })

/** What KV tiers below the device did. */
const KvTiersReport = Schema.Struct({
  /** Prompt tokens found, by where they lay when their request was first looked at. */
  reused_tokens: Schema.Struct({
    device: Schema.Int,
    host: Schema.Int,
    disk: Schema.Int,
    object: Schema.Int
  }),
  /** Per request: parked while blocks were loaded for it; waiting for evicted blocks to be copied. */
  onboard_wait_ms: WaitMs,
  offload_wait_ms: WaitMs,
  /** Blocks evicted without a copy because host memory had no room. */
  dropped_blocks: Schema.optionalKey(Schema.Int),
  /** What has moved, all workers together, and the mean share of time with a transfer under way. */
  links: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        from: TierName,
        to: TierName,
        blocks: Schema.Int,
        bytes: Schema.Finite,
        busy_ratio: Schema.Finite
      })
    )
  )
})
export type KvTiersReport = typeof KvTiersReport.Type

/** The nine figures of a metric. */
export const Statistics = Schema.Struct({
  mean: Schema.Finite,
  min: Schema.Finite,
  max: Schema.Finite,
  median: Schema.Finite,
  p75: Schema.Finite,
  p90: Schema.Finite,
  p95: Schema.Finite,
  p99: Schema.Finite,
  std: Schema.Finite
})

/** Sessions, and how soon they were answered. */
export const SessionsReport = Schema.Struct({
  /** Sessions whose last turn ended, their turns, and the time from the first arrival to the last token. */
  ended_sessions: Schema.Int,
  mean_turns: Schema.Finite,
  duration_ms: Statistics,
  /** Turns with a token: the first of their session, and later ones. */
  first_turns: Schema.Int,
  cold_ttft_ms: Statistics,
  later_turns: Schema.Int,
  warm_ttft_ms: Statistics
})
export type SessionsReport = typeof SessionsReport.Type

/** What a class of requests got. */
export const ClassFigures = Schema.Struct({
  offered_requests: Schema.Int,
  completed_requests: Schema.Int,
  rejected_requests: Schema.Int,
  failed_requests: Schema.Int,
  in_flight_requests: Schema.Int,
  input_tokens: Schema.Int,
  output_tokens: Schema.Int,
  request_throughput_rps: Schema.Finite,
  output_throughput_tok_s: Schema.Finite,
  prefix_cache_reused_ratio: Schema.Finite,
  ttft_ms: Statistics,
  tpot_ms: Statistics,
  e2e_latency_ms: Statistics,
  /** Over all gaps between tokens; left out where only a part of the run is measured. */
  itl_ms: Schema.optionalKey(Statistics),
  /** Where somebody says what a good request is. */
  goodput: Schema.optionalKey(
    Schema.Struct({
      sla_ttft_ms: Schema.optionalKey(Schema.Finite),
      sla_itl_ms: Schema.optionalKey(Schema.Finite),
      sla_e2e_ms: Schema.optionalKey(Schema.Finite),
      completed_requests: Schema.Int,
      /** Of the requests offered. */
      ratio: Schema.Finite,
      request_throughput_rps: Schema.Finite,
      output_throughput_tok_s: Schema.Finite
    })
  ),
  sessions: Schema.optionalKey(SessionsReport)
})
export type ClassFigures = typeof ClassFigures.Type

/** Jain's index over the classes: of their shares of good requests, and of the output tokens that a second of latency gave them. */
export const Fairness = Schema.Struct({
  index: Schema.Literal("jain"),
  goodput_ratio: Schema.optionalKey(Schema.Finite),
  output_tokens_per_latency_second: Schema.Finite
})
export type Fairness = typeof Fairness.Type

const RunFacts = Schema.Struct({
  version: Schema.String,
  behaviour_profile: Schema.String,
  /** Why the run ended; anything but `drained` cut requests off. */
  ended: Schema.Literals(["drained", "max-sim-time", "interrupted"]),
  truncated: Schema.Boolean,
  /** Requests by how they ended: offered = completed + rejected + failed + in flight. */
  offered_requests: Schema.Int,
  completed_requests: Schema.Int,
  rejected_requests: Schema.Int,
  failed_requests: Schema.Int,
  in_flight_requests: Schema.Int,
  percentiles: Schema.Struct({
    /** ttft, ttst, tpot and e2e_latency. */
    requests: PercentileMethod,
    /** itl and output_token_throughput_per_user. */
    token_gaps: PercentileMethod
  }),
  timing_source: Schema.NullOr(Schema.String),
  seed: Schema.NullOr(Schema.Int),
  /** The options of the run with every default filled in. */
  options: Schema.Json,
  /** What was really deployed, derived values included. */
  pools: Schema.optionalKey(Schema.Array(Pool)),
  /** Present where workers of a pool differ: what each group cost. */
  worker_groups: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        pool: PoolRole,
        group: Schema.String,
        /** At the start. */
        workers: Schema.Int,
        gpus_per_worker: Schema.Int,
        worker_seconds: Schema.Finite,
        gpu_hours: Schema.Finite
      })
    )
  ),
  /** Where workers have KV tiers. */
  kv_tiers: Schema.optionalKey(KvTiersReport),
  /** Where requests belong to sessions. */
  sessions: Schema.optionalKey(SessionsReport),
  /** Where requests belong to classes. */
  classes: Schema.optionalKey(Schema.Record(Schema.String, ClassFigures)),
  fairness: Schema.optionalKey(Fairness),
  warnings: Schema.Array(Schema.String),
  /** Present where only a part of the run counts: when that was, and how many requests ended in it, before, and after it. */
  measured_window: Schema.optionalKey(
    Schema.Struct({
      from_ms: Schema.Finite,
      until_ms: Schema.Finite,
      requests: Schema.Int,
      warm_up_requests: Schema.Int,
      /** Those cut off by the end of the run among them. */
      drain_requests: Schema.Int
    })
  ),
  /** Present where pools were scaled. */
  scaling: Schema.optionalKey(Scaling),
  /** SHA-256 of the input files, lower-case hexadecimal, by name. */
  input_sha256: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
})
/** What is ours in a report. */
export type RunFacts = typeof RunFacts.Type

/** The report of a run, as it stands in `--report-json`. Keys of the reference first; `docs/report.md` says what each means. */
export const Report = Schema.Struct({
  num_requests: Schema.Int,
  completed_requests: Schema.Int,
  total_input_tokens: Schema.Int,
  total_output_tokens: Schema.Int,
  duration_ms: Schema.Finite,
  wall_time_ms: Schema.Finite,
  request_throughput_rps: Schema.Finite,
  input_throughput_tok_s: Schema.Finite,
  output_throughput_tok_s: Schema.Finite,
  total_throughput_tok_s: Schema.Finite,
  prefill_worker_seconds: Schema.Finite,
  decode_worker_seconds: Schema.Finite,
  prefill_gpus_per_worker: Schema.Int,
  decode_gpus_per_worker: Schema.Int,
  gpu_hours: Schema.Finite,
  goodput_completed_requests: Schema.optionalKey(Schema.Int),
  goodput_request_throughput_rps: Schema.optionalKey(Schema.Finite),
  goodput_output_throughput_tok_s: Schema.optionalKey(Schema.Finite),
  processed_tokens: Schema.Int,
  processed_tokens_per_s: Schema.Finite,
  processed_output_tokens_per_s: Schema.Finite,
  prefix_cache_reused_ratio: Schema.Finite,
  first_admission_prefix_cache_reused_ratio: Schema.Finite,
  /** Ours: the share of prompt tokens whose KV others, or an earlier turn, had computed. */
  shared_prefix_reused_ratio: Schema.Finite,
  mean_ttft_ms: Schema.Finite,
  min_ttft_ms: Schema.Finite,
  max_ttft_ms: Schema.Finite,
  median_ttft_ms: Schema.Finite,
  p75_ttft_ms: Schema.Finite,
  p90_ttft_ms: Schema.Finite,
  p95_ttft_ms: Schema.Finite,
  p99_ttft_ms: Schema.Finite,
  std_ttft_ms: Schema.Finite,
  mean_ttst_ms: Schema.Finite,
  min_ttst_ms: Schema.Finite,
  max_ttst_ms: Schema.Finite,
  median_ttst_ms: Schema.Finite,
  p75_ttst_ms: Schema.Finite,
  p90_ttst_ms: Schema.Finite,
  p95_ttst_ms: Schema.Finite,
  p99_ttst_ms: Schema.Finite,
  std_ttst_ms: Schema.Finite,
  mean_tpot_ms: Schema.Finite,
  min_tpot_ms: Schema.Finite,
  max_tpot_ms: Schema.Finite,
  median_tpot_ms: Schema.Finite,
  p75_tpot_ms: Schema.Finite,
  p90_tpot_ms: Schema.Finite,
  p95_tpot_ms: Schema.Finite,
  p99_tpot_ms: Schema.Finite,
  std_tpot_ms: Schema.Finite,
  mean_itl_ms: Schema.Finite,
  min_itl_ms: Schema.Finite,
  max_itl_ms: Schema.Finite,
  median_itl_ms: Schema.Finite,
  p75_itl_ms: Schema.Finite,
  p90_itl_ms: Schema.Finite,
  p95_itl_ms: Schema.Finite,
  p99_itl_ms: Schema.Finite,
  std_itl_ms: Schema.Finite,
  mean_e2e_latency_ms: Schema.Finite,
  min_e2e_latency_ms: Schema.Finite,
  max_e2e_latency_ms: Schema.Finite,
  median_e2e_latency_ms: Schema.Finite,
  p75_e2e_latency_ms: Schema.Finite,
  p90_e2e_latency_ms: Schema.Finite,
  p95_e2e_latency_ms: Schema.Finite,
  p99_e2e_latency_ms: Schema.Finite,
  std_e2e_latency_ms: Schema.Finite,
  mean_output_token_throughput_per_user: Schema.Finite,
  min_output_token_throughput_per_user: Schema.Finite,
  max_output_token_throughput_per_user: Schema.Finite,
  median_output_token_throughput_per_user: Schema.Finite,
  p75_output_token_throughput_per_user: Schema.Finite,
  p90_output_token_throughput_per_user: Schema.Finite,
  p95_output_token_throughput_per_user: Schema.Finite,
  p99_output_token_throughput_per_user: Schema.Finite,
  std_output_token_throughput_per_user: Schema.Finite,
  dynosim: RunFacts
})
export type Report = typeof Report.Type

/** Keys that hold counts and are written as integers; every other number of the report proper is a float. */
export const countKeys: ReadonlySet<string> = new Set([
  "num_requests",
  "completed_requests",
  "total_input_tokens",
  "total_output_tokens",
  "prefill_gpus_per_worker",
  "decode_gpus_per_worker",
  "goodput_completed_requests",
  "processed_tokens"
])

/** Keys that depend on the real time a run took: equal runs agree to the byte in everything else. */
export const wallClockKeys = ["wall_time_ms", "processed_tokens_per_s", "processed_output_tokens_per_s"] as const
