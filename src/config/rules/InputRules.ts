/** What is replayed: trace files or synthetic load, and how either must be described. */
import { isReadonlyArrayNonEmpty, type NonEmptyReadonlyArray } from "effect/Array"
import * as Result from "effect/Result"
import { defaultSeed } from "../../structures/Pcg32.ts"
import { freshPrefixes, prefixModelOf, prefixModelSyntax } from "../../trace/formats/PrefixModel.ts"
import { traceColumnsOf } from "../../trace/formats/TraceColumns.ts"
import type { TraceFormat } from "../../trace/TraceFormat.ts"
import { fieldOf, type FlagTable } from "../FlagSpec.ts"
import type { ConfigError } from "../ConfigError.ts"
import type { GivenOptions, GivenTrace } from "../GivenOptions.ts"
import { share as prefixShare } from "../../settings/Kind.ts"
import { flagProblem } from "../ReadFlags.ts"
import type { RunInput, TraceInput } from "../../run/ReplayOptions.ts"
import { type UsageError, usageError } from "../../settings/SettingsError.ts"
import type { Problem } from "./Rule.ts"
import { incompleteSyntheticProblem, madeUpOf, syntheticFlagsOf } from "./SyntheticRules.ts"

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
      "give a trace file, --workload, or --input-tokens, --output-tokens and --request-count"
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

export const inputOf = (given: GivenOptions): Result.Result<RunInput, UsageError | ConfigError> =>
  isReadonlyArrayNonEmpty(given.traces) ? Result.succeed(traceInputOf(given, given.traces)) : madeUpOf(given)

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
  return undefined
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

const unitProblem = ({ format, timeUnit }: TraceInput): Problem =>
  timeUnit !== undefined && (format === "dynamo" || format === "applied_compute_agentic")
    ? usageError("--time-unit", `is not for ${format} traces, whose fields have units of their own`)
    : undefined

/** What only some formats have is looked at only for them, such as the ratio of prefix groups. */
export const traceProblem = (input: RunInput): Problem => {
  if (input._tag !== "Trace") return undefined
  const share = input.format === "applied_compute_agentic"
  return (
    unitProblem(input)
    ?? (share ? flagProblem("trace-shared-prefix-ratio", prefixShare, input.sharedPrefixRatio) : undefined)
  )
}

/** Values out of their range; those of a command line or a file were refused when they were read. */
export const rangeProblem = (table: FlagTable, given: object): Problem => {
  const fields: ReadonlyMap<string, unknown> = new Map(Object.entries(given))
  for (const [name, { kind }] of Object.entries(table)) {
    const problem = flagProblem(name, kind, fields.get(fieldOf(name)))
    if (problem !== undefined) return problem
  }
  return undefined
}
