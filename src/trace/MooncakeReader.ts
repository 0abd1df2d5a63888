/**
 * Rows of the `mooncake` format: one JSON object per line, a prompt given as one hash id per trace block.
 *
 * Used for `mooncake` and `mooncake-delta` files.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import * as Fields from "./FieldSchemas.ts"
import type { LineBatch } from "./LineReader.ts"
import { readRows } from "./RowReader.ts"
import type { RowResult } from "./RowReader.ts"
import type { FieldRules, JsonObject } from "./JsonLine.ts"
import type { TraceError } from "./TraceError.ts"
import type { TraceRow } from "./TraceRow.ts"

/** The fields of a line as written, with both names of those that have two. Other fields are ignored. */
const mooncakeFields = {
  timestamp: Fields.FiniteNumber,
  created_time: Fields.FiniteNumber,
  input_length: Fields.TokenCount,
  input_tokens: Fields.TokenCount,
  output_length: Fields.TokenCount,
  output_tokens: Fields.TokenCount,
  hash_ids: Fields.HashIds,
  session_id: Fields.Text,
  delay: Fields.FiniteNumber,
  delay_ms: Fields.FiniteNumber,
  output_token_ids: Fields.TokenIds,
  request_id: Fields.Text,
  priority: Fields.Signed32,
  strict_priority: Fields.Unsigned32,
  policy_class: Fields.Text
}

const decodeFields = Schema.decodeUnknownResult(Schema.Struct(mooncakeFields))
type MooncakeFields = Schema.Struct.Type<typeof mooncakeFields>

const rules: FieldRules = {
  known: new Set(Object.keys(mooncakeFields)),
  integers: new Set([
    "input_length",
    "input_tokens",
    "output_length",
    "output_tokens",
    "hash_ids",
    "output_token_ids",
    "priority",
    "strict_priority"
  ])
}

/** A row and what its line said about the prompt. */
export interface MooncakeRow extends TraceRow {
  /** The line asked for more prompt tokens than its hash ids can supply, and got what they can. */
  readonly clamped: boolean
}

const aliases: ReadonlyArray<readonly [keyof MooncakeFields, keyof MooncakeFields]> = [
  ["timestamp", "created_time"],
  ["input_length", "input_tokens"],
  ["output_length", "output_tokens"],
  ["delay", "delay_ms"]
]

const clashingAlias = (fields: MooncakeFields): string | undefined => {
  for (const [name, alias] of aliases) {
    if (fields[name] !== undefined && fields[alias] !== undefined) return `${name} and its other name ${alias} are both given`
  }
  return undefined
}

const hintsOf = (fields: MooncakeFields) => ({
  requestId: fields.request_id ?? undefined,
  priority: fields.priority ?? 0,
  strictPriority: fields.strict_priority ?? 0,
  policyClass: fields.policy_class ?? undefined
})

/** Turns a decoded line into a row, or says what is wrong with it. */
const rowOf = (object: JsonObject, line: number, traceBlockTokens: number): RowResult<MooncakeRow> => {
  const decoded = decodeFields(object)
  if (Result.isFailure(decoded)) return { shape: Fields.describeIssue(decoded.failure.issue, object) }
  const fields = decoded.success
  const clash = clashingAlias(fields)
  if (clash !== undefined) return { shape: clash }
  const hashIds = fields.hash_ids ?? undefined
  const outputTokens = fields.output_length ?? fields.output_tokens ?? undefined
  if (hashIds === undefined) return { problem: `trace line ${line} is missing hash_ids` }
  if (outputTokens === undefined) return { problem: `trace line ${line} is missing output_length` }
  if (outputTokens < 1) return { problem: `trace line ${line} has output_length 0; it must be at least 1` }
  const outputTokenIds = fields.output_token_ids ?? undefined
  if (outputTokenIds !== undefined && outputTokenIds.length !== outputTokens) {
    return {
      problem: `trace line ${line} output_length ${outputTokens} does not match output_token_ids length ${outputTokenIds.length}`
    }
  }
  const capacity = hashIds.length * traceBlockTokens
  const inputLength = fields.input_length ?? fields.input_tokens ?? capacity
  const promptTokens = Math.min(inputLength, capacity)
  if (promptTokens > Fields.maxTokens) {
    return { problem: `trace line ${line} has a prompt of ${promptTokens} tokens; at most ${Fields.maxTokens} are supported` }
  }
  return {
    row: {
      line,
      timestampMs: fields.timestamp ?? fields.created_time ?? undefined,
      promptTokens,
      outputTokens,
      hashIds: Fields.lowBits(hashIds),
      sessionId: fields.session_id ?? undefined,
      delayMs: fields.delay ?? fields.delay_ms ?? undefined,
      outputTokenIds,
      ...hintsOf(fields),
      clamped: inputLength > capacity
    }
  }
}

/** Checked rows of a mooncake file, in file order; fails with the first bad line. */
export const mooncakeRows = <R>(
  lines: Stream.Stream<LineBatch, TraceError, R>,
  file: string,
  traceBlockTokens: number
): Stream.Stream<MooncakeRow, TraceError, R> =>
  readRows(lines, { file, rules, format: "JSON", rowOf: (object, line) => rowOf(object, line, traceBlockTokens) })
