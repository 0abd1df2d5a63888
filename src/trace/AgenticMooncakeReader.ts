/**
 * Rows of the `agentic_mooncake` format: mooncake rows with a name each, that may wait for rows named elsewhere.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import * as Fields from "./FieldSchemas.ts"
import type { FieldRules, JsonObject } from "./JsonLine.ts"
import type { LineBatch } from "./LineReader.ts"
import {
  clashingAlias,
  excessiveTime,
  mooncakeFields,
  mooncakeIntegers,
  requestFields,
  rowContext,
  type RowReading
} from "./MooncakeFields.ts"
import { readRows } from "./RowReader.ts"
import type { RowFormat, RowResult } from "./RowReader.ts"
import type { CheckedRow } from "./TraceChecks.ts"
import type { TraceError } from "./TraceError.ts"
import type { TraceRow } from "./TraceRow.ts"
import { counted } from "../settings/Counted.ts"

/** One call of a tool; carried along, without effect on the simulation. */
const ToolEvent = Schema.Struct({
  tool_call_id: Schema.String,
  tool_class: Schema.String,
  status: Schema.String,
  started_at_unix_ms: Fields.Unsigned64,
  ended_at_unix_ms: Fields.Unsigned64,
  duration_ms: Schema.Finite,
  output_bytes: Schema.optionalKey(Schema.NullOr(Fields.Unsigned64)),
  output_tokens: Schema.optionalKey(Schema.NullOr(Fields.Unsigned64)),
  error_type: Fields.Text
})

const agenticFields = {
  ...mooncakeFields,
  request_id: Schema.String,
  wait_for: Schema.optionalKey(Schema.Array(Schema.String)),
  tool_wait_ms: Fields.Milliseconds,
  branches: Schema.optionalKey(Schema.Array(Schema.String)),
  prefix_reset: Fields.Flag,
  request_kind: Fields.Text,
  tool_events: Schema.optionalKey(Schema.Array(ToolEvent))
}

type AgenticFields = Schema.Struct.Type<typeof agenticFields>

const decodeFields = Schema.decodeUnknownResult(Schema.Struct(agenticFields))

export const agenticRules: FieldRules = {
  known: new Set(Object.keys(agenticFields)),
  integers: new Set([...mooncakeIntegers, "started_at_unix_ms", "ended_at_unix_ms", "output_bytes"])
}

/** A row of a graph: its `delayMs` is the whole wait after its last dependency. */
export interface AgenticRow extends TraceRow {
  readonly requestId: string
  /** Names of the rows it waits for, as written: one named twice is there twice. */
  readonly waitFor: ReadonlyArray<string>
  readonly delayMs: number
}

/** What is only carried along needs no exact 64-bit integers, and JSON has none. */
const plainNumbers = (event: object): object =>
  Object.fromEntries(
    Object.entries(event).map(([key, value]) => [key, typeof value === "bigint" ? Number(value) : value])
  )

/** The fields that change nothing, under the names they have in the trace. */
const annotationsOf = (fields: AgenticFields): Pick<TraceRow, "annotations"> => {
  const annotations: Record<string, unknown> = {}
  if (typeof fields.request_kind === "string") annotations["request_kind"] = fields.request_kind
  if (typeof fields.prefix_reset === "boolean") annotations["prefix_reset"] = fields.prefix_reset
  if (fields.branches !== undefined) annotations["branches"] = fields.branches
  if (fields.tool_events !== undefined) annotations["tool_events"] = fields.tool_events.map(plainNumbers)
  return Object.keys(annotations).length === 0 ? {} : { annotations }
}

/** A row of a file. */
export type ReadAgenticRow = AgenticRow & CheckedRow

const rowOf = (object: JsonObject, line: number, reading: RowReading): RowResult<ReadAgenticRow> => {
  const decoded = decodeFields(object)
  if (Result.isFailure(decoded)) return { problem: Fields.describeIssue(decoded.failure.issue, object) }
  const fields = decoded.success
  const clash = clashingAlias(fields) ?? excessiveTime(fields, reading)
  if (clash !== undefined) return { problem: clash }
  if (fields.request_id.trim() === "") return { problem: `trace line ${line} has empty request_id` }
  const { traceBlockTokens } = reading
  const request = requestFields(fields, line, traceBlockTokens)
  if (typeof request === "string") return { problem: request }
  const { capacityTokens, hashIds, inputTokens, outputTokenIds, outputTokens, statedTokens } = request
  if (inputTokens > capacityTokens) {
    return {
      problem:
        `trace line ${line} has input_length ${inputTokens} but only ${counted(capacityTokens, "token")} can be synthesized`
        + ` from ${counted(hashIds.length, "hash_id")} at trace_block_size ${traceBlockTokens}`
    }
  }
  if (inputTokens < 1) return { problem: `trace line ${line} must have a positive input_length` }
  const context = rowContext(fields, reading)
  const delayMs = (context.delayMs ?? 0) + (fields.tool_wait_ms ?? 0)
  if (!Number.isFinite(delayMs) || delayMs < 0) {
    return { problem: `trace line ${line} has invalid dependency delay ${delayMs}; it must be finite and not negative` }
  }
  if (context.timestampMs !== undefined && context.timestampMs < 0) {
    return { problem: `trace line ${line} has invalid timestamp ${context.timestampMs}; it must not be negative` }
  }
  return {
    row: {
      line,
      promptTokens: inputTokens,
      outputTokens,
      hashIds,
      outputTokenIds,
      ...context,
      statedTokens,
      requestId: fields.request_id,
      waitFor: fields.wait_for ?? [],
      delayMs,
      ...annotationsOf(fields)
    }
  }
}

/** Whether a row of any trace is one of a graph. */
export const isAgenticRow = (row: TraceRow): row is AgenticRow => "waitFor" in row

/** Checked rows of an agentic mooncake file, in file order; fails with the first bad line. */
export const agenticMooncakeRows = <R>(
  lines: Stream.Stream<LineBatch, TraceError, R>,
  file: string,
  reading: RowReading,
  observe?: RowFormat<ReadAgenticRow>["observe"]
): Stream.Stream<ReadAgenticRow, TraceError, R> =>
  readRows(lines, {
    file,
    rules: agenticRules,
    readAs: "agentic_mooncake",
    observe,
    rowOf: (object, line) => rowOf(object, line, reading)
  })
