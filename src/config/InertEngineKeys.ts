/**
 * Engine arguments that are accepted and checked although they cannot change the result of an offline run, so that the user
 * can be told.
 */
import type { EngineArgs } from "./EngineArgs.ts"

export const offloadBandwidthKeys: ReadonlyArray<string> = [
  "bandwidth_g1_to_g2_gbps",
  "bandwidth_g2_to_g1_gbps",
  "bandwidth_g2_to_g3_gbps",
  "bandwidth_g3_to_g2_gbps",
  "bandwidth_g2_to_g4_gbps",
  "bandwidth_g4_to_g2_gbps"
]

/** Live serving, cache tiers, and the start of workers that only scaling adds. */
const alwaysInert: ReadonlySet<string> = new Set([
  "startup_time",
  "enable_local_indexer",
  "bootstrap_port",
  "handoff_session_timeout_ms",
  "num_g2_blocks",
  "num_g3_blocks",
  "enable_g4_storage",
  "offload_batch_size",
  ...offloadBandwidthKeys,
  "reasoning",
  "response_replay_trace_path",
  "zmq_kv_events_port",
  "zmq_replay_port",
  "has_perf_model"
])
/** SGLang always caches prefixes and always chunks. */
const fixedBySglang: ReadonlySet<string> = new Set(["enable_prefix_caching", "enable_chunked_prefill"])
/** The prefill worker is who sends. */
const transferKeys: ReadonlySet<string> = new Set([
  "kv_bytes_per_token",
  "kv_transfer_bandwidth",
  "kv_transfer_timing_mode"
])
const aicModelKeys: ReadonlySet<string> = new Set([
  "aic_system",
  "aic_backend_version",
  "aic_model_path",
  "aic_moe_tp_size",
  "aic_moe_ep_size",
  "aic_gemm_dtype",
  "aic_moe_dtype",
  "aic_fmha_dtype",
  "aic_kv_cache_dtype",
  "aic_comm_dtype"
])
/** Which share of GPU memory the pool is sized by, per AIC backend. */
const memoryKeyOfBackend: ReadonlyMap<string, string> = new Map([
  ["vllm", "gpu_memory_utilization"],
  ["sglang", "mem_fraction_static"],
  ["trtllm", "free_gpu_memory_fraction"]
])
const memoryKeys: ReadonlySet<string> = new Set(memoryKeyOfBackend.values())

/** Whether a key makes no difference to an offline run of an engine with these arguments. */
export const isInert = (key: string, args: Pick<EngineArgs, "engineType" | "workerType" | "aic" | "mtp">): boolean => {
  const { aic, engineType, workerType } = args
  if (alwaysInert.has(key)) return true
  if (key === "sglang") return engineType !== "sglang"
  if (key === "trtllm") return engineType !== "trtllm"
  if (key === "preemption_mode") return engineType !== "vllm"
  if (fixedBySglang.has(key)) return engineType === "sglang"
  if (transferKeys.has(key)) return workerType !== "prefill"
  if (aicModelKeys.has(key) || key === "aic_bundle") return aic === undefined
  if (memoryKeys.has(key)) return aic?.sizesKvPool !== true || memoryKeyOfBackend.get(aic.backend) !== key
  if (key === "planner_profile_data") return aic !== undefined
  return key === "aic_mtp_seed" && args.mtp === undefined
}
