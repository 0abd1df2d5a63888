/**
 * A trace ready to be replayed: checked whole, described by its survey, and readable again from the start.
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Scope from "effect/Scope"
import type * as Stdio from "effect/Stdio"
import type * as Stream from "effect/Stream"
import { maxTokens } from "./FieldSchemas.ts"
import { lineBatches } from "./LineReader.ts"
import { mooncakeRows } from "./MooncakeReader.ts"
import { TraceError } from "./TraceError.ts"
import { openTraceFile } from "./TraceFile.ts"
import type { TraceRow } from "./TraceRow.ts"
import { surveyRows } from "./TraceSurvey.ts"
import type { TraceSurvey } from "./TraceSurvey.ts"

export interface TraceSource {
  /** File as the user named it, `-` for standard input. */
  readonly file: string
  /** Tokens per hash id. */
  readonly traceBlockTokens: number
  readonly survey: TraceSurvey
  /** The rows in file order, read anew at every run. */
  readonly rows: Stream.Stream<TraceRow, TraceError>
}

export interface MooncakeOptions {
  /** Path, or `-` for standard input. */
  readonly file: string
  /** Tokens per hash id; 512 in the published traces. */
  readonly traceBlockTokens: number
}

const checkBlockTokens = (file: string, traceBlockTokens: number): Effect.Effect<void, TraceError> => {
  if (Number.isInteger(traceBlockTokens) && traceBlockTokens >= 1 && traceBlockTokens <= maxTokens) return Effect.void
  const problem = traceBlockTokens > maxTokens
    ? `trace_block_size must be at most ${maxTokens}, got ${traceBlockTokens}`
    : `trace_block_size must be greater than 0, got ${traceBlockTokens}`
  return Effect.fail(new TraceError({ file, problem }))
}

/** Opens and checks a `mooncake` file. The scope keeps the copy of an input that can be read only once. */
export const openMooncake = Effect.fnUntraced(function*(
  { file, traceBlockTokens }: MooncakeOptions
): Effect.fn.Return<TraceSource, TraceError, FileSystem.FileSystem | Stdio.Stdio | Scope.Scope> {
  yield* checkBlockTokens(file, traceBlockTokens)
  const { bytes } = yield* openTraceFile(file)
  const rows = mooncakeRows(lineBatches(bytes, file), file, traceBlockTokens)
  const survey = yield* surveyRows(rows, file, (row) => row.clamped)
  return { file, traceBlockTokens, survey, rows }
})
