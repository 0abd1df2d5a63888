/** Opens a trace as the options say. */
import * as Effect from "effect/Effect"
import { TraceError } from "../trace/TraceError.ts"
import type { TraceInput } from "./ReplayOptions.ts"
import { openTrace } from "../trace/TraceSource.ts"

/**
 * Reads and checks it; the scope keeps the copy of an input that can be read only once. What would be a notice is an error
 * where the input is strict.
 */
export const openInput = Effect.fnUntraced(function* (input: TraceInput) {
  const { columns, defaultOutputTokens, prefixes, prefixSeed, sessionTurns, textBytesPerToken } = input
  const { files, format, prefixGroups, sharedPrefixRatio, strict, timeUnit, traceBlockTokens } = input
  const trace = yield* openTrace({
    files,
    format,
    prefixGroups,
    sharedPrefixRatio,
    foreign: { columns, prefixes, seed: prefixSeed, sessionTurns, defaultOutputTokens, textBytesPerToken },
    ...(timeUnit === undefined ? {} : { timeUnit }),
    ...(traceBlockTokens === undefined ? {} : { traceBlockTokens })
  })
  const [notice] = trace.notices
  if (strict && notice !== undefined) {
    return yield* new TraceError({ file: trace.file, problem: `${notice} (an error because of --strict)` })
  }
  return trace
})

/** What messages call it. */
export const inputName = ({ files }: TraceInput): string => files.join(", ")
