/** What is replayed: trace files or synthetic load, and how either must be described. */
import { isReadonlyArrayNonEmpty, type NonEmptyReadonlyArray } from "effect/Array"
import * as Result from "effect/Result"
import { defaultSeed } from "../DefaultSeed.ts"
import type { GivenOptions } from "../GivenOptions.ts"
import type { GivenTrace } from "../GivenTrace.ts"
import type { SyntheticInput, TraceInput } from "../ReplayOptions.ts"
import type { TokenLengths } from "../TokenLengths.ts"
import { freshPrefixes, prefixModelOf, prefixModelSyntax } from "../../trace/formats/PrefixModel.ts"
import { traceColumnsOf } from "../../trace/formats/TraceColumns.ts"
import type { TraceFormat } from "../TraceFlags.ts"
import { type UsageError, usageError } from "../UsageError.ts"
import { atLeastOne, type Problem, share } from "./Rule.ts"
import { incompleteSyntheticProblem, syntheticFlagsOf, syntheticOf } from "./SyntheticRules.ts"

/** Who asks for arrivals beside a trace may want the trace to come at another pace. */
const remedyOf = (flag: string): string =>
  flag === "--request-rate" || flag.startsWith("--arrival-")
    ? "the times of a trace are scaled by --arrival-speedup-ratio"
    : `leave out ${flag} or the trace file`

export const inputProblem = (given: GivenOptions): Problem => {
  const { traces } = given
  const format = formatOf(given)
  const [synthetic] = syntheticFlagsOf(given)
  if (format === "dynamo" && traces.length === 0)
    return usageError("--trace-format", "dynamo needs at least one trace file")
  if (format !== "dynamo" && traces.length > 1) {
    return usageError("--trace-format", `${format} takes exactly one trace file, got ${traces.length}`)
  }
  if (traces.length > 0 && synthetic !== undefined) {
    return usageError(synthetic, "asks for synthetic load, but a trace file is given too", remedyOf(synthetic))
  }
  if (traces.length === 0 && synthetic === undefined) {
    return usageError(
      "TRACE",
      "nothing to replay",
      "give a trace file, or --input-tokens, --output-tokens and --request-count"
    )
  }
  if (traces.length === 0) {
    const incomplete = incompleteSyntheticProblem(given)
    if (incomplete !== undefined) return incomplete
  }
  const reading = readingProblem(given)
  if (reading !== undefined) return reading
  if (traces.includes("")) return usageError("TRACE", "the name of a trace file is empty")
  if (traces.length > 0 && format === "applied_compute_agentic" && given.replayConcurrency === undefined) {
    return usageError(
      "--trace-format",
      "applied_compute_agentic requires --replay-concurrency",
      "these traces have no times at which sessions start; say how many are active at a time"
    )
  }
  return undefined
}

export const inputOf = (given: GivenOptions): Result.Result<TraceInput | SyntheticInput, UsageError> =>
  isReadonlyArrayNonEmpty(given.traces) ? Result.succeed(traceInputOf(given, given.traces)) : syntheticOf(given)

const formatOf = ({ column, traceFormat }: Omit<GivenTrace, "traces">): TraceFormat =>
  traceFormat ?? (column === undefined ? "mooncake" : "columns")

const mooncakeFormats: ReadonlyArray<TraceFormat> = ["mooncake", "mooncake-delta", "agentic_mooncake"]

const hasDefaultBlockSize = (format: TraceFormat): boolean =>
  mooncakeFormats.includes(format) || format === "applied_compute_agentic"

/** Formats that each option is for, besides `auto`. */
const optionFormats: ReadonlyArray<
  readonly [flag: string, value: (given: GivenTrace) => unknown, formats: ReadonlyArray<TraceFormat>]
> = [
  ["--column", ({ column }) => column, ["columns"]],
  [
    "--prefix-model",
    ({ prefixModel }) => prefixModel,
    ["azure", "burstgpt", "vidur", "splitwise", "aiperf", "tracelab", "otel", "usage", "columns"]
  ],
  [
    "--session-turns",
    ({ sessionTurns }) => sessionTurns,
    ["burstgpt", "bailian", "weka", "tracelab", "otel", "columns"]
  ],
  ["--default-output-tokens", ({ defaultOutputTokens }) => defaultOutputTokens, ["aiperf"]],
  ["--text-bytes-per-token", ({ textBytesPerToken }) => textBytesPerToken, ["aiperf"]]
]

/** What is wrong with how a trace is to be read. */
export const readingProblem = (given: GivenTrace): Problem => {
  const format = formatOf(given)
  for (const [flag, valueOf, formats] of optionFormats) {
    if (valueOf(given) !== undefined && format !== "auto" && !formats.includes(format)) {
      return usageError(flag, `is not for ${format} traces`, `it is for ${formats.join(", ")}`)
    }
  }
  const columns = given.column === undefined ? undefined : traceColumnsOf(given.column)
  if (typeof columns === "string") return usageError("--column", columns)
  if (given.prefixModel !== undefined && prefixModelOf(given.prefixModel) === undefined) {
    return usageError("--prefix-model", `expected ${prefixModelSyntax}, got ${JSON.stringify(given.prefixModel)}`)
  }
  const { defaultOutputTokens, textBytesPerToken } = given
  if (textBytesPerToken !== undefined && !(textBytesPerToken > 0 && Number.isFinite(textBytesPerToken))) {
    return usageError("--text-bytes-per-token", `must be a finite number above 0, got ${textBytesPerToken}`)
  }
  return defaultOutputTokens === undefined ? undefined : atLeastOne("--default-output-tokens", defaultOutputTokens)
}

/** The trace that some of the given files make up. */
export const traceInputOf = (
  given: Omit<GivenTrace, "traces"> & { readonly seed?: number | undefined },
  files: NonEmptyReadonlyArray<string>
): TraceInput => {
  const format = formatOf(given)
  const columns = given.column === undefined ? undefined : traceColumnsOf(given.column)
  return {
    _tag: "Trace",
    files,
    format,
    traceBlockTokens: given.traceBlockSize ?? (hasDefaultBlockSize(format) ? 512 : undefined),
    columns: typeof columns === "string" ? undefined : columns,
    prefixes: prefixModelOf(given.prefixModel ?? "fresh") ?? freshPrefixes,
    sessionTurns: given.sessionTurns,
    defaultOutputTokens: given.defaultOutputTokens,
    textBytesPerToken: given.textBytesPerToken,
    prefixSeed: given.seed ?? defaultSeed,
    timeUnit: given.timeUnit,
    strict: given.strict ?? false,
    sharedPrefixRatio: given.traceSharedPrefixRatio ?? 0,
    prefixGroups: given.traceNumPrefixGroups ?? 0
  }
}

export const traceProblem = (input: TraceInput | SyntheticInput): Problem => {
  if (input._tag === "Synthetic") return undefined
  if (input.timeUnit !== undefined && (input.format === "dynamo" || input.format === "applied_compute_agentic")) {
    return usageError("--time-unit", `is not for ${input.format} traces, whose fields have units of their own`)
  }
  return (
    (input.traceBlockTokens === undefined ? undefined : atLeastOne("--trace-block-size", input.traceBlockTokens))
    ?? (input.format === "applied_compute_agentic"
      ? share("--trace-shared-prefix-ratio", input.sharedPrefixRatio)
      : undefined)
  )
}

const mostTokens = 2 ** 31 - 1
const mostRequests = 2 ** 32
const mostWorkers = 2 ** 16

/** Drawn lengths have rules of their own. */
const fixedLength = (lengths: TokenLengths | undefined): number | undefined =>
  typeof lengths === "number" ? lengths : undefined

/** Counts that are negative, or larger than anything that could be simulated. */
export const countProblem = (given: GivenOptions): Problem => {
  const counts: ReadonlyArray<readonly [flag: string, value: number | undefined, most: number]> = [
    ["--trace-block-size", given.traceBlockSize, mostTokens],
    ["--trace-num-prefix-groups", given.traceNumPrefixGroups, mostTokens],
    ["--default-output-tokens", given.defaultOutputTokens, mostTokens],
    ["--input-tokens", fixedLength(given.inputTokens), mostTokens],
    ["--output-tokens", fixedLength(given.outputTokens), mostTokens],
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
