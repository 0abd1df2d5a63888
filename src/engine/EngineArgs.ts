/**
 * Engine arguments: everything that one simulated engine can be told. Names, defaults, ranges and rules of the reference
 * (ai-dynamo 1.3.1).
 *
 * An argument is one line in {@link plain} (or {@link ignored}, while it changes nothing): the line gives its field in
 * {@link EngineArgs}, its key in JSON and YAML, its range, its default, its place in the JSON Schema, and its check, in the command as in
 * a Layer.
 *
 * Stricter than the reference where it accepts what it then ignores or breaks on: block sizes that the vLLM core cannot
 * address, unknown keys and out-of-range values inside `sglang`, `trtllm` and `reasoning`, an unknown SGLang policy, and
 * duplicate keys.
 */
import * as Result from "effect/Result"
import { check, complete, decode, type Plain, problemOf, writtenKeys } from "../settings/Decode.ts"
import {
  anyCount,
  anything,
  boolean,
  duration,
  integer,
  mostTokens,
  number,
  oneOf,
  share,
  text,
  uint64,
  zeroOr
} from "../settings/Kind.ts"
import {
  entriesOf,
  type Given,
  group,
  nullable,
  optional,
  setting,
  type Table,
  type Values
} from "../settings/Setting.ts"
import { type SettingsError, settingsError } from "../settings/SettingsError.ts"
import { type AicArgs, aicSettings } from "../timing/aic/AicArgs.ts"
import { foreignNames } from "./ForeignNames.ts"
import { defaultEngineProfile, engineProfiles, isVllmProfile } from "./EngineProfile.ts"
import { hasTiers, type OffloadPolicy, offloadPolicyOf } from "./tiers/TierArgs.ts"
import { type SglangArgs, sglangSettings } from "./sglang/SglangArgs.ts"
import {
  classLimits,
  completeVllmScheduler,
  foreignOption,
  missingOption,
  schedulerSettingsOf,
  type ServerLimit,
  type VllmSchedulerArgs,
  vllmSchedulerSettings
} from "./vllm-v1/SchedulerArgs.ts"

/** Whose scheduler and cache a worker has (`engine_type`). */
export type EngineType = "vllm" | "sglang" | "trtllm"
/** What a worker computes: whole requests, prompts only, or outputs only (`worker_type`). */
export type WorkerType = "aggregated" | "prefill" | "decode"
/** Order of the router's queue (`router_queue_policy`): first come, last come, weighted shortest processing time. */
export type QueuePolicy = "fcfs" | "lcfs" | "wspt"

const anyCase = { ignoreCase: true }
/** Bookkeeping per block is some 40 bytes a worker, so this already means gigabytes. */
const blocks = integer(1, 2 ** 26)
const atLeastOne = integer(1, anyCount)
const anyNumber = integer(0, anyCount)
/** How many times faster than modelled: a pass may end up taking no time, but never an endless one. */
const speedup = zeroOr(1e-6, 1e12)
const gigabytesPerSecond = zeroOr(1e-6, 1e9)
const port = integer(0, 65535)
const tierBlocks = integer(0, 2 ** 30)
const onlyTiers = { needs: "cacheTiers" } as const
const tierSize = { needs: "tierSizes" } as const
const onlyOnEvict = { needs: "tiersOnEvict" } as const
const onlyWriteThrough = { needs: "tiersWrittenThrough" } as const
const { POSITIVE_INFINITY: unlimited } = Number

/** Where the reference's model is known to differ from real engines; each is off unless asked for. */
const corrections = {
  prefillSpeedupRatio: setting(
    number(1e-6, 1e12),
    1,
    "The prefill part of passes takes this many times less time, beside speedup_ratio"
  ),
  passOverheadMs: setting(duration, 0, "Time of every pass beside what it computes, not sped up, ms"),
  frontendMs: setting(duration, 0, "Time of a request before the queue and its first token, per request, ms"),
  frontendUsPerToken: setting(duration, 0, "The same per prompt token, microseconds"),
  decodeCostBy: setting(
    oneOf(["distinct_blocks", "requests"]),
    "distinct_blocks",
    "KV that a decode step is charged for: every block once, or what each request reads",
    { needs: "vllmLike" }
  ),
  chargeRecompute: setting(boolean, false, "Charge time for computing generated tokens again after a preemption", {
    needs: "vllm"
  }),
  kvEventsAt: optional(
    oneOf(["pass_start", "pass_end"]),
    undefined,
    "When the router sees cache changes of a pass; vllm and trtllm: pass_start, sglang: pass_end"
  ),
  mtpRecomputeBlock: setting(
    boolean,
    false,
    "Draft tokens: compute the last cached block of a prompt again, as drafting needs",
    { needs: "drafts" }
  ),
  sglangMatch: setting(oneOf(["first_chunk", "whole"]), "first_chunk", "SGLang: how far a prompt looks up the cache", {
    needs: "sglang"
  }),
  sglangChunkBudget: setting(
    oneOf(["whole_chunks", "rest"]),
    "whole_chunks",
    "SGLang: whether a prompt is cut to what is left of a pass's chunk budget",
    { needs: "sglang" }
  ),
  sglangPrefillFirst: setting(boolean, false, "SGLang: passes with a prefill decode nobody else", { needs: "sglang" })
}

const tierBandwidth = (key: string, gbS: number) =>
  optional(gigabytesPerSecond, gbS, "Bandwidth between two KV tiers, 10^9 bytes per second; 0 for no time", {
    key,
    ...onlyTiers
  })

/** Arguments that reach the engine as they are. */
const plain = {
  engineType: setting(oneOf(["vllm", "sglang", "trtllm"], anyCase), "vllm", "Kind of engine"),
  engineProfile: setting(
    oneOf(engineProfiles),
    defaultEngineProfile,
    "Whose scheduling rules: the reference's simulator, or a release of vLLM itself"
  ),
  numGpuBlocks: optional(blocks, 16384, "KV blocks of a worker; sized by the model where AIC times it"),
  maxNumSeqs: nullable(atLeastOne, 256, unlimited, "Requests running at a time; null for no limit"),
  maxNumBatchedTokens: nullable(atLeastOne, 8192, unlimited, "Token budget of a pass; null for no limit"),
  enablePrefixCaching: setting(boolean, true, "Reuse KV blocks of equal prompt beginnings", { needs: "notSglang" }),
  enableChunkedPrefill: setting(boolean, true, "Compute long prompts in several passes", { needs: "notSglang" }),
  preemptionMode: setting(oneOf(["lifo", "fifo"], anyCase), "lifo", "Which running request gives way first", {
    needs: "vllm"
  }),
  routerQueuePolicy: optional(oneOf(["fcfs", "lcfs", "wspt"], anyCase), undefined, "Order of the router's queue"),
  speedupRatio: setting(speedup, 1, "Passes take this many times less time; 0 as 1"),
  decodeSpeedupRatio: setting(speedup, 1, "The decode part of passes takes this many times less time; 0 as 1"),
  dpSize: setting(integer(1, 2 ** 32 - 1), 1, "Data parallel ranks; only 1 can be simulated"),
  startupTimeS: optional(duration, 0, "Time that a new worker takes to start, seconds", {
    key: "startup_time",
    needs: "scaling"
  }),
  plannerProfileData: optional(text, undefined, "File or folder with measured pass times (NPZ)", { needs: "noAic" }),
  aicBundle: optional(text, undefined, "File with an AIC configuration that is not shipped", { needs: "aic" }),
  kvBytesPerToken: optional(anyNumber, undefined, "KV bytes of a token, for transfers between pools and tiers", {
    needs: "transfers"
  }),
  kvTransferBandwidthGbS: optional(gigabytesPerSecond, undefined, "Bandwidth of KV transfers, 10^9 bytes per second", {
    key: "kv_transfer_bandwidth",
    needs: "prefill"
  }),
  kvTransferTimingMode: setting(
    oneOf(["full_prompt", "destination_missing"], anyCase),
    "full_prompt",
    "Whether a transfer moves the whole prompt or what the decode worker has not cached",
    { needs: "prefill" }
  ),
  numG2Blocks: optional(tierBlocks, 0, "KV blocks of a worker's host memory tier (G2); 0 for none", {
    key: "num_g2_blocks",
    ...tierSize
  }),
  numG3Blocks: optional(tierBlocks, 0, "KV blocks of the disk tier (G3) that all workers share; 0 for none", {
    key: "num_g3_blocks",
    ...tierSize
  }),
  g3Scope: setting(
    oneOf(["shared", "worker"]),
    "shared",
    "Whether all workers share the disk tier, or each has its own",
    {
      key: "g3_scope",
      ...onlyWriteThrough
    }
  ),
  enableG4Storage: setting(boolean, false, "An object store (G4) that all workers share and that is never full", {
    key: "enable_g4_storage",
    ...tierSize
  }),
  offloadPolicy: optional(
    oneOf(["on_evict", "write_through"]),
    undefined,
    "When KV blocks go to host memory: when the device needs their slots, or once they are computed (vLLM profiles; SGLang)",
    onlyTiers
  ),
  offloadLatencyUs: setting(
    duration,
    0,
    "Time of a copy between KV tiers beside that of its bytes, microseconds",
    onlyWriteThrough
  ),
  onboard: setting(
    oneOf(["always", "faster"]),
    "always",
    "Whether KV blocks that tiers have are always loaded, or only where that is faster than computing them",
    onlyTiers
  ),
  offloadBatchSize: optional(anyNumber, 32, "Blocks of a transfer down, and such transfers at a time", onlyOnEvict),
  offloadReferenceQuirks: setting(boolean, false, "Reproduce what the reference's tiers do wrong", onlyOnEvict),
  deviceToHostGbS: tierBandwidth("bandwidth_g1_to_g2_gbps", 14),
  hostToDeviceGbS: tierBandwidth("bandwidth_g2_to_g1_gbps", 14),
  hostToDiskGbS: tierBandwidth("bandwidth_g2_to_g3_gbps", 7),
  diskToHostGbS: tierBandwidth("bandwidth_g3_to_g2_gbps", 7),
  hostToObjectGbS: tierBandwidth("bandwidth_g2_to_g4_gbps", 4),
  objectToHostGbS: tierBandwidth("bandwidth_g4_to_g2_gbps", 4),
  gpuMemoryUtilization: optional(share, undefined, "vLLM: share of GPU memory that AIC sizes the KV pool by", {
    needs: "vllmMemory"
  }),
  memFractionStatic: optional(share, undefined, "SGLang: share of GPU memory that AIC sizes the KV pool by", {
    needs: "sglangMemory"
  }),
  freeGpuMemoryFraction: optional(share, undefined, "TensorRT-LLM: share of free GPU memory for the KV pool", {
    needs: "trtllmMemory"
  }),
  ...corrections
}

/** Arguments that decide others: see {@link resolve}. */
const decisive = {
  blockTokens: setting(
    anyNumber,
    0,
    "Tokens per KV block; 0 for 64 (vllm; 16 under the vLLM profiles), 32 (trtllm) or the page size (sglang)",
    {
      key: "block_size"
    }
  ),
  workerType: setting(
    oneOf(["aggregated", "prefill", "decode"], anyCase),
    "aggregated",
    "Part of a worker in the deployment"
  ),
  isPrefill: setting(boolean, false, "Older way to say worker_type prefill"),
  isDecode: setting(boolean, false, "Older way to say worker_type decode"),
  aic: group(aicSettings, "AIC timing", { prefix: "aic_" }),
  aicNextn: optional(integer(1, 5), undefined, "Draft tokens of multi-token prediction"),
  aicNextnAcceptRates: optional(text, undefined, 'Acceptance rates of the draft tokens, such as "0.85,0.3"'),
  aicMtpSeed: setting(uint64, 42n, "Seed of accepted drafts; a worker adds its index", { needs: "drafts" }),
  sglang: group(sglangSettings, "Of SGLang-style engines", { needs: "sglang" }),
  vllmScheduler: group(vllmSchedulerSettings, "Of engines of the vLLM profiles", { prefix: "" })
}

const onlyLive = { needs: "liveServing" } as const
const tokenId = optional(integer(0, 2 ** 32 - 1), undefined, "Token that marks thinking")

const trtllmSettings = {
  capacitySchedulerPolicy: optional(oneOf(["guaranteed_no_evict"]), undefined, "How requests are admitted")
}

const reasoningSettings = {
  startThinkingTokenId: tokenId,
  endThinkingTokenId: tokenId,
  thinkingRatio: optional(share, undefined, "Share of an output that is thinking")
}

/** Arguments of live serving, which no simulated run has: checked, then forgotten. */
const ignored = {
  trtllm: group(trtllmSettings, "Of TensorRT-LLM-style engines", { needs: "trtllm" }),
  enableLocalIndexer: setting(boolean, false, "Index of cached blocks beside the worker", onlyLive),
  bootstrapPort: optional(port, undefined, "Port of the hand-off", onlyLive),
  handoffSessionTimeoutMs: setting(atLeastOne, 300_000, "Time in which a hand-off must be taken up, ms", onlyLive),
  reasoning: group(reasoningSettings, "Marks of thinking in outputs", onlyLive),
  responseReplayTracePath: optional(text, undefined, "Trace of recorded responses", onlyLive),
  zmqKvEventsPort: optional(port, undefined, "Port of KV events", onlyLive),
  zmqReplayPort: optional(port, undefined, "Port of the replay", onlyLive),
  hasPerfModel: optional(anything, undefined, "Mark of the reference", onlyLive)
}

/** All engine arguments. */
export const engineSettings = { ...plain, ...decisive, ...ignored }

/** Engine arguments by field; what is left out has its default. */
export type GivenEngineArgs = Given<typeof engineSettings>

/** Multi-token prediction: how many draft tokens, and how likely each is accepted. */
export interface MtpArgs {
  /** Acceptance probability per draft position; its length is the number of draft tokens. */
  readonly acceptRates: ReadonlyArray<number>
  /** Unsigned 64-bit seed; a worker adds its index. */
  readonly seed: bigint
}

/** Complete engine arguments: every default filled in, every null resolved. */
export interface EngineArgs extends Values<typeof plain> {
  readonly workerType: WorkerType
  /** Tokens per KV block (`block_size`), engine default applied. */
  readonly blockTokens: number
  readonly mtp: MtpArgs | undefined
  /** Present when `aic_backend` is set. */
  readonly aic: AicArgs | undefined
  /** GPUs one worker occupies: `aic_tp_size * aic_attention_dp_size`. */
  readonly gpusPerWorker: number
  readonly sglang: SglangArgs
  /** Present under the vLLM profiles. */
  readonly vllmScheduler: VllmSchedulerArgs | undefined
  /** Keys given by the user that cannot change an offline result, in the order given. */
  readonly inertKeys: ReadonlyArray<string>
}

type Checked<A> = Result.Result<A, SettingsError>

/** What is wrong, or nothing. */
type Problem = SettingsError | undefined

/** Reads engine arguments as written, values by key: the first problem in the text wins, then the first broken rule between arguments. */
export const decodeEngineArgs = (written: Plain): Checked<EngineArgs> =>
  Result.flatMap(decode(engineSettings, written, foreignNames), (given) => resolve(given, writtenKeys(written)))

/** Checked engine arguments from those given, or what is wrong with them. */
export const engineArgsOf = (given: GivenEngineArgs): Checked<EngineArgs> =>
  Result.flatMap(check(engineSettings, given), (checked) => resolve(checked, []))

/** {@link engineArgsOf}, throwing what is wrong. */
export const make = (given: GivenEngineArgs = {}): EngineArgs => Result.getOrThrow(engineArgsOf(given))

/** Complete arguments, checked where an engine is built from them: they may be defaults with some replaced. */
export const checkedEngineArgs = (args: EngineArgs): Checked<EngineArgs> => {
  const problem =
    problemOf(plain, args)
    ?? problemOf(decisive, writtenBack(args))
    ?? ratesProblem(args.mtp)
    ?? blockProblem(args, undefined, undefined)
    ?? transferProblem(args)
    ?? policyProblem(args)
    ?? profileProblem(args, args.vllmScheduler ?? {})
    ?? schedulerProblem(args)
  return problem === undefined ? Result.succeed(args) : Result.fail(problem)
}

/** Derived arguments as they would have been given. */
const writtenBack = ({ aic, blockTokens, mtp, sglang, vllmScheduler, workerType }: EngineArgs) => {
  const { sizesKvPool: _, ...model } = aic ?? { backend: undefined, sizesKvPool: false }
  const { defaultLimits: __, ...scheduler } = vllmScheduler ?? { defaultLimits: [] }
  return {
    blockTokens,
    workerType,
    aic: model,
    sglang,
    vllmScheduler: scheduler,
    ...(mtp === undefined ? {} : { aicNextn: mtp.acceptRates.length, aicMtpSeed: mtp.seed })
  }
}

const ratesProblem = (mtp: MtpArgs | undefined): Problem => {
  const wrong = mtp?.acceptRates.findIndex((rate) => !(rate >= 0 && rate <= 1)) ?? -1
  return wrong < 0 ? undefined : rateError(wrong, String(mtp?.acceptRates[wrong]))
}

const resolve = (given: GivenEngineArgs, keys: ReadonlyArray<string>): Checked<EngineArgs> => {
  const values = { ...complete(plain, given), ...profileLimits(given) }
  const { engineProfile, engineType } = values
  const pageTokens = given.sglang?.pageTokens
  const sglang = sglangArgs(given)
  const blockTokens = given.blockTokens || defaultBlockTokens(values, pageTokens)
  const workerType = given.workerType ?? (given.isPrefill ? "prefill" : given.isDecode ? "decode" : "aggregated")
  const problem =
    workerProblem(given)
    ?? tierProblem(given)
    ?? policyProblem(given)
    ?? draftsProblem(given)
    ?? blockProblem({ engineType, blockTokens }, pageTokens, given.sglang?.chunkedPrefillTokens)
    ?? aicProblem(given)
    ?? profileProblem({ ...values, workerType }, given.vllmScheduler ?? {})
  if (problem !== undefined) return Result.fail(problem)
  const vllmScheduler = isVllmProfile(engineProfile)
    ? completeVllmScheduler(given.vllmScheduler ?? {}, engineProfile, defaultLimitsOf(given))
    : undefined
  return Result.flatMap(mtpOf(given), (mtp) => {
    const aic = aicOf(given)
    const { attentionDpSize, tpSize } = complete(aicSettings, given.aic ?? {})
    const gpusPerWorker = tpSize * attentionDpSize
    const args = { ...values, workerType, blockTokens, mtp, aic, gpusPerWorker, sglang, vllmScheduler, inertKeys: [] }
    // A pool that AIC sizes is held against the limits once its size is known.
    const wrong = transferProblem(args) ?? (aic?.sizesKvPool === true ? undefined : schedulerProblem(args))
    if (wrong !== undefined) return Result.fail(wrong)
    return Result.succeed({ ...args, inertKeys: keys.filter((key) => isInert(key, args)) })
  })
}

type Profiled = Pick<EngineArgs, "engineType" | "engineProfile">

/** Limits that were left to the defaults of vLLM. */
const defaultLimitsOf = (given: GivenEngineArgs): ReadonlyArray<ServerLimit> =>
  (["maxNumSeqs", "maxNumBatchedTokens"] as const).filter((limit) => given[limit] === undefined)

/** The defaults of vLLM, where they are not the reference's. */
const profileLimits = (given: GivenEngineArgs): Partial<Record<ServerLimit, number>> =>
  isVllmProfile(given.engineProfile ?? defaultEngineProfile)
    ? Object.fromEntries(defaultLimitsOf(given).map((limit) => [limit, classLimits[limit]]))
    : {}

const profileProblem = (
  args: Profiled & Pick<EngineArgs, "workerType" | "preemptionMode">,
  scheduler: Given<typeof vllmSchedulerSettings>
): Problem => {
  const { engineProfile, engineType, preemptionMode, workerType } = args
  if (!isVllmProfile(engineProfile)) return foreignOption(scheduler, engineProfile)
  if (engineType !== "vllm") {
    return settingsError("engine_profile", `${engineProfile} needs engine_type vllm, got ${engineType}`)
  }
  if (workerType !== "aggregated") {
    return settingsError(
      "worker_type",
      `engine_profile ${engineProfile} covers aggregated workers only, got ${workerType}`,
      "KV transfer of vLLM's scheduler was not compared; disaggregated runs need engine_profile dynamo-1.3.1"
    )
  }
  if (preemptionMode !== "lifo") {
    return settingsError(
      "preemption_mode",
      `engine_profile ${engineProfile} has no such rule`,
      "vLLM preempts the newest request, or by priority (policy)"
    )
  }
  return missingOption(scheduler, engineProfile)
}

const schedulerProblem = (args: EngineArgs): Problem => {
  if (args.vllmScheduler === undefined) return undefined
  const settings = schedulerSettingsOf(args, args.vllmScheduler)
  return Result.isFailure(settings) ? settings.failure : undefined
}

const defaultBlockTokens = ({ engineProfile, engineType }: Profiled, pageTokens: number | undefined): number => {
  switch (engineType) {
    case "vllm":
      return isVllmProfile(engineProfile) ? 16 : 64
    case "trtllm":
      return 32
    case "sglang":
      return pageTokens ?? 1
  }
}

const sglangArgs = ({ sglang = {} }: GivenEngineArgs): SglangArgs => {
  const { pageTokens: _, schedulePolicy, ...args } = complete(sglangSettings, sglang)
  return { ...args, schedulePolicy: schedulePolicy === "lpm" ? "lpm" : "fcfs" }
}

const workerProblem = (given: GivenEngineArgs): Problem => {
  if (given.workerType !== undefined && (given.isPrefill !== undefined || given.isDecode !== undefined)) {
    return settingsError("worker_type", "cannot be combined with is_prefill or is_decode", "keep worker_type alone")
  }
  return given.isPrefill && given.isDecode
    ? settingsError("is_decode", "is_prefill and is_decode cannot both be true", "use worker_type")
    : undefined
}

/** Everything passes through the host tier, and takes time by its bytes; the reference then goes without tiers, silently. */
const tierProblem = (given: GivenEngineArgs): Problem => {
  const { enableG4Storage, engineType, numG2Blocks, numG3Blocks, offloadPolicy } = given
  if ((numG2Blocks ?? 0) > 0) {
    const bytesKnown = given.kvBytesPerToken !== undefined || given.aic?.backend !== undefined
    const ignored = engineType === "sglang" && offloadPolicy !== "write_through"
    return ignored || bytesKnown || given.offloadReferenceQuirks === true
      ? undefined
      : settingsError(
          "num_g2_blocks",
          "requires kv_bytes_per_token",
          "add kv_bytes_per_token, or aic_backend and aic_model_path to take it from the model"
        )
  }
  const hint = "add num_g2_blocks: everything passes through the host tier"
  if ((numG3Blocks ?? 0) > 0) return settingsError("num_g3_blocks", "requires num_g2_blocks", hint)
  return enableG4Storage ? settingsError("enable_g4_storage", "requires num_g2_blocks", hint) : undefined
}

/** What a policy has no rule for. */
const policyProblem = ({
  enableG4Storage,
  engineProfile,
  offloadPolicy
}: Pick<GivenEngineArgs, "enableG4Storage" | "engineProfile" | "offloadPolicy">): Problem => {
  const isVllm = isVllmProfile(engineProfile ?? defaultEngineProfile)
  if (isVllm && offloadPolicy === "on_evict")
    return settingsError(
      "offload_policy",
      `engine_profile ${engineProfile} has no such rule`,
      "vLLM copies KV blocks once they are computed: write_through"
    )
  return enableG4Storage === true && (offloadPolicy ?? (isVllm ? "write_through" : "on_evict")) === "write_through"
    ? settingsError(
        "enable_g4_storage",
        "needs offload_policy on_evict",
        "what is written through goes to host memory and disk: num_g3_blocks"
      )
    : undefined
}

const blockProblem = (
  { blockTokens, engineType }: Pick<EngineArgs, "blockTokens" | "engineType">,
  pageTokens: number | undefined,
  chunkedPrefillTokens: number | undefined
): Problem => {
  if (engineType === "sglang") return sglangBlockProblem(blockTokens, pageTokens, chunkedPrefillTokens)
  const powerOfTwo = blockTokens >= 2 && blockTokens <= 1024 && (blockTokens & (blockTokens - 1)) === 0
  if (powerOfTwo) return undefined
  return settingsError(
    "block_size",
    `must be a power of 2 from 2 to 1024 for engine_type=${engineType}, got ${blockTokens}`,
    "only engine_type=sglang takes other block sizes"
  )
}

/** Only a chunk size that was given is held against the block size, not the default. */
const sglangBlockProblem = (
  blockTokens: number,
  pageTokens: number | undefined,
  chunkedPrefillTokens: number | undefined
): Problem => {
  if (blockTokens > mostTokens) return settingsError("block_size", `must be at most ${mostTokens}, got ${blockTokens}`)
  if (pageTokens !== undefined && pageTokens !== blockTokens) {
    return settingsError(
      "block_size",
      `must equal sglang.page_size when both are set, got block_size=${blockTokens} and sglang.page_size=${pageTokens}`,
      "they mean the same: give one of them"
    )
  }
  return chunkedPrefillTokens !== undefined && chunkedPrefillTokens % blockTokens !== 0
    ? settingsError(
        "sglang.chunked_prefill_size",
        `must be divisible by block_size, got chunked_prefill_size=${chunkedPrefillTokens} and block_size=${blockTokens}`
      )
    : undefined
}

const aicProblem = ({ aic = {} }: GivenEngineArgs): Problem => {
  if (aic.backend !== undefined) {
    return aic.modelPath === undefined
      ? settingsError(
          "aic_backend",
          "requires aic_model_path",
          'add aic_model_path, such as "meta-llama/Meta-Llama-3.1-8B"'
        )
      : undefined
  }
  const alone = aic.system !== undefined ? "aic_system" : aic.modelPath !== undefined ? "aic_model_path" : undefined
  return alone === undefined
    ? undefined
    : settingsError(
        alone,
        "requires aic_backend",
        'add "aic_backend": "vllm", "sglang" or "trtllm": without it AIC times nothing'
      )
}

const aicOf = (given: GivenEngineArgs): AicArgs | undefined => {
  const { backend, ...args } = complete(aicSettings, given.aic ?? {})
  return backend === undefined ? undefined : { backend, ...args, sizesKvPool: given.numGpuBlocks === undefined }
}

/** Bandwidth without bytes would make transfers free, silently. */
const transferProblem = (
  args: Pick<EngineArgs, "workerType" | "kvTransferBandwidthGbS" | "kvBytesPerToken" | "aic">
): Problem =>
  args.workerType === "prefill"
  && args.kvTransferBandwidthGbS !== undefined
  && args.kvBytesPerToken === undefined
  && args.aic === undefined
    ? settingsError(
        "kv_transfer_bandwidth",
        "requires kv_bytes_per_token",
        "add kv_bytes_per_token, or aic_backend and aic_model_path to take it from the model; without it transfers would take no time"
      )
    : undefined

/** Blank acceptance rates count as not given. */
const ratesOf = ({ aicNextnAcceptRates: rates }: GivenEngineArgs): string | undefined =>
  rates?.trim() === "" ? undefined : rates

const draftsProblem = (given: GivenEngineArgs): Problem => {
  const { aicNextn, decodeSpeedupRatio = 1 } = given
  if (aicNextn !== undefined && decodeSpeedupRatio !== 1) {
    return settingsError(
      "aic_nextn",
      `requires decode_speedup_ratio=1.0, got ${decodeSpeedupRatio}`,
      "multi-token prediction is simulated by sampling bursts; leave decode_speedup_ratio out"
    )
  }
  if (aicNextn === undefined && given.aic?.nextnCost !== undefined) {
    return settingsError("aic_nextn_cost", "requires aic_nextn", "add aic_nextn, the number of draft tokens (1 to 5)")
  }
  return aicNextn === undefined && ratesOf(given) !== undefined
    ? settingsError(
        "aic_nextn_accept_rates",
        "requires aic_nextn",
        "add aic_nextn, the number of draft tokens (1 to 5)"
      )
    : undefined
}

const defaultAcceptRates: ReadonlyArray<number> = [0.85, 0.3, 0, 0, 0]

const parseRate = (spelled: string): number => (spelled.trim() === "" ? Number.NaN : Number(spelled))

const rateError = (entry: number, spelled: string): SettingsError =>
  settingsError(
    "aic_nextn_accept_rates",
    `entry ${entry} must be a number from 0 to 1, got ${spelled}`,
    'give one rate per draft token, separated by commas, such as "0.85,0.3"'
  )

/** The acceptance rates, cut or padded with 0 to one per draft token. */
const mtpOf = (given: GivenEngineArgs): Checked<MtpArgs | undefined> => {
  const { aicMtpSeed = 42n, aicNextn } = given
  if (aicNextn === undefined) return Result.succeed(undefined)
  const rates = ratesOf(given)
  const numbers = rates === undefined ? defaultAcceptRates : rates.split(",").map(parseRate)
  const wrong = numbers.findIndex((rate) => !(rate >= 0 && rate <= 1))
  if (wrong >= 0) {
    return Result.fail(rateError(wrong, JSON.stringify(rates?.split(",")[wrong]?.trim())))
  }
  return Result.succeed({
    acceptRates: Array.from({ length: aicNextn }, (_, draft) => numbers[draft] ?? 0),
    seed: aicMtpSeed
  })
}

type Circumstances = Pick<
  EngineArgs,
  "engineType" | "workerType" | "aic" | "mtp" | "numG2Blocks" | "numG3Blocks" | "offloadPolicy" | "vllmScheduler"
>

/** Which share of GPU memory the pool is sized by, per AIC backend. */
const sizesBy = ({ aic }: Circumstances, backend: string): boolean =>
  aic?.sizesKvPool === true && aic.backend === backend

const usesPolicy = (args: Circumstances, policy: OffloadPolicy): boolean =>
  hasTiers(args) && offloadPolicyOf(args) === policy

/** What arguments need to make a difference to an offline run; a worker's start matters only where scaling adds workers. */
const needs = {
  liveServing: () => false,
  cacheTiers: hasTiers,
  /** No tiers are what sizes of 0 ask for. */
  tierSizes: (args) => args.numG2Blocks === 0 || hasTiers(args),
  tiersOnEvict: (args) => usesPolicy(args, "on_evict"),
  tiersWrittenThrough: (args) => usesPolicy(args, "write_through"),
  /** The prefill worker is who sends. */
  transfers: (args) => args.workerType === "prefill" || hasTiers(args),
  scaling: () => false,
  vllm: ({ engineType }) => engineType === "vllm",
  vllmLike: ({ engineType }) => engineType !== "sglang",
  sglang: ({ engineType }) => engineType === "sglang",
  trtllm: ({ engineType }) => engineType === "trtllm",
  /** SGLang always caches prefixes and always chunks. */
  notSglang: ({ engineType }) => engineType !== "sglang",
  /** The prefill worker is who sends. */
  prefill: ({ workerType }) => workerType === "prefill",
  aic: ({ aic }) => aic !== undefined,
  noAic: ({ aic }) => aic === undefined,
  drafts: ({ mtp }) => mtp !== undefined,
  vllmMemory: (args) => sizesBy(args, "vllm"),
  sglangMemory: (args) => sizesBy(args, "sglang"),
  trtllmMemory: (args) => sizesBy(args, "trtllm")
} satisfies Readonly<Record<string, (args: Circumstances) => boolean>>

const needsByName: ReadonlyMap<string, (args: Circumstances) => boolean> = new Map(Object.entries(needs))

const isInert = (key: string, args: Circumstances): boolean => {
  const need = engineEntries.get(key)?.setting.needs
  return need !== undefined && needsByName.get(need)?.(args) === false
}

const engineEntries = entriesOf(engineSettings satisfies Table<keyof typeof needs>)

/** What an engine has that is not told anything. */
export const defaultEngineArgs: EngineArgs = make()
