/** The end of a run: its report as a file, and what is printed of it. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as OutputFile from "../report/OutputFile.ts"
import type { OutputPaths } from "./OutputPaths.ts"

/**
 * The report is on disk before anything is printed; where it cannot be, what is printed is all that is left of the run. Where the report is
 * what is printed, or another output is, the text goes beside it. `textOf` is told where the report is, if it is anywhere.
 */
export const deliverReport = Effect.fnUntraced(function* (
  { report: path, standardOutputTaken }: OutputPaths,
  report: string,
  textOf: (savedTo: string | undefined) => string
) {
  const written = yield* Effect.result(OutputFile.write(path, report))
  const savedTo = path === "-" ? "standard output" : path
  const text = textOf(Result.isSuccess(written) ? savedTo : undefined)
  if (text !== "") yield* standardOutputTaken ? Console.error(text) : Console.log(text)
  yield* Effect.fromResult(written)
})
