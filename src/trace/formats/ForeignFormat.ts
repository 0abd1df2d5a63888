/**
 * What a format of somebody else is to this program: a way from a file to rows. One module per format, all listed in the
 * registry.
 */
import type * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Scope from "effect/Scope"
import type * as Stdio from "effect/Stdio"
import type * as Stream from "effect/Stream"
import type { PrefixModel } from "./PrefixModel.ts"
import type { TraceColumns } from "./TraceColumns.ts"
import type { TimeUnit } from "../MooncakeFields.ts"
import type { TraceError } from "../TraceError.ts"
import type { TraceRow } from "../TraceRow.ts"
import { defaultTraceBlockTokens } from "../FieldSchemas.ts"

/** How later turns of a session arrive: at the times that the trace names, or after the turn before has ended. */
export type SessionTurns = "times" | "wait"

/** How a file is to be read, as far as the user said. */
export interface ForeignReading {
  /** Path, or `-` for standard input. */
  readonly file: string
  /** Tokens per hash id. */
  readonly traceBlockTokens: number | undefined
  readonly timeUnit: TimeUnit | undefined
  readonly columns: TraceColumns | undefined
  readonly prefixes: PrefixModel
  /** Of every draw. */
  readonly seed: number
  readonly sessionTurns: SessionTurns | undefined
  /** Of rows that do not say how long their output is. */
  readonly defaultOutputTokens: number | undefined
  /** Bytes of text that make a token, for rows that hold the text of their prompt only. */
  readonly textBytesPerToken: number | undefined
}

/** A file opened as a trace of somebody else. */
export interface ForeignTrace {
  /** Tokens per hash id. */
  readonly traceBlockTokens: number
  /** A row holds only what its turn adds to the prompt of its session. */
  readonly accumulatesPrompts: boolean
  /** Rows are of a graph: each is an `AgenticRow`. */
  readonly isGraph: boolean
  /** The rows, anew at every run. */
  readonly rows: Stream.Stream<TraceRow, TraceError>
  /** What was left out or made up; complete after a run of the rows. */
  readonly notices: () => ReadonlyArray<string>
}

export type OpenForeign = (
  reading: ForeignReading
) => Effect.Effect<ForeignTrace, TraceError, FileSystem.FileSystem | Stdio.Stdio | Scope.Scope>

/** Hash ids of traces that bring none stand for so many tokens. */
export const defaultForeignBlockTokens = defaultTraceBlockTokens
