/** The options of the commands that edit traces: typed, held against each other, complete. */
import * as Result from "effect/Result"
import { type UsageError, usageError } from "../settings/SettingsError.ts"
import { defaultSeed } from "../structures/Pcg32.ts"
import type { AnonymiseOptions } from "../trace/edit/Anonymise.ts"
import type { MergeOptions } from "../trace/edit/Merge.ts"
import type { SampleOptions } from "../trace/edit/Sample.ts"
import type { ScaleOptions } from "../trace/edit/Scale.ts"
import type { SliceOptions } from "../trace/edit/Slice.ts"
import type { CapOptions, ShiftOptions } from "../trace/edit/Times.ts"
import type { ConfigError } from "./ConfigError.ts"
import { type FlagValues, readFlags } from "./ReadFlags.ts"
import {
  anonymiseFlags,
  capGapsFlags,
  mergeFlags,
  sampleFlags,
  scaleFlags,
  shiftFlags,
  sliceFlags
} from "./TraceEditFlags.ts"
import { inputsOf, type ManyInputs } from "./TraceToolOptions.ts"

/** What an edit is to do, and the traces to do it to. */
export interface EditRequest<Edit> {
  readonly inputs: ManyInputs
  readonly edit: Edit
}

type Checked<Edit> = Result.Result<EditRequest<Edit>, UsageError | ConfigError>
type Files = ReadonlyArray<string>

const ms = (seconds: number | undefined, absent: number): number => (seconds === undefined ? absent : seconds * 1000)

const oneTrace = (inputs: ManyInputs): Result.Result<ManyInputs, UsageError> => {
  const [input, ...others] = inputs
  return others.length === 0
    ? Result.succeed(inputs)
    : Result.fail(
        usageError("FILE", `takes one ${input.format} trace, got ${inputs.length}`, "trace merge makes one of several")
      )
}

/** Of two options one, and only one. */
const oneOfTwo = (
  first: string,
  second: string,
  given: readonly [unknown, unknown]
): Result.Result<void, UsageError> => {
  const count = given.filter((value) => value !== undefined).length
  if (count === 1) return Result.succeed(undefined)
  return Result.fail(
    count === 0
      ? usageError(first, "is missing", `give it or ${second}`)
      : usageError(first, `and ${second} say the same in two ways`, "give one of them")
  )
}

export const sliceOptions = (traces: Files, values: FlagValues): Checked<SliceOptions> =>
  Result.gen(function* () {
    const given = yield* readFlags(sliceFlags, values)
    const inputs = yield* Result.flatMap(inputsOf({ ...given, traces }), oneTrace)
    if ([given.count, given.fromSeconds, given.skip, given.untilSeconds].every((bound) => bound === undefined)) {
      return yield* Result.fail(
        usageError("--from-seconds", "is missing", "give it, --until-seconds, --skip or --count: what is to be kept")
      )
    }
    const { by = "sessions", count = Number.POSITIVE_INFINITY, fromSeconds, skip = 0, untilSeconds } = given
    const edit = { by, count, skip, fromMs: ms(fromSeconds, 0), untilMs: ms(untilSeconds, Number.POSITIVE_INFINITY) }
    if (edit.untilMs <= edit.fromMs) {
      return yield* Result.fail(
        usageError("--until-seconds", `must be more than --from-seconds, got ${untilSeconds} and ${fromSeconds ?? 0}`)
      )
    }
    return { inputs, edit }
  })

export const sampleOptions = (traces: Files, values: FlagValues): Checked<SampleOptions> =>
  Result.gen(function* () {
    const given = yield* readFlags(sampleFlags, values)
    const inputs = yield* Result.flatMap(inputsOf({ ...given, traces }), oneTrace)
    const { by = "sessions", count, seed = defaultSeed, share = 1 } = given
    yield* oneOfTwo("--share", "--count", [given.share, count])
    return { inputs, edit: { by, seed, size: count === undefined ? { share } : { count } } }
  })

export const scaleOptions = (traces: Files, values: FlagValues): Checked<ScaleOptions> =>
  Result.gen(function* () {
    const given = yield* readFlags(scaleFlags, values)
    const inputs = yield* Result.flatMap(inputsOf({ ...given, traces }), oneTrace)
    const { inputFactor, outputFactor, rateFactor } = given
    if (inputFactor === undefined && outputFactor === undefined && rateFactor === undefined) {
      return yield* Result.fail(usageError("--rate-factor", "is missing", "give it, --input-factor or --output-factor"))
    }
    const [input, output, rate] = [inputFactor ?? 1, outputFactor ?? 1, rateFactor ?? 1]
    return { inputs, edit: { input, output, rate } }
  })

export const capGapsOptions = (traces: Files, values: FlagValues): Checked<CapOptions> =>
  Result.gen(function* () {
    const given = yield* readFlags(capGapsFlags, values)
    const inputs = yield* Result.flatMap(inputsOf({ ...given, traces }), oneTrace)
    const { maxGapSeconds, maxWaitSeconds } = given
    if (maxGapSeconds === undefined && maxWaitSeconds === undefined) {
      return yield* Result.fail(usageError("--max-gap-seconds", "is missing", "give it, --max-wait-seconds, or both"))
    }
    const never = Number.POSITIVE_INFINITY
    return { inputs, edit: { maxGapMs: ms(maxGapSeconds, never), maxWaitMs: ms(maxWaitSeconds, never) } }
  })

export const shiftOptions = (traces: Files, values: FlagValues): Checked<ShiftOptions> =>
  Result.gen(function* () {
    const given = yield* readFlags(shiftFlags, values)
    const inputs = yield* Result.flatMap(inputsOf({ ...given, traces }), oneTrace)
    const { bySeconds, toSeconds } = given
    yield* oneOfTwo("--by-seconds", "--to-seconds", [bySeconds, toSeconds])
    return { inputs, edit: toSeconds === undefined ? { byMs: ms(bySeconds, 0) } : { toMs: ms(toSeconds, 0) } }
  })

export const anonymiseOptions = (traces: Files, values: FlagValues): Checked<AnonymiseOptions> =>
  Result.gen(function* () {
    const given = yield* readFlags(anonymiseFlags, values)
    const inputs = yield* Result.flatMap(inputsOf({ ...given, traces }), oneTrace)
    return { inputs, edit: { jitterMs: ms(given.jitterSeconds, 0), seed: given.seed ?? defaultSeed } }
  })

export const mergeOptions = (traces: Files, values: FlagValues): Checked<MergeOptions> =>
  Result.gen(function* () {
    const given = yield* readFlags(mergeFlags, values)
    const inputs = yield* inputsOf({ ...given, traces }, true)
    if (inputs.length < 2) {
      return yield* Result.fail(usageError("FILE", "needs two traces or more to merge, and a file to write"))
    }
    return { inputs, edit: { keepsIds: given.keepIds ?? false } }
  })
