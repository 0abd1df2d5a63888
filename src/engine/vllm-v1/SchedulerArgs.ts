/**
 * What only engines of the vLLM profiles can be told, by vLLM's own names; written among the other engine arguments.
 *
 * A release refuses what it does not have, as vLLM would.
 */
import * as Result from "effect/Result"
import { anyCount, boolean, integer, mostTokens, oneOf, share } from "../../settings/Kind.ts"
import { optional, snakeCase, type Values } from "../../settings/Setting.ts"
import { type SettingsError, settingsError } from "../../settings/SettingsError.ts"
import { type OptionalRules, schedulerRules, type VllmProfileName } from "./SchedulerRules.ts"
import type { SchedulerSettings } from "./SchedulerSettings.ts"
import { counted } from "../../settings/Counted.ts"

export const vllmSchedulerSettings = {
  maxModelLen: optional(
    integer(2, mostTokens),
    undefined,
    "vLLM profiles: prompt and output tokens of a request, at most; what the KV pool holds by default"
  ),
  maxNumScheduledTokens: optional(
    integer(1, anyCount),
    undefined,
    "vLLM profiles: token budget of a pass, where it is not max_num_batched_tokens"
  ),
  maxNumActiveSeqs: optional(
    integer(1, anyCount),
    undefined,
    "vLLM profiles: running requests up to which others are admitted; max_num_seqs by default"
  ),
  watermark: optional(share, undefined, "vLLM profiles: share of the KV pool that admissions leave free; 0 by default"),
  schedulerReserveFullIsl: optional(
    boolean,
    undefined,
    "vLLM profiles: admit only what fits whole, not only its first share; true by default"
  ),
  longPrefillTokenThreshold: optional(
    integer(0, anyCount),
    undefined,
    "vLLM profiles: most tokens of one request per pass; 0, the default, for no limit"
  ),
  longPrefillTokenThresholdAdaptive: optional(
    boolean,
    undefined,
    "vLLM profiles: the limit grows to an even share of the budget; false by default"
  ),
  prefillScheduleInterval: optional(
    integer(1, anyCount),
    undefined,
    "vLLM profiles: prefill only in every n-th pass while others decode; 1 by default"
  ),
  policy: optional(
    oneOf(["fcfs", "priority"]),
    undefined,
    "vLLM profiles: order of waiting requests; priority takes the rows' priority, smaller first; fcfs by default"
  ),
  asyncScheduling: optional(
    boolean,
    undefined,
    "vLLM profiles: decide the next batch while one executes; true by default"
  )
}

type Given = Values<typeof vllmSchedulerSettings>

/** What the scheduler depends on of the other engine arguments. */
interface EngineLimits extends Readonly<Record<ServerLimit, number>> {
  readonly blockTokens: number
  readonly numGpuBlocks: number
  readonly enablePrefixCaching: boolean
  readonly enableChunkedPrefill: boolean
  readonly mtp: object | undefined
  readonly mtpRecomputeBlock: boolean
  readonly chargeRecompute: boolean
}

/** Limits that vLLM's server chooses by the GPU when nobody names them. */
export type ServerLimit = "maxNumSeqs" | "maxNumBatchedTokens"

/** The scheduler arguments of an engine; what was left out is filled in, as far as the release has it. */
export interface VllmSchedulerArgs extends Given {
  /** Limits that were left to vLLM's defaults. */
  readonly defaultLimits: ReadonlyArray<ServerLimit>
}

/** Limits of a vLLM whose GPU is not known: the defaults of its configuration classes. */
export const classLimits: Readonly<Record<ServerLimit, number>> = { maxNumSeqs: 128, maxNumBatchedTokens: 2048 }

const gibibyte = 2 ** 30

/** Limits of vLLM's API server on a GPU with so much memory. */
export const serverLimits = (gpuBytes: number, system: string): Readonly<Record<ServerLimit, number>> => {
  const isLarge = gpuBytes >= 70 * gibibyte && !system.toLowerCase().startsWith("a100")
  return {
    maxNumSeqs: isLarge ? 1024 : 256,
    maxNumBatchedTokens: gpuBytes >= 160 * gibibyte ? 16384 : isLarge ? 8192 : 2048
  }
}

/** Arguments with the limits that nobody named as vLLM's server would choose them. */
export const withServerLimits = <Args extends { readonly vllmScheduler: VllmSchedulerArgs | undefined }>(
  args: Args,
  gpuBytes: number,
  system: string
): Args => {
  const limits = serverLimits(gpuBytes, system)
  const chosen = args.vllmScheduler?.defaultLimits ?? []
  return { ...args, ...Object.fromEntries(chosen.map((limit) => [limit, limits[limit]])) }
}

/** Which rule an option needs; options that every release has are not listed. */
const ruleOfOption: ReadonlyMap<string, keyof OptionalRules> = new Map([
  ["schedulerReserveFullIsl", "fullSequenceReservation"],
  ["watermark", "watermark"],
  ["longPrefillTokenThresholdAdaptive", "adaptiveShareCap"],
  ["prefillScheduleInterval", "prefillInterval"],
  ["maxNumActiveSeqs", "activeSequenceLimit"]
] as const)

/** Fields of the options that were given. */
const optionsOf = (given: Partial<Given>): ReadonlyArray<string> => {
  const values = new Map<string, unknown>(Object.entries(given))
  return Object.keys(vllmSchedulerSettings).filter((option) => values.get(option) !== undefined)
}

/** What is wrong with scheduler options under a profile without vLLM's scheduler. */
export const foreignOption = (given: Partial<Given>, profile: string): SettingsError | undefined => {
  const [option] = optionsOf(given)
  return option === undefined
    ? undefined
    : settingsError(
        snakeCase(option),
        `engine_profile ${profile} has no such rule`,
        'add "engine_profile": "vllm-0.33", or leave it out'
      )
}

/** What is wrong with scheduler options under a vLLM profile that lacks them. */
export const missingOption = (given: Partial<Given>, profile: VllmProfileName): SettingsError | undefined => {
  const { options, vllmVersion } = schedulerRules[profile]
  const lacking = optionsOf(given).find((option) => {
    const rule = ruleOfOption.get(option)
    return rule !== undefined && !options[rule]
  })
  return lacking === undefined
    ? undefined
    : settingsError(
        snakeCase(lacking),
        `vLLM ${vllmVersion} (engine_profile ${profile}) has no such option`,
        "leave it out, or choose a later profile"
      )
}

/** Given options with the defaults of the release for those that it has. */
export const completeVllmScheduler = (
  given: Partial<Given>,
  profile: VllmProfileName,
  defaultLimits: ReadonlyArray<ServerLimit>
): VllmSchedulerArgs => {
  const { options } = schedulerRules[profile]
  return {
    maxModelLen: given.maxModelLen,
    maxNumScheduledTokens: given.maxNumScheduledTokens,
    maxNumActiveSeqs: given.maxNumActiveSeqs,
    watermark: given.watermark ?? (options.watermark ? 0 : undefined),
    schedulerReserveFullIsl: given.schedulerReserveFullIsl ?? (options.fullSequenceReservation ? true : undefined),
    longPrefillTokenThreshold: given.longPrefillTokenThreshold ?? 0,
    longPrefillTokenThresholdAdaptive:
      given.longPrefillTokenThresholdAdaptive ?? (options.adaptiveShareCap ? false : undefined),
    prefillScheduleInterval: given.prefillScheduleInterval ?? (options.prefillInterval ? 1 : undefined),
    policy: given.policy ?? "fcfs",
    asyncScheduling: given.asyncScheduling ?? true,
    defaultLimits
  }
}

/** What the scheduler of a worker is told, its limits held against the pool as it is now. */
export const schedulerSettingsOf = (
  args: EngineLimits,
  scheduler: VllmSchedulerArgs
): Result.Result<SchedulerSettings, SettingsError> => {
  const { blockTokens, maxNumBatchedTokens, maxNumSeqs, numGpuBlocks } = args
  const capacityTokens = blockTokens * numGpuBlocks
  const maxModelTokens = scheduler.maxModelLen ?? Math.min(capacityTokens, mostTokens)
  const problem = limitProblem(args, scheduler, maxModelTokens)
  if (problem !== undefined) return Result.fail(problem)
  const asynchronous = scheduler.asyncScheduling ?? true
  return Result.succeed({
    blockTokens,
    usableBlocks: numGpuBlocks,
    maxModelTokens,
    maxActiveRequests: scheduler.maxNumActiveSeqs ?? maxNumSeqs,
    maxScheduledTokens: scheduler.maxNumScheduledTokens ?? maxNumBatchedTokens,
    enablePrefixCaching: args.enablePrefixCaching,
    enableChunkedPrefill: args.enableChunkedPrefill,
    reservesFullSequence: scheduler.schedulerReserveFullIsl ?? false,
    // The null block counts among the blocks that the share is taken of.
    watermarkBlocks: Math.floor((scheduler.watermark ?? 0) * (numGpuBlocks + 1)),
    shareCapTokens: scheduler.longPrefillTokenThreshold ?? 0,
    adaptiveShareCap: scheduler.longPrefillTokenThresholdAdaptive ?? false,
    prefillInterval: scheduler.prefillScheduleInterval ?? 1,
    policy: scheduler.policy ?? "fcfs",
    asynchronous,
    outstandingBatches: asynchronous ? 2 : 1,
    recomputedHitBlocks: args.mtp !== undefined && args.mtpRecomputeBlock ? 1 : 0,
    chargesRecompute: args.chargeRecompute
  })
}

/** vLLM refuses to start with such limits. */
const limitProblem = (
  { blockTokens, enableChunkedPrefill, maxNumBatchedTokens, maxNumSeqs, numGpuBlocks }: EngineLimits,
  { maxNumActiveSeqs }: VllmSchedulerArgs,
  maxModelTokens: number
): SettingsError | undefined => {
  const capacityTokens = blockTokens * numGpuBlocks
  if (maxModelTokens > capacityTokens) {
    return settingsError(
      "max_model_len",
      `one request must fit the KV pool of ${counted(numGpuBlocks, "block")} (${counted(capacityTokens, "token")}), got ${maxModelTokens}`,
      "lower max_model_len, or give more num_gpu_blocks"
    )
  }
  if (!Number.isFinite(maxNumSeqs) || !Number.isFinite(maxNumBatchedTokens)) {
    return settingsError(
      Number.isFinite(maxNumSeqs) ? "max_num_batched_tokens" : "max_num_seqs",
      "vLLM has no unlimited batch: expected an integer, got null"
    )
  }
  if (maxNumBatchedTokens < maxNumSeqs) {
    return settingsError(
      "max_num_batched_tokens",
      `must be at least max_num_seqs (${maxNumSeqs}), got ${maxNumBatchedTokens}`,
      "every running request takes a token of the budget: raise it, or lower max_num_seqs"
    )
  }
  if (maxNumActiveSeqs !== undefined && maxNumActiveSeqs > maxNumSeqs) {
    return settingsError("max_num_active_seqs", `must be at most max_num_seqs (${maxNumSeqs}), got ${maxNumActiveSeqs}`)
  }
  if (!enableChunkedPrefill && maxNumBatchedTokens < maxModelTokens) {
    return settingsError(
      "enable_chunked_prefill",
      `without it max_num_batched_tokens must hold max_model_len (${maxModelTokens}), got ${maxNumBatchedTokens}`,
      "raise max_num_batched_tokens, or lower max_model_len"
    )
  }
  return undefined
}
