/** `dynosim trace synth`: made-up load as a mooncake trace, by flags or by the classes of a workload file. */
import * as Effect from "effect/Effect"
import type { FlagValues } from "../config/ReadFlags.ts"
import { type SynthOptions, synthOptions } from "../config/TraceToolOptions.ts"
import type { InputFile } from "../run/InputFiles.ts"
import type { SyntheticInput, WorkloadInput } from "../run/ReplayOptions.ts"
import { usageError } from "../settings/SettingsError.ts"
import { editedText } from "../trace/edit/EditedTrace.ts"
import { mooncakeText } from "../trace/TraceWriter.ts"
import { plannedRows } from "../workload/classes/PlannedRows.ts"
import { planSynthetic } from "../workload/SyntheticLoad.ts"
import { withObjectFiles } from "./OptionFiles.ts"
import { checkOutputs } from "./OutputPaths.ts"
import { writeTrace } from "./TraceOutput.ts"

export const synthesiseTrace = Effect.fnUntraced(function* (out: string, flags: FlagValues) {
  if (out === "") return yield* usageError("OUT", "the name of the file to write is empty")
  const files = new Map<string, InputFile>()
  const values = yield* withObjectFiles(flags, files)
  yield* checkOutputs([["OUT", out, "trace"]], [...files.values()])
  const { load, ...options } = yield* Effect.fromResult(synthOptions(values))
  yield* load._tag === "Synthetic" ? writeSynthetic(out, load, options) : writePlanned(out, load, options)
})

const writeSynthetic = Effect.fnUntraced(function* (
  out: string,
  { _tag, arrivals, ...load }: SyntheticInput,
  { seed, traceBlockTokens }: Pick<SynthOptions, "seed" | "traceBlockTokens">
) {
  const { rows } = yield* planSynthetic({
    ...load,
    ...(arrivals === undefined ? {} : { arrivals }),
    blockTokens: traceBlockTokens,
    seed
  })
  yield* writeTrace(out, {
    text: mooncakeText(rows),
    requests: () => load.requestCount * load.turnsPerSession,
    traceBlockTokens
  })
})

const writePlanned = Effect.fnUntraced(function* (
  out: string,
  { plan, requestCount }: WorkloadInput,
  { seed }: Pick<SynthOptions, "seed">
) {
  const rows = yield* plannedRows(plan, { requestCount, seed })
  const written = { requests: 0 }
  const { blockTokens: traceBlockTokens } = plan
  yield* writeTrace(out, {
    text: editedText({ file: "workload", format: "mooncake", traceBlockTokens, rows }, written),
    requests: () => written.requests,
    traceBlockTokens
  })
})
