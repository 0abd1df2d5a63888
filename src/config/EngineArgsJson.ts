/**
 * Engine arguments from JSON (`--extra-engine-args` and its prefill and decode twins): names, defaults, ranges and
 * cross-field rules of the reference (ai-dynamo 1.3.1).
 *
 * Stricter than the reference where it accepts what it then ignores or breaks on: block sizes that the vLLM core cannot
 * address, unknown keys and out-of-range values inside `sglang`, `trtllm` and `reasoning`, an unknown SGLang policy, and
 * duplicate keys.
 */
import * as Result from "effect/Result"
import type { ConfigError, ConfigSource } from "./ConfigError.ts"
import type { AicArgs, EngineArgs, EngineType, MtpArgs, SglangArgs, WorkerType } from "./EngineArgs.ts"
import { isInert, offloadBandwidthKeys } from "./InertEngineKeys.ts"
import { anything, boolean, integer, type JsonSchema, number, oneOf, text, uint64 } from "./JsonKind.ts"
import { emptyObject, type JsonNode } from "./JsonNode.ts"
import { nodeOf } from "./JsonSetting.ts"
import { ObjectReader } from "./ObjectReader.ts"

export type { EngineArgs } from "./EngineArgs.ts"

/** Bookkeeping per block is some 40 bytes a worker, so this already means gigabytes. */
const mostBlocks = 2 ** 26
const mostTokens = 2 ** 31 - 1
const anyCount = Number.MAX_SAFE_INTEGER
const port = integer(0, 65535)
const defaultNumGpuBlocks = 16384

const defaultBlockTokens = (engineType: EngineType, pageTokens: number | undefined): number => {
  switch (engineType) {
    case "vllm":
      return 64
    case "trtllm":
      return 32
    case "sglang":
      return pageTokens ?? 1
  }
}

/** Reads engine arguments; the first problem in the text wins, then the first broken rule between fields. */
export const readEngineArgs = (
  node: JsonNode,
  source: ConfigSource,
  path = ""
): Result.Result<EngineArgs, ConfigError> => engineArgsOf(new ObjectReader(node, source, path))

/** JSON Schema of engine arguments. */
export const engineArgsSchema = (): JsonSchema => {
  const read = new ObjectReader(emptyObject, { _tag: "Flag", name: "engine arguments" }, "")
  engineArgsOf(read)
  return read.jsonSchema()
}

const engineArgsOf = (read: ObjectReader): Result.Result<EngineArgs, ConfigError> => {
  const engineType = read.value("engine_type", oneOf(["vllm", "sglang", "trtllm"], { ignoreCase: true }), "vllm")
  const scheduling = readScheduling(read)
  const worker = readWorker(read)
  const { aic, gpusPerWorker } = readAic(read)
  const drafts = readDrafts(read)
  const transfer = readTransfer(read)
  const sglang = readSglang(read)
  const givenBlockTokens = scheduling.blockTokens
  const blockTokens = givenBlockTokens === 0 ? defaultBlockTokens(engineType, sglang.pageTokens) : givenBlockTokens
  const tiers = readTiers(read)
  readTrtllm(read)
  readIgnored(read)

  const workerType = worker.type ?? (worker.isPrefill ? "prefill" : worker.isDecode ? "decode" : "aggregated")
  const problem =
    read.problem()
    ?? workerProblem(read, worker)
    ?? tierProblem(read, tiers)
    ?? draftsProblem(read, drafts, scheduling.decodeSpeedupRatio)
    ?? blockProblem(read, engineType, blockTokens, sglang)
    ?? aicProblem(read, aic)
  if (problem !== undefined) return Result.fail(problem)

  return Result.map(readMtp(read, drafts), (mtp) => ({
    engineType,
    workerType,
    ...scheduling,
    blockTokens,
    mtp,
    aic,
    gpusPerWorker,
    ...transfer,
    sglang: sglang.args,
    inertKeys: read.keys().filter((key) => isInert(key, { engineType, workerType, aic, mtp }))
  }))
}

const readScheduling = (read: ObjectReader) => ({
  numGpuBlocks: read.optional("num_gpu_blocks", integer(1, mostBlocks)) ?? defaultNumGpuBlocks,
  blockTokens: read.value("block_size", integer(0, anyCount), 0),
  maxNumSeqs: read.nullable("max_num_seqs", integer(1, anyCount), 256, Number.POSITIVE_INFINITY),
  maxNumBatchedTokens: read.nullable("max_num_batched_tokens", integer(1, anyCount), 8192, Number.POSITIVE_INFINITY),
  enablePrefixCaching: read.value("enable_prefix_caching", boolean, true),
  enableChunkedPrefill: read.value("enable_chunked_prefill", boolean, true),
  preemptionMode: read.value("preemption_mode", oneOf(["lifo", "fifo"], { ignoreCase: true }), "lifo"),
  routerQueuePolicy: read.optional("router_queue_policy", oneOf(["fcfs", "lcfs", "wspt"], { ignoreCase: true })),
  speedupRatio: read.value("speedup_ratio", number(0), 1),
  decodeSpeedupRatio: read.value("decode_speedup_ratio", number(0), 1),
  dpSize: read.value("dp_size", integer(1, 2 ** 32 - 1), 1),
  startupTimeS: read.optional("startup_time", number(0)) ?? 0,
  plannerProfileData: read.optional("planner_profile_data", text),
  aicBundle: read.optional("aic_bundle", text)
})

interface WorkerKeys {
  readonly type: WorkerType | undefined
  readonly isPrefill: boolean
  readonly isDecode: boolean
}

const readWorker = (read: ObjectReader): WorkerKeys => ({
  type: read.value("worker_type", oneOf(["aggregated", "prefill", "decode"], { ignoreCase: true }), undefined),
  isPrefill: read.value("is_prefill", boolean, false),
  isDecode: read.value("is_decode", boolean, false)
})

const workerProblem = (read: ObjectReader, worker: WorkerKeys): ConfigError | undefined => {
  if (worker.type !== undefined && (read.has("is_prefill") || read.has("is_decode"))) {
    return read.error("worker_type", "cannot be combined with is_prefill or is_decode", "keep worker_type alone")
  }
  if (worker.isPrefill && worker.isDecode) {
    return read.error("is_decode", "is_prefill and is_decode cannot both be true", "use worker_type")
  }
  return undefined
}

const readAic = (read: ObjectReader): Pick<EngineArgs, "aic" | "gpusPerWorker"> => {
  const backend = read.optional("aic_backend", oneOf(["vllm", "sglang", "trtllm"]))
  const size = integer(1, 65536)
  const args = {
    system: read.optional("aic_system", text),
    backendVersion: read.optional("aic_backend_version", text),
    modelPath: read.optional("aic_model_path", text),
    tpSize: read.optional("aic_tp_size", size) ?? 1,
    moeTpSize: read.optional("aic_moe_tp_size", size),
    moeEpSize: read.optional("aic_moe_ep_size", size),
    attentionDpSize: read.optional("aic_attention_dp_size", size) ?? 1,
    gemmDtype: read.optional("aic_gemm_dtype", text),
    moeDtype: read.optional("aic_moe_dtype", text),
    fmhaDtype: read.optional("aic_fmha_dtype", text),
    kvCacheDtype: read.optional("aic_kv_cache_dtype", text),
    commDtype: read.optional("aic_comm_dtype", text),
    sizesKvPool: !read.has("num_gpu_blocks")
  }
  return {
    aic: backend === undefined ? undefined : { backend, ...args },
    gpusPerWorker: args.tpSize * args.attentionDpSize
  }
}

const aicProblem = (read: ObjectReader, aic: AicArgs | undefined): ConfigError | undefined =>
  aic !== undefined && aic.modelPath === undefined
    ? read.error("aic_backend", "requires aic_model_path", 'add aic_model_path, such as "meta-llama/Meta-Llama-3.1-8B"')
    : undefined

interface DraftKeys {
  readonly tokens: number | undefined
  /** Comma-separated; a blank one counts as not given. */
  readonly rates: string | undefined
  readonly seed: bigint
}

const readDrafts = (read: ObjectReader): DraftKeys => {
  const rates = read.optional("aic_nextn_accept_rates", text)
  return {
    tokens: read.optional("aic_nextn", integer(1, 5)),
    rates: rates?.trim() === "" ? undefined : rates,
    seed: read.value("aic_mtp_seed", uint64, 42n)
  }
}

const draftsProblem = (read: ObjectReader, drafts: DraftKeys, decodeSpeedupRatio: number): ConfigError | undefined => {
  if (drafts.tokens !== undefined && decodeSpeedupRatio !== 1) {
    return read.error(
      "aic_nextn",
      `requires decode_speedup_ratio=1.0, got ${decodeSpeedupRatio}`,
      "multi-token prediction is simulated by sampling bursts; leave decode_speedup_ratio out"
    )
  }
  if (drafts.tokens === undefined && drafts.rates !== undefined) {
    return read.error(
      "aic_nextn_accept_rates",
      "requires aic_nextn",
      "add aic_nextn, the number of draft tokens (1 to 5)"
    )
  }
  return undefined
}

const defaultAcceptRates: ReadonlyArray<number> = [0.85, 0.3, 0, 0, 0]

/** The acceptance rates, cut or padded with 0 to one per draft token. */
const readMtp = (read: ObjectReader, drafts: DraftKeys): Result.Result<MtpArgs | undefined, ConfigError> => {
  const { rates, seed, tokens } = drafts
  if (tokens === undefined) return Result.succeed(undefined)
  const given = rates === undefined ? defaultAcceptRates : rates.split(",").map((rate) => parseRate(rate))
  const wrong = given.findIndex((rate) => !(rate >= 0 && rate <= 1))
  if (wrong >= 0) {
    const spelled = JSON.stringify(rates?.split(",")[wrong]?.trim())
    return Result.fail(
      read.error(
        "aic_nextn_accept_rates",
        `entry ${wrong} must be a number from 0 to 1, got ${spelled}`,
        'give one rate per draft token, separated by commas, such as "0.85,0.3"'
      )
    )
  }
  return Result.succeed({ acceptRates: Array.from({ length: tokens }, (_, draft) => given[draft] ?? 0), seed })
}

const parseRate = (spelled: string): number => (spelled.trim() === "" ? Number.NaN : Number(spelled))

const readTransfer = (read: ObjectReader) => ({
  kvBytesPerToken: read.optional("kv_bytes_per_token", integer(0, anyCount)),
  kvTransferBandwidthGbS: read.optional("kv_transfer_bandwidth", number(0)),
  kvTransferTimingMode: read.value(
    "kv_transfer_timing_mode",
    oneOf(["full_prompt", "destination_missing"], { ignoreCase: true }),
    "full_prompt"
  ),
  gpuMemoryUtilization: read.optional("gpu_memory_utilization", number(0, 1)),
  memFractionStatic: read.optional("mem_fraction_static", number(0, 1)),
  freeGpuMemoryFraction: read.optional("free_gpu_memory_fraction", number(0, 1))
})

interface SglangKeys {
  readonly args: SglangArgs
  readonly pageTokens: number | undefined
  /** As given: the default is not held against the block size. */
  readonly chunkedPrefillTokens: number | undefined
}

const readSglang = (read: ObjectReader): SglangKeys => {
  const sglang = read.nestedObject("sglang")
  const policy = sglang.optional("schedule_policy", oneOf(["fifo", "fcfs", "lpm"]))
  const chunkedPrefillTokens = sglang.optional("chunked_prefill_size", integer(1, anyCount))
  return {
    pageTokens: sglang.optional("page_size", integer(1, mostTokens)),
    chunkedPrefillTokens,
    args: {
      schedulePolicy: policy === "lpm" ? "lpm" : "fcfs",
      maxPrefillTokens: sglang.optional("max_prefill_tokens", integer(1, anyCount)) ?? 16384,
      chunkedPrefillTokens: chunkedPrefillTokens ?? 8192,
      clipMaxNewTokens: sglang.optional("clip_max_new_tokens", integer(1, anyCount)) ?? 4096,
      scheduleConservativeness: sglang.optional("schedule_conservativeness", number(0)) ?? 1
    }
  }
}

const readTrtllm = (read: ObjectReader): void => {
  read.nestedObject("trtllm").optional("capacity_scheduler_policy", oneOf(["guaranteed_no_evict"]))
}

/** Settings of live serving and of cache tiers that no simulated run has: checked, then forgotten. */
const readIgnored = (read: ObjectReader): void => {
  read.value("enable_local_indexer", boolean, false)
  read.optional("bootstrap_port", port)
  read.value("handoff_session_timeout_ms", integer(1, anyCount), 300_000)
  read.optional("offload_batch_size", integer(0, anyCount))
  for (const key of offloadBandwidthKeys) read.optional(key, number(0))
  const reasoning = read.nestedObject("reasoning")
  reasoning.optional("start_thinking_token_id", integer(0, 2 ** 32 - 1))
  reasoning.optional("end_thinking_token_id", integer(0, 2 ** 32 - 1))
  reasoning.optional("thinking_ratio", number(0, 1))
  read.optional("response_replay_trace_path", text)
  read.optional("zmq_kv_events_port", port)
  read.optional("zmq_replay_port", port)
  read.optional("has_perf_model", anything)
}

interface TierKeys {
  readonly hostBlocks: number
  readonly diskBlocks: number
  readonly objectStore: boolean
}

/** Cache tiers below the GPU: host memory (G2), disk (G3), object store (G4). */
const readTiers = (read: ObjectReader): TierKeys => ({
  hostBlocks: read.optional("num_g2_blocks", integer(0, anyCount)) ?? 0,
  diskBlocks: read.optional("num_g3_blocks", integer(0, anyCount)) ?? 0,
  objectStore: read.value("enable_g4_storage", boolean, false)
})

/** Everything passes through the host tier. */
const tierProblem = (read: ObjectReader, tiers: TierKeys): ConfigError | undefined => {
  if (tiers.hostBlocks > 0) return undefined
  const hint = "add num_g2_blocks, or leave it out: cache tiers are not simulated"
  if (tiers.diskBlocks > 0) return read.error("num_g3_blocks", "requires num_g2_blocks", hint)
  return tiers.objectStore ? read.error("enable_g4_storage", "requires num_g2_blocks", hint) : undefined
}

const blockProblem = (
  read: ObjectReader,
  engineType: EngineType,
  blockTokens: number,
  sglang: SglangKeys
): ConfigError | undefined => {
  if (engineType === "sglang") return sglangBlockProblem(read, blockTokens, sglang)
  const powerOfTwo = blockTokens >= 2 && blockTokens <= 1024 && (blockTokens & (blockTokens - 1)) === 0
  if (powerOfTwo) return undefined
  return read.error(
    "block_size",
    `must be a power of 2 from 2 to 1024 for engine_type=${engineType}, got ${blockTokens}`,
    "only engine_type=sglang takes other block sizes"
  )
}

const sglangBlockProblem = (read: ObjectReader, blockTokens: number, sglang: SglangKeys): ConfigError | undefined => {
  const { chunkedPrefillTokens, pageTokens } = sglang
  if (blockTokens > mostTokens) return read.error("block_size", `must be at most ${mostTokens}, got ${blockTokens}`)
  if (pageTokens !== undefined && pageTokens !== blockTokens) {
    return read.error(
      "block_size",
      `must equal sglang.page_size when both are set, got block_size=${blockTokens} and sglang.page_size=${pageTokens}`,
      "they mean the same: give one of them"
    )
  }
  if (chunkedPrefillTokens !== undefined && chunkedPrefillTokens % blockTokens !== 0) {
    return read.error(
      "sglang.chunked_prefill_size",
      `must be divisible by block_size, got chunked_prefill_size=${chunkedPrefillTokens} and block_size=${blockTokens}`
    )
  }
  return undefined
}

/** Reads engine arguments from text, a JSON object. */
export const parseEngineArgs = (text: string): Result.Result<EngineArgs, ConfigError> =>
  Result.flatMap(nodeOf({ _tag: "Text", flag: "engine arguments", text }), ({ node, path, source }) =>
    readEngineArgs(node, source, path)
  )

/** What an engine has that is not told anything. */
export const defaultEngineArgs: EngineArgs = Result.getOrThrow(
  readEngineArgs(emptyObject, { _tag: "Flag", name: "--extra-engine-args" })
)
