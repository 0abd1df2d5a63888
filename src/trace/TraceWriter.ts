/** Rows to lines of the `mooncake` and `agentic_mooncake` formats: what the reader reads back is what was written. */
import * as Arr from "effect/Array"
import * as Stream from "effect/Stream"
import type { AgenticRow } from "./AgenticMooncakeReader.ts"
import type { TraceRow } from "./TraceRow.ts"

/** Fields that every row has, up to the hash ids. */
const lengthsOf = (row: TraceRow): Readonly<Record<string, unknown>> => ({
  ...(row.timestampMs === undefined ? {} : { timestamp: row.timestampMs }),
  input_length: row.promptTokens,
  output_length: row.outputTokens
})

/** The others are left out where they say nothing. */
const extrasOf = (row: TraceRow): Readonly<Record<string, unknown>> => ({
  ...(row.sessionId === undefined ? {} : { session_id: row.sessionId }),
  ...(row.delayMs === undefined ? {} : { delay: row.delayMs }),
  ...(row.outputTokenIds === undefined ? {} : { output_token_ids: Array.from(row.outputTokenIds) }),
  ...(row.requestId === undefined ? {} : { request_id: row.requestId }),
  ...(row.priority === 0 ? {} : { priority: row.priority }),
  ...(row.strictPriority === 0 ? {} : { strict_priority: row.strictPriority }),
  ...(row.policyClass === undefined ? {} : { policy_class: row.policyClass }),
  ...(row.className === undefined ? {} : { class: row.className })
})

/** A row without wait says nothing of one; annotations keep the names that they were read under. */
const agenticExtrasOf = ({ delayMs, waitFor, ...row }: AgenticRow): Readonly<Record<string, unknown>> => ({
  ...extrasOf({ ...row, delayMs: delayMs === 0 ? undefined : delayMs }),
  ...(waitFor.length === 0 ? {} : { wait_for: waitFor }),
  ...row.annotations
})

/** Members of an object, without its braces. */
const membersOf = (fields: Readonly<Record<string, unknown>>): string => JSON.stringify(fields).slice(1, -1)

/** Ids are joined as they are: `JSON.stringify` takes no integers of 64 bits. */
const lineOf = (row: TraceRow, extras: string): string =>
  `{${membersOf(lengthsOf(row))},"hash_ids":[${Array.prototype.join.call(row.hashIds, ",")}]${extras === "" ? "" : `,${extras}`}}\n`

/** One row as one line, newline included. Annotations and dependencies have no place in the format and are lost. */
export const mooncakeLine = (row: TraceRow): string => lineOf(row, membersOf(extrasOf(row)))

/** Text of the rows, one piece per chunk. */
export const mooncakeText = <E, R>(rows: Stream.Stream<TraceRow, E, R>): Stream.Stream<string, E, R> =>
  Stream.mapArray(rows, (chunk) => Arr.of(chunk.map(mooncakeLine).join("")))

/** A row of a request graph as a line of JSON, line break included. */
export const agenticMooncakeLine = (row: AgenticRow): string => lineOf(row, membersOf(agenticExtrasOf(row)))

/** Text of the rows of a graph, one piece per chunk. */
export const agenticMooncakeText = <E, R>(rows: Stream.Stream<AgenticRow, E, R>): Stream.Stream<string, E, R> =>
  Stream.mapArray(rows, (chunk) => Arr.of(chunk.map(agenticMooncakeLine).join("")))
