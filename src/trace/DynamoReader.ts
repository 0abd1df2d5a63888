/**
 * Records of Dynamo request traces: ends of requests with the hashes of their prompts, and ends of tool calls.
 *
 * A line holds a record, or a recorder's wrapper with the record under `event`.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { HashId } from "../request/HashId.ts"
import * as Fields from "./FieldSchemas.ts"
import type { FieldRules, JsonObject } from "./JsonLine.ts"
import { isJsonObject } from "./JsonLine.ts"
import type { LineBatch } from "./LineReader.ts"
import { readRows, skipped } from "./RowReader.ts"
import type { RowResult } from "./RowReader.ts"
import type { TraceError } from "./TraceError.ts"
import { counted } from "../settings/Counted.ts"

const supportedSchema = "dynamo.request.trace.v1"

const AgentContext = Schema.Struct({ session_id: Schema.String, parent_session_id: Fields.Text })

const Header = Schema.Struct({
  schema: Schema.Literal(supportedSchema),
  event_type: Schema.String,
  event_time_unix_ms: Fields.TimeMs,
  agent_context: Schema.optionalKey(Schema.NullOr(AgentContext))
})

const RequestEnd = Schema.Struct({
  request: Schema.Struct({
    request_id: Schema.String,
    output_tokens: Fields.Count,
    request_received_ms: Fields.TimeMs,
    total_time_ms: Fields.Milliseconds,
    replay: Schema.Struct({
      trace_block_size: Fields.Count,
      input_length: Fields.Count,
      input_sequence_hashes: Fields.HashList
    })
  })
})

const ToolEnd = Schema.Struct({
  tool: Schema.Struct({
    tool_call_id: Schema.String,
    started_at_unix_ms: Schema.optionalKey(Schema.NullOr(Fields.TimeMs)),
    ended_at_unix_ms: Schema.optionalKey(Schema.NullOr(Fields.TimeMs)),
    duration_ms: Fields.Milliseconds,
    claude: Schema.optionalKey(
      Schema.NullOr(
        Schema.Struct({
          source_request_id: Schema.String,
          consumer_request_id: Fields.Text,
          child_session_id: Fields.Text,
          execution_mode: Schema.String
        })
      )
    )
  })
})

const decodeHeader = Schema.decodeUnknownResult(Header)
const decodeRequestEnd = Schema.decodeUnknownResult(RequestEnd)
const decodeToolEnd = Schema.decodeUnknownResult(ToolEnd)

type Header = typeof Header.Type

const rules: FieldRules = {
  known: new Set(["event", ...Object.keys(Header.fields), "request", "tool"]),
  integers: new Set([
    "event_time_unix_ms",
    "request_received_ms",
    "output_tokens",
    "trace_block_size",
    "input_length",
    "input_sequence_hashes",
    "started_at_unix_ms",
    "ended_at_unix_ms"
  ])
}

/** Where a record stands. */
export interface RecordPlace {
  readonly file: string
  readonly line: number
}

export interface FinishedRequest extends RecordPlace {
  readonly id: string
  /** Present when an agent made the request. */
  readonly session: { readonly id: string; readonly parentId: string | undefined } | undefined
  /** Unix ms. */
  readonly startMs: number
  readonly endMs: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly traceBlockTokens: number
}

export interface DynamoRequest extends FinishedRequest {
  readonly _tag: "Request"
  readonly hashes: ReadonlyArray<HashId>
}

/** A tool call that says which request started a child session and which one used its result. */
export interface DynamoToolLink extends RecordPlace {
  readonly _tag: "ToolLink"
  readonly toolCallId: string
  readonly sessionId: string
  readonly sourceId: string
  readonly consumerId: string | undefined
  readonly childSessionId: string | undefined
  readonly executionMode: string
}

export type DynamoRecord = DynamoRequest | DynamoToolLink

const requestOf = (record: JsonObject, header: Header, place: RecordPlace): RowResult<DynamoRecord> => {
  const invalid = (cause: string) => ({ problem: `invalid request_end at ${place.file}:${place.line}: ${cause}` })
  const decoded = decodeRequestEnd(record)
  if (Result.isFailure(decoded)) return invalid(Fields.describeIssue(decoded.failure.issue, record))
  const { output_tokens, replay, request_id, request_received_ms, total_time_ms } = decoded.success.request
  const { input_length, input_sequence_hashes, trace_block_size } = replay
  if (trace_block_size < 1) return invalid("trace_block_size must be greater than 0")
  const blocks = Math.ceil(input_length / trace_block_size)
  if (input_sequence_hashes.length !== blocks) {
    return invalid(
      `input_sequence_hashes has ${counted(input_sequence_hashes.length, "entry", "entries")}, but ${counted(input_length, "token")} in blocks of`
        + ` ${trace_block_size} make ${blocks}`
    )
  }
  if (input_length < 1) return invalid("input_length must be at least 1")
  if (output_tokens < 1) return invalid("output_tokens must be at least 1")
  const totalMs =
    typeof total_time_ms === "number"
      ? Math.round(Math.max(0, total_time_ms))
      : Math.max(0, header.event_time_unix_ms - request_received_ms)
  const context = header.agent_context ?? undefined
  return {
    row: {
      _tag: "Request",
      ...place,
      id: request_id,
      session:
        context === undefined
          ? undefined
          : { id: context.session_id, parentId: context.parent_session_id ?? undefined },
      startMs: request_received_ms,
      endMs: request_received_ms + totalMs,
      inputTokens: input_length,
      outputTokens: output_tokens,
      traceBlockTokens: trace_block_size,
      hashes: input_sequence_hashes
    }
  }
}

const toolLinkOf = (record: JsonObject, header: Header, place: RecordPlace): RowResult<DynamoRecord> => {
  const { agent_context } = header
  if (agent_context === undefined || agent_context === null) return skipped
  if (record["tool"] === undefined || record["tool"] === null) return skipped
  const decoded = decodeToolEnd(record)
  if (Result.isFailure(decoded)) return { problem: Fields.describeIssue(decoded.failure.issue, record) }
  const { claude, duration_ms, ended_at_unix_ms, started_at_unix_ms, tool_call_id } = decoded.success.tool
  const endMs = ended_at_unix_ms ?? header.event_time_unix_ms
  const startMs = started_at_unix_ms ?? endMs - Math.round(Math.max(0, duration_ms ?? 0))
  if (claude === undefined || claude === null || endMs < startMs) return skipped
  return {
    row: {
      _tag: "ToolLink",
      ...place,
      toolCallId: tool_call_id,
      sessionId: agent_context.session_id,
      sourceId: claude.source_request_id,
      consumerId: claude.consumer_request_id ?? undefined,
      childSessionId: claude.child_session_id ?? undefined,
      executionMode: claude.execution_mode
    }
  }
}

const recordOf = (object: JsonObject, place: RecordPlace): RowResult<DynamoRecord> => {
  const record = "event" in object ? object["event"] : object
  if (!isJsonObject(record)) return skipped
  const decoded = decodeHeader(record)
  if (Result.isFailure(decoded)) return { problem: Fields.describeIssue(decoded.failure.issue, record) }
  const header = decoded.success
  switch (header.event_type) {
    case "request_end":
      return requestOf(record, header, place)
    case "tool_end":
    case "tool_error":
      return toolLinkOf(record, header, place)
    case "tool_start":
      return skipped
    default:
      return {
        problem:
          "request trace schema only supports request_end/tool_* events,"
          + ` got ${header.event_type} at ${place.file}:${place.line}`
      }
  }
}

/** Checked records of one file; fails with the first bad line. */
export const dynamoRecords = <R>(
  lines: Stream.Stream<LineBatch, TraceError, R>,
  file: string
): Stream.Stream<DynamoRecord, TraceError, R> =>
  readRows(lines, {
    file,
    rules,
    readAs: "dynamo",
    rowOf: (object, line) => recordOf(object, { file, line })
  })
