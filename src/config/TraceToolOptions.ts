/** The options of the trace tools: typed, held against each other, complete. */
import { isReadonlyArrayNonEmpty, type NonEmptyReadonlyArray } from "effect/Array"
import * as Result from "effect/Result"
import type { ConfigError } from "./ConfigError.ts"
import type { GivenTrace } from "./GivenOptions.ts"
import { type FlagValues, readFlags } from "./ReadFlags.ts"
import type { SyntheticInput, TraceInput, WorkloadInput } from "../run/ReplayOptions.ts"
import { readingProblem, traceInputOf, traceProblem } from "./rules/InputRules.ts"
import { check } from "./rules/Rule.ts"
import { incompleteSyntheticProblem, madeUpOf } from "./rules/SyntheticRules.ts"
import {
  convertFlags,
  fitFlags,
  inspectFlags,
  synthFlags,
  validateFlags,
  type WrittenFormat
} from "./TraceToolFlags.ts"
import { type UsageError, usageError } from "../settings/SettingsError.ts"
import { defaultSeed } from "../structures/Pcg32.ts"

type Checked<A> = Result.Result<A, UsageError | ConfigError>

export interface InspectOptions {
  readonly inputs: ManyInputs
  readonly json: boolean
}

export interface ValidateOptions extends InspectOptions {
  /** Problems shown per trace; all are counted. */
  readonly maxProblems: number
}

export interface ConvertOptions {
  readonly input: TraceInput
  readonly to: WrittenFormat
  /** Tokens per hash id of the written trace, where its blocks are named anew. */
  readonly toBlockTokens: number | undefined
}

export interface SynthOptions {
  readonly load: SyntheticInput | WorkloadInput
  readonly traceBlockTokens: number
  readonly seed: number
}

/** A trace each. */
export type ManyInputs = NonEmptyReadonlyArray<TraceInput>

/** Several files are one `dynamo` trace, unless each is one `apart`, or as many traces of another format. */
export const inputsOf = (
  given: GivenTrace & { readonly seed?: number | undefined },
  apart = false
): Result.Result<ManyInputs, UsageError> => {
  const { traceFormat, traces } = given
  const groups = traceFormat === "dynamo" && !apart ? [traces] : traces.map((file) => [file])
  const inputs = groups.flatMap((files) => (isReadonlyArrayNonEmpty(files) ? [traceInputOf(given, files)] : []))
  if (!isReadonlyArrayNonEmpty(inputs)) {
    return Result.fail(usageError("TRACE", "nothing to read", "give a trace file, or - for standard input"))
  }
  if (traces.includes("")) return Result.fail(usageError("TRACE", "the name of a trace file is empty"))
  return Result.map(check(readingProblem(given) ?? traceProblem(inputs[0])), () => inputs)
}

export const inspectOptions = (traces: ReadonlyArray<string>, values: FlagValues): Checked<InspectOptions> =>
  Result.gen(function* () {
    const { json = false, ...given } = yield* readFlags(inspectFlags, values)
    return { inputs: yield* inputsOf({ ...given, traces }), json }
  })

export const validateOptions = (traces: ReadonlyArray<string>, values: FlagValues): Checked<ValidateOptions> =>
  Result.gen(function* () {
    const { json = false, maxProblems = 20, ...given } = yield* readFlags(validateFlags, values)
    return { inputs: yield* inputsOf({ ...given, traces }), json, maxProblems }
  })

export const convertOptions = (traces: ReadonlyArray<string>, values: FlagValues): Checked<ConvertOptions> =>
  Result.gen(function* () {
    const { from, ...read } = yield* readFlags(convertFlags, values)
    if (from !== undefined && read.traceFormat !== undefined) {
      yield* check(usageError("--from", "and --trace-format are the same", "give one of them"))
    }
    const given = { ...read, traceFormat: from ?? read.traceFormat }
    const { to, toBlockSize: toBlockTokens, traceFormat } = given
    const [input, ...others] = yield* inputsOf({ ...given, traces })
    if (others.length > 0) {
      yield* check(usageError("--trace-format", `${input.format} takes exactly one trace file, got ${traces.length}`))
    }
    if (toBlockTokens !== undefined) {
      yield* check(
        traceFormat === "mooncake-delta" && to !== "agentic_mooncake"
          ? undefined
          : usageError(
              "--to-block-size",
              "is only for mooncake-delta traces written as mooncake",
              "hash ids of other traces stand for the blocks that they were made for"
            )
      )
    }
    return { input, to: to ?? "mooncake", toBlockTokens }
  })

export const fitOptions = (traces: ReadonlyArray<string>, values: FlagValues): Checked<TraceInput> =>
  Result.gen(function* () {
    const given = yield* readFlags(fitFlags, values)
    const [input, ...others] = yield* inputsOf({ ...given, traces })
    if (others.length > 0) {
      yield* check(
        usageError("FILE", `takes one ${input.format} trace, got ${traces.length}`, "trace merge makes one of several")
      )
    }
    return input
  })

export const synthOptions = (values: FlagValues): Checked<SynthOptions> =>
  Result.gen(function* () {
    const given = yield* readFlags(synthFlags, values)
    yield* check(incompleteSyntheticProblem(given))
    if (given.workload !== undefined && given.traceBlockSize !== undefined) {
      yield* check(
        usageError("--trace-block-size", "cannot be combined with --workload", "set block_tokens in the file")
      )
    }
    return {
      load: yield* madeUpOf(given),
      traceBlockTokens: given.traceBlockSize ?? 512,
      seed: given.seed ?? defaultSeed
    }
  })
