/** The commands that edit traces: read, do something to the rows, write. */
import * as Console from "effect/Console"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type { ConfigError } from "../config/ConfigError.ts"
import type { FlagValues } from "../config/ReadFlags.ts"
import * as Options from "../config/TraceEditOptions.ts"
import { openInput } from "../run/OpenTrace.ts"
import type { TraceInput } from "../run/ReplayOptions.ts"
import type { UsageError } from "../settings/SettingsError.ts"
import { anonymise } from "../trace/edit/Anonymise.ts"
import { editedText, type EditedTrace } from "../trace/edit/EditedTrace.ts"
import { merge } from "../trace/edit/Merge.ts"
import { sample } from "../trace/edit/Sample.ts"
import { scale } from "../trace/edit/Scale.ts"
import { slice } from "../trace/edit/Slice.ts"
import { capGaps, shift } from "../trace/edit/Times.ts"
import type { TraceError } from "../trace/TraceError.ts"
import type { TraceSource } from "../trace/TraceSource.ts"
import { readAndWritten, tellNotices } from "./TraceFiles.ts"
import { writeTrace } from "./TraceOutput.ts"

type Files = ReadonlyArray<string>

/** A command from its words: what it is told, and what it does to the traces that it reads. */
const editing =
  <Edit>(
    optionsOf: (traces: Files, flags: FlagValues) => Result.Result<Options.EditRequest<Edit>, UsageError | ConfigError>,
    apply: (traces: Arr.NonEmptyReadonlyArray<TraceSource>, edit: Edit) => Effect.Effect<EditedTrace, TraceError>
  ) =>
  (files: Files, flags: FlagValues) =>
    Effect.gen(function* () {
      const { out, traces } = yield* readAndWritten(files, "trace")
      const { edit, inputs } = yield* Effect.fromResult(optionsOf(traces, flags))
      yield* Effect.scoped(
        Effect.flatMap(Effect.forEach(inputs, open), (opened) =>
          Effect.flatMap(apply(opened, edit), (result) => write(out, result))
        )
      )
    })

const open = Effect.fnUntraced(function* (input: TraceInput) {
  const trace = yield* openInput(input)
  yield* tellNotices(trace, input)
  return trace
})

const write = Effect.fnUntraced(function* (out: string, trace: EditedTrace) {
  const written = { requests: 0 }
  yield* writeTrace(out, {
    text: editedText(trace, written),
    requests: () => written.requests,
    traceBlockTokens: trace.traceBlockTokens
  })
  if (trace.format !== "mooncake") {
    yield* Console.error(`note: replay it with --trace-format ${trace.format}, which is what its rows are`)
  }
})

/** An edit of one trace. */
const ofOne =
  <Edit>(apply: (trace: TraceSource, edit: Edit) => Effect.Effect<EditedTrace, TraceError>) =>
  ([trace]: Arr.NonEmptyReadonlyArray<TraceSource>, edit: Edit): Effect.Effect<EditedTrace, TraceError> =>
    apply(trace, edit)

export const sliceTrace = editing(Options.sliceOptions, ofOne(slice))
export const sampleTrace = editing(Options.sampleOptions, ofOne(sample))
export const scaleTrace = editing(Options.scaleOptions, ofOne(scale))
export const capGapsOfTrace = editing(Options.capGapsOptions, ofOne(capGaps))
export const shiftTrace = editing(Options.shiftOptions, ofOne(shift))
export const anonymiseTrace = editing(Options.anonymiseOptions, ofOne(anonymise))
export const mergeTraces = editing(Options.mergeOptions, merge)
