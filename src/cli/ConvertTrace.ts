/** `dynosim trace convert`: a trace in another format. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { FlagValues } from "../config/ReadFlags.ts"
import type { ConvertOptions } from "../config/TraceToolOptions.ts"
import { convertOptions } from "../config/TraceToolOptions.ts"
import { usageError } from "../settings/SettingsError.ts"
import { convertTrace } from "../workload/TraceConversion.ts"
import { inputName, openInput } from "../run/OpenTrace.ts"
import { readAndWritten, tellNotices } from "./TraceFiles.ts"
import { writeTrace } from "./TraceOutput.ts"

export const convertTraceFile = Effect.fnUntraced(function* (files: ReadonlyArray<string>, flags: FlagValues) {
  const { out, traces } = yield* readAndWritten(files, "trace")
  const options = yield* Effect.fromResult(convertOptions(traces, flags))
  yield* Effect.scoped(convert(options, out))
})

const convert = Effect.fnUntraced(function* ({ input, to, toBlockTokens }: ConvertOptions, out: string) {
  const trace = yield* openInput(input)
  yield* tellNotices(trace, input)
  const converted = convertTrace(trace, { to, blockTokens: toBlockTokens })
  if (Result.isFailure(converted)) {
    return yield* usageError("--to", `${inputName(input)} cannot be written as ${to}: ${converted.failure}`)
  }
  yield* writeTrace(out, { ...converted.success, requests: () => trace.survey.rows })
})
