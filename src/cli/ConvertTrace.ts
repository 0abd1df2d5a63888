/** `dynosim trace convert`: a trace in another format. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { FlagValues } from "../config/ReadFlags.ts"
import type { ConvertOptions } from "../config/TraceToolOptions.ts"
import { convertOptions } from "../config/TraceToolOptions.ts"
import { printable } from "../report/Printable.ts"
import { usageError } from "../settings/SettingsError.ts"
import { convertTrace } from "../workload/TraceConversion.ts"
import { inputName, openInput } from "../run/OpenTrace.ts"
import { checkOutputs } from "./OutputPaths.ts"
import { writeTrace } from "./TraceOutput.ts"

/** The last of the files is the one to write. */
export const convertTraceFile = Effect.fnUntraced(function* (files: ReadonlyArray<string>, flags: FlagValues) {
  const out = files.at(-1)
  if (out === undefined || out === "" || files.length < 2) {
    return yield* usageError("FILE", "needs a trace to read and a file to write", "give - to write to standard output")
  }
  const options = yield* Effect.fromResult(convertOptions(files.slice(0, -1), flags))
  yield* checkOutputs(
    [["FILE", out]],
    options.input.files.map((path) => ({ what: "the trace", path }))
  )
  yield* Effect.scoped(convert(options, out))
})

const convert = Effect.fnUntraced(function* ({ input, to, toBlockTokens }: ConvertOptions, out: string) {
  const trace = yield* openInput(input)
  for (const notice of [...trace.remarks, ...trace.notices]) {
    yield* Console.error(`note: ${printable(`${inputName(input)}: ${notice}`)}`)
  }
  const converted = convertTrace(trace, { to, blockTokens: toBlockTokens })
  if (Result.isFailure(converted)) {
    return yield* usageError("--to", `${inputName(input)} cannot be written as ${to}: ${converted.failure}`)
  }
  yield* writeTrace(out, { ...converted.success, requests: trace.survey.rows })
})
