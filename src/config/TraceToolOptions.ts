/** The options of the trace tools: typed, held against each other, complete. */
import { isReadonlyArrayNonEmpty, type NonEmptyReadonlyArray } from "effect/Array"
import * as Result from "effect/Result"
import type { ConfigError } from "./ConfigError.ts"
import { FlagReader, type FlagValues } from "./FlagReader.ts"
import { type GivenSynthetic, readSynthetic } from "./GivenSynthetic.ts"
import { type GivenTrace, readTrace } from "./GivenTrace.ts"
import type { SyntheticInput, TraceInput } from "./ReplayOptions.ts"
import { countProblem, readingProblem, traceInputOf, traceProblem } from "./rules/InputRules.ts"
import { atLeastOne, type Problem } from "./rules/Rule.ts"
import { incompleteSyntheticProblem, syntheticOf } from "./rules/SyntheticRules.ts"
import { traceFormats } from "./TraceFlags.ts"
import { writtenFormats, type WrittenFormat } from "./TraceToolFlags.ts"
import { type UsageError, usageError } from "./UsageError.ts"
import { defaultSeed } from "./DefaultSeed.ts"

type Checked<A> = Result.Result<A, UsageError | ConfigError>

export interface InspectOptions {
  /** A trace each. */
  readonly inputs: NonEmptyReadonlyArray<TraceInput>
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
  readonly load: SyntheticInput
  readonly traceBlockTokens: number
  readonly seed: number
}

/** Reads options with a reader, then fails with the first of the wrong form. */
const reading = <A>(values: FlagValues, read: (reader: FlagReader) => A): Checked<A> => {
  const reader = new FlagReader(values)
  const found = read(reader)
  return reader.problem === undefined ? Result.succeed(found) : Result.fail(reader.problem)
}

const check = (problem: Problem): Result.Result<void, UsageError> =>
  problem === undefined ? Result.succeed(undefined) : Result.fail(problem)

/** Several files are one `dynamo` trace, or as many traces of another format. */
const inputsOf = (
  given: GivenTrace & { readonly seed?: number | undefined }
): Result.Result<NonEmptyReadonlyArray<TraceInput>, UsageError> => {
  const { traceFormat, traces } = given
  const groups = traceFormat === "dynamo" ? [traces] : traces.map((file) => [file])
  const inputs = groups.flatMap((files) => (isReadonlyArrayNonEmpty(files) ? [traceInputOf(given, files)] : []))
  if (!isReadonlyArrayNonEmpty(inputs)) {
    return Result.fail(usageError("TRACE", "nothing to read", "give a trace file, or - for standard input"))
  }
  if (traces.includes("")) return Result.fail(usageError("TRACE", "the name of a trace file is empty"))
  return Result.map(check(countProblem(given) ?? readingProblem(given) ?? traceProblem(inputs[0])), () => inputs)
}

export const inspectOptions = (traces: ReadonlyArray<string>, values: FlagValues): Checked<InspectOptions> =>
  Result.gen(function* () {
    const { json, ...given } = yield* reading(values, (read) => ({
      ...readTrace(read),
      seed: read.integer("seed"),
      json: read.switch("json")
    }))
    return { inputs: yield* inputsOf({ ...given, traces }), json: json ?? false }
  })

export const validateOptions = (traces: ReadonlyArray<string>, values: FlagValues): Checked<ValidateOptions> =>
  Result.gen(function* () {
    const maxProblems = (yield* reading(values, (read) => read.integer("max-problems"))) ?? 20
    const options = yield* inspectOptions(traces, values)
    yield* check(atLeastOne("--max-problems", maxProblems))
    return { ...options, maxProblems }
  })

export const convertOptions = (traces: ReadonlyArray<string>, values: FlagValues): Checked<ConvertOptions> =>
  Result.gen(function* () {
    const { from, ...read } = yield* reading(values, (read) => ({
      ...readTrace(read),
      seed: read.integer("seed"),
      from: read.choice("from", traceFormats),
      to: read.choice("to", writtenFormats),
      toBlockTokens: read.integer("to-block-size")
    }))
    if (from !== undefined && read.traceFormat !== undefined) {
      yield* check(usageError("--from", "and --trace-format are the same", "give one of them"))
    }
    const given = { ...read, traceFormat: from ?? read.traceFormat }
    const { to, toBlockTokens, traceFormat } = given
    const [input, ...others] = yield* inputsOf({ ...given, traces })
    if (others.length > 0) {
      yield* check(usageError("--trace-format", `${input.format} takes exactly one trace file, got ${traces.length}`))
    }
    if (toBlockTokens !== undefined) {
      yield* check(atLeastOne("--to-block-size", toBlockTokens))
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

export const synthOptions = (values: FlagValues): Checked<SynthOptions> =>
  Result.gen(function* () {
    const given = yield* reading(
      values,
      (read): GivenSynthetic & Pick<GivenTrace, "traceBlockSize"> & { seed: number | undefined } => ({
        ...readSynthetic(read),
        traceBlockSize: read.integer("trace-block-size"),
        seed: read.integer("seed")
      })
    )
    const traceBlockTokens = given.traceBlockSize ?? 512
    yield* check(
      incompleteSyntheticProblem(given)
        ?? countProblem({ ...given, traces: [] })
        ?? atLeastOne("--trace-block-size", traceBlockTokens)
    )
    return { load: yield* syntheticOf(given), traceBlockTokens, seed: given.seed ?? defaultSeed }
  })
