/**
 * Rows of the `mooncake` format: one JSON object per line, a prompt given as one hash id per trace block.
 *
 * `mooncake-delta` files are read by the same reader: there a row's prompt is what its turn adds to the session.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import { describeIssue } from "./FieldSchemas.ts"
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
import type { MooncakeRow } from "./MooncakeRow.ts"
import { ordinaryRows } from "./OrdinaryRow.ts"
import { readRows } from "./RowReader.ts"
import type { RowFormat, RowResult } from "./RowReader.ts"
import type { TraceError } from "./TraceError.ts"

export type { MooncakeRow } from "./MooncakeRow.ts"

const decodeFields = Schema.decodeUnknownResult(Schema.Struct(mooncakeFields))

export const mooncakeRules: FieldRules = {
  known: new Set(Object.keys(mooncakeFields)),
  integers: new Set(mooncakeIntegers)
}

export const mooncakeRowOf = (object: JsonObject, line: number, reading: RowReading): RowResult<MooncakeRow> => {
  const decoded = decodeFields(object)
  if (Result.isFailure(decoded)) return { problem: describeIssue(decoded.failure.issue, object) }
  const fields = decoded.success
  const clash = clashingAlias(fields) ?? excessiveTime(fields, reading)
  if (clash !== undefined) return { problem: clash }
  const request = requestFields(fields, line, reading.traceBlockTokens)
  if (typeof request === "string") return { problem: request }
  const { capacityTokens, hashIds, inputTokens, outputTokenIds, outputTokens, statedTokens } = request
  return {
    row: {
      line,
      promptTokens: Math.min(inputTokens, capacityTokens),
      outputTokens,
      hashIds,
      outputTokenIds,
      ...rowContext(fields, reading),
      statedTokens,
      clamped: inputTokens > capacityTokens
    }
  }
}

/** How a line becomes a row, read strictly. */
export const mooncakeFormat = (
  file: string,
  reading: RowReading,
  observe?: RowFormat<MooncakeRow>["observe"]
): RowFormat<MooncakeRow> => ({
  file,
  rules: mooncakeRules,
  readAs: "mooncake",
  observe,
  rowOf: (object, line) => mooncakeRowOf(object, line, reading)
})

/** Checked rows of a mooncake file, in file order; fails with the first bad line. */
export const mooncakeRows = <R>(
  lines: Stream.Stream<LineBatch, TraceError, R>,
  file: string,
  reading: RowReading,
  observe?: RowFormat<MooncakeRow>["observe"]
): Stream.Stream<MooncakeRow, TraceError, R> =>
  readRows(lines, { ...mooncakeFormat(file, reading, observe), ordinaryRow: ordinaryRows(reading) })
