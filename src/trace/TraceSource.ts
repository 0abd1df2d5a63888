/**
 * A trace ready to be replayed: checked whole, described by its survey, and readable again from the start. The one place
 * that knows all formats.
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Scope from "effect/Scope"
import type * as Stdio from "effect/Stdio"
import type * as Stream from "effect/Stream"
import { agenticMooncakeRows } from "./AgenticMooncakeReader.ts"
import { surveyAgentic } from "./AgenticSurvey.ts"
import { maxTokens } from "./FieldSchemas.ts"
import { lineBatches } from "./LineReader.ts"
import { mooncakeRows } from "./MooncakeReader.ts"
import type { RequestGraph } from "./RequestGraph.ts"
import { TraceError } from "./TraceError.ts"
import { openTraceFile } from "./TraceFile.ts"
import type { TraceRow } from "./TraceRow.ts"
import { surveyRows } from "./TraceSurvey.ts"
import type { TraceSurvey } from "./TraceSurvey.ts"

export interface TraceSource {
  /** File as the user named it, `-` for standard input; the first of several. */
  readonly file: string
  /** Tokens per hash id. */
  readonly traceBlockTokens: number
  readonly survey: TraceSurvey
  /** A row holds only what its turn adds to the prompt of its session. */
  readonly accumulatesPrompts: boolean
  /** Which request waits for which, where the trace says so; without it the order of turns in a session decides. */
  readonly graph: RequestGraph | undefined
  /** The rows, in the same order at every run. */
  readonly rows: Stream.Stream<TraceRow, TraceError>
}

export interface MooncakeOptions {
  /** Path, or `-` for standard input. */
  readonly file: string
  /** Tokens per hash id; 512 in the published traces. */
  readonly traceBlockTokens: number
}

type Opened = Effect.Effect<TraceSource, TraceError, FileSystem.FileSystem | Stdio.Stdio | Scope.Scope>

const checkBlockTokens = (file: string, traceBlockTokens: number): Effect.Effect<void, TraceError> => {
  if (Number.isInteger(traceBlockTokens) && traceBlockTokens >= 1 && traceBlockTokens <= maxTokens) return Effect.void
  const problem = traceBlockTokens > maxTokens
    ? `trace_block_size must be at most ${maxTokens}, got ${traceBlockTokens}`
    : `trace_block_size must be greater than 0, got ${traceBlockTokens}`
  return Effect.fail(new TraceError({ file, problem }))
}

/** Lines of a file; the scope keeps the copy of an input that can be read only once. */
const openLines = Effect.fnUntraced(function*(file: string, traceBlockTokens: number) {
  yield* checkBlockTokens(file, traceBlockTokens)
  const { bytes } = yield* openTraceFile(file)
  return lineBatches(bytes, file)
})

/** Opens and checks a `mooncake` file. */
export const openMooncake: (options: MooncakeOptions) => Opened = Effect.fnUntraced(function*(
  { file, traceBlockTokens }
) {
  const rows = mooncakeRows(yield* openLines(file, traceBlockTokens), file, traceBlockTokens)
  const survey = yield* surveyRows(rows, file, (row) => row.clamped)
  return { file, traceBlockTokens, survey, accumulatesPrompts: false, graph: undefined, rows }
})

/** Opens and checks a `mooncake-delta` file: rows hold what their turn adds to the prompt of the session. */
export const openMooncakeDelta = (options: MooncakeOptions): Opened =>
  Effect.map(openMooncake(options), (source) => ({ ...source, accumulatesPrompts: source.survey.multiTurn }))

/** Opens and checks an `agentic_mooncake` file. */
export const openAgenticMooncake: (options: MooncakeOptions) => Opened = Effect.fnUntraced(function*(
  { file, traceBlockTokens }
) {
  const rows = agenticMooncakeRows(yield* openLines(file, traceBlockTokens), file, traceBlockTokens)
  const { graph, survey } = yield* surveyAgentic(rows, file)
  return { file, traceBlockTokens, survey, accumulatesPrompts: false, graph, rows }
})
