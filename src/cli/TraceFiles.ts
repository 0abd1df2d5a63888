/** The files of commands that read traces and write one: which is which, and what is said about those that are read. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { printable } from "../report/Printable.ts"
import { inputName } from "../run/OpenTrace.ts"
import type { TraceInput } from "../run/ReplayOptions.ts"
import { usageError } from "../settings/SettingsError.ts"
import type { TraceSource } from "../trace/TraceSource.ts"
import type { OutputForm } from "./OutputForm.ts"
import { checkOutputs } from "./OutputPaths.ts"

/** The last of the files is the one to write, in this form; it is none of the others. */
export const readAndWritten = Effect.fnUntraced(function* (files: ReadonlyArray<string>, form: OutputForm) {
  const out = files.at(-1)
  if (out === undefined || out === "" || files.length < 2) {
    return yield* usageError("FILE", "needs a trace to read and a file to write", "give - to write to standard output")
  }
  const traces = files.slice(0, -1)
  yield* checkOutputs(
    [["FILE", out, form]],
    traces.map((path) => ({ what: "the trace", path }))
  )
  return { out, traces }
})

/** What the user should know of a trace, on standard error. */
export const tellNotices = ({ notices, remarks }: TraceSource, input: TraceInput): Effect.Effect<void> =>
  Effect.forEach(
    [...remarks, ...notices],
    (notice) => Console.error(`note: ${printable(`${inputName(input)}: ${notice}`)}`),
    {
      discard: true
    }
  )
