/** What is replayed: trace files or synthetic load, and how either must be described. */
import { isReadonlyArrayNonEmpty } from "effect/Array"
import * as Result from "effect/Result"
import type { GivenOptions } from "../GivenOptions.ts"
import type { SyntheticInput, TraceInput } from "../ReplayOptions.ts"
import { type UsageError, usageError } from "../UsageError.ts"
import { atLeastOne, duration, missingOf, type Problem, share } from "./Rule.ts"

/** Flags that ask for synthetic load when they say anything but "off". */
const syntheticFlags = (given: GivenOptions): ReadonlyArray<string> => {
  const uses: ReadonlyArray<readonly [flag: string, used: boolean]> = [
    ["--input-tokens", given.inputTokens !== undefined],
    ["--output-tokens", given.outputTokens !== undefined],
    ["--request-count", given.requestCount !== undefined],
    ["--turns-per-session", (given.turnsPerSession ?? 1) !== 1],
    ["--shared-prefix-ratio", (given.sharedPrefixRatio ?? 0) !== 0],
    ["--num-prefix-groups", (given.numPrefixGroups ?? 0) !== 0],
    ["--inter-turn-delay-ms", (given.interTurnDelayMs ?? 0) !== 0]
  ]
  return uses.filter(([, used]) => used).map(([flag]) => flag)
}

export const inputProblem = (given: GivenOptions): Problem => {
  const { replayMode, reportJsonl, traces } = given
  const format = given.traceFormat ?? "mooncake"
  const [synthetic] = syntheticFlags(given)
  if (format === "dynamo" && traces.length === 0) return usageError("--trace-format", "dynamo needs at least one trace file")
  if (format !== "dynamo" && traces.length > 1) {
    return usageError("--trace-format", `${format} takes exactly one trace file, got ${traces.length}`)
  }
  if (traces.length > 0 && synthetic !== undefined) {
    return usageError(synthetic, "asks for synthetic load, but a trace file is given too", `leave out ${synthetic} or the trace file`)
  }
  if (traces.length === 0 && synthetic === undefined) {
    return usageError("TRACE", "nothing to replay", "give a trace file, or --input-tokens, --output-tokens and --request-count")
  }
  if (traces.length === 0) {
    const missing = missingOf([
      ["--input-tokens", given.inputTokens],
      ["--output-tokens", given.outputTokens],
      ["--request-count", given.requestCount]
    ])
    if (missing.length > 0) {
      return usageError(missing[0]!, "is missing", "synthetic load needs --input-tokens, --output-tokens and --request-count")
    }
  }
  if (traces.includes("")) return usageError("TRACE", "the name of a trace file is empty")
  if (traces.length > 0 && format === "applied_compute_agentic" && given.replayConcurrency === undefined) {
    return usageError(
      "--trace-format",
      "applied_compute_agentic requires --replay-concurrency",
      "these traces have no times at which sessions start; say how many are active at a time"
    )
  }
  return reportJsonl !== undefined && replayMode === "online"
    ? usageError("--report-jsonl", "only works with --replay-mode offline")
    : undefined
}

export const inputOf = (given: GivenOptions): Result.Result<TraceInput | SyntheticInput, UsageError> => {
  if (!isReadonlyArrayNonEmpty(given.traces)) return syntheticOf(given)
  const format = given.traceFormat ?? "mooncake"
  return Result.succeed({
    _tag: "Trace",
    files: given.traces,
    format,
    traceBlockTokens: given.traceBlockSize ?? (format === "dynamo" ? undefined : 512),
    sharedPrefixRatio: given.traceSharedPrefixRatio ?? 0,
    prefixGroups: given.traceNumPrefixGroups ?? 0
  })
}

const syntheticOf = (given: GivenOptions): Result.Result<SyntheticInput, UsageError> => {
  const input: SyntheticInput = {
    _tag: "Synthetic",
    inputTokens: given.inputTokens ?? 0,
    outputTokens: given.outputTokens ?? 0,
    requestCount: given.requestCount ?? 0,
    arrivalIntervalMs: given.arrivalIntervalMs ?? 1,
    turnsPerSession: given.turnsPerSession ?? 1,
    sharedPrefixRatio: given.sharedPrefixRatio ?? 0,
    prefixGroups: given.numPrefixGroups ?? 0,
    interTurnDelayMs: given.interTurnDelayMs ?? 0
  }
  const problem = atLeastOne("--input-tokens", input.inputTokens) ??
    atLeastOne("--output-tokens", input.outputTokens) ??
    atLeastOne("--request-count", input.requestCount) ??
    atLeastOne("--turns-per-session", input.turnsPerSession) ??
    duration("--arrival-interval-ms", input.arrivalIntervalMs) ??
    duration("--inter-turn-delay-ms", input.interTurnDelayMs) ??
    share("--shared-prefix-ratio", input.sharedPrefixRatio)
  return problem === undefined ? Result.succeed(input) : Result.fail(problem)
}

export const traceProblem = (input: TraceInput | SyntheticInput): Problem => {
  if (input._tag === "Synthetic") return undefined
  return (input.traceBlockTokens === undefined ? undefined : atLeastOne("--trace-block-size", input.traceBlockTokens)) ??
    (input.format === "applied_compute_agentic" ? share("--trace-shared-prefix-ratio", input.sharedPrefixRatio) : undefined)
}

const mostTokens = 2 ** 31 - 1
const mostRequests = 2 ** 32
const mostWorkers = 2 ** 16

/** Counts that are negative, or larger than anything that could be simulated. */
export const countProblem = (given: GivenOptions): Problem => {
  const counts: ReadonlyArray<readonly [flag: string, value: number | undefined, most: number]> = [
    ["--trace-block-size", given.traceBlockSize, mostTokens],
    ["--trace-num-prefix-groups", given.traceNumPrefixGroups, mostTokens],
    ["--input-tokens", given.inputTokens, mostTokens],
    ["--output-tokens", given.outputTokens, mostTokens],
    ["--request-count", given.requestCount, mostRequests],
    ["--turns-per-session", given.turnsPerSession, mostTokens],
    ["--num-prefix-groups", given.numPrefixGroups, mostTokens],
    ["--num-workers", given.numWorkers, mostWorkers],
    ["--num-prefill-workers", given.numPrefillWorkers, mostWorkers],
    ["--num-decode-workers", given.numDecodeWorkers, mostWorkers],
    ["--seed", given.seed, Number.MAX_SAFE_INTEGER]
  ]
  for (const [flag, value, most] of counts) {
    if (value !== undefined && value < 0) return usageError(flag, `must not be negative, got ${value}`)
    if (value !== undefined && value > most) return usageError(flag, `must be at most ${most}, got ${value}`)
  }
  return undefined
}
