/**
 * The fields that all mooncake-like formats share, and what they mean for a prompt.
 */
import type * as Schema from "effect/Schema"
import type { HashId } from "../request/HashId.ts"
import * as Fields from "./FieldSchemas.ts"
import type { TraceRow } from "./TraceRow.ts"

/** As written, with both names of those fields that have two. */
export const mooncakeFields = {
  timestamp: Fields.FiniteNumber,
  created_time: Fields.FiniteNumber,
  input_length: Fields.TokenCount,
  input_tokens: Fields.TokenCount,
  output_length: Fields.TokenCount,
  output_tokens: Fields.TokenCount,
  hash_ids: Fields.HashIds,
  session_id: Fields.Text,
  delay: Fields.FiniteNumber,
  delay_ms: Fields.Milliseconds,
  output_token_ids: Fields.TokenIds,
  request_id: Fields.Text,
  priority: Fields.Signed32,
  strict_priority: Fields.Unsigned32,
  policy_class: Fields.Text,
  class: Fields.Text
}

export type MooncakeFields = Schema.Struct.Type<typeof mooncakeFields>

/** Fields whose numbers must be written as plain integers. */
export const mooncakeIntegers: ReadonlyArray<string> = [
  "input_length",
  "input_tokens",
  "output_length",
  "output_tokens",
  "hash_ids",
  "output_token_ids",
  "priority",
  "strict_priority"
]

const aliases: ReadonlyArray<readonly [keyof MooncakeFields, keyof MooncakeFields]> = [
  ["timestamp", "created_time"],
  ["input_length", "input_tokens"],
  ["output_length", "output_tokens"],
  ["delay", "delay_ms"]
]

/** What is wrong when a field is given by both of its names. */
export const clashingAlias = (fields: MooncakeFields): string | undefined => {
  for (const [name, alias] of aliases) {
    if (fields[name] !== undefined && fields[alias] !== undefined) {
      return `${name} and its other name ${alias} are both given`
    }
  }
  return undefined
}

/** What a line says about its request, before it is decided what a prompt longer than its hash ids means. */
export interface RequestFields {
  readonly hashIds: ReadonlyArray<HashId>
  /** Tokens that the hash ids can supply. */
  readonly capacityTokens: number
  /** As the line says, `undefined` where it leaves it to the hash ids. */
  readonly statedTokens: number | undefined
  readonly inputTokens: number
  readonly outputTokens: number
  readonly outputTokenIds: ReadonlyArray<number> | undefined
}

/** The request of a line; a text says why there is none. */
export const requestFields = (
  fields: MooncakeFields,
  line: number,
  traceBlockTokens: number
): RequestFields | string => {
  const hashIds = fields.hash_ids ?? undefined
  const outputTokens = fields.output_length ?? fields.output_tokens ?? undefined
  if (hashIds === undefined) return `trace line ${line} is missing hash_ids`
  if (outputTokens === undefined) return `trace line ${line} is missing output_length`
  if (outputTokens < 1) return `trace line ${line} has output_length 0; it must be at least 1`
  const outputTokenIds = fields.output_token_ids ?? undefined
  if (outputTokenIds !== undefined && outputTokenIds.length !== outputTokens) {
    return `trace line ${line} output_length ${outputTokens} does not match output_token_ids length ${outputTokenIds.length}`
  }
  const capacityTokens = hashIds.length * traceBlockTokens
  const statedTokens = fields.input_length ?? fields.input_tokens ?? undefined
  const inputTokens = statedTokens ?? capacityTokens
  if (Math.min(inputTokens, capacityTokens) > Fields.maxTokens) {
    return `trace line ${line} has a prompt of ${capacityTokens} tokens; at most ${Fields.maxTokens} are supported`
  }
  return { hashIds, capacityTokens, statedTokens, inputTokens, outputTokens, outputTokenIds }
}

/** Units that timestamps and delays without a unit in their name may have, in ms. */
export const timeUnitsMs = { ms: 1, s: 1000, us: 1e-3, ns: 1e-6 } as const
export type TimeUnit = keyof typeof timeUnitsMs

/** How a format's rows are to be read. */
export interface RowReading {
  /** Tokens per hash id. */
  readonly traceBlockTokens: number
  /** Of `timestamp` and `delay`; `ms` by default. */
  readonly timeUnit?: TimeUnit
}

const timeFields = ["timestamp", "created_time", "delay"] as const

/** What is wrong with a time that is so large that milliseconds are lost, or that times become infinite. */
export const excessiveTime = (fields: MooncakeFields, { timeUnit = "ms" }: RowReading): string | undefined => {
  const most = Fields.maxTimeMs / timeUnitsMs[timeUnit]
  for (const name of timeFields) {
    const value = fields[name]
    if (typeof value === "number" && Math.abs(value) > most) {
      return `${name}: expected at most ${Fields.maxTimeMs} ms away from 0, got ${value} ${timeUnit}`
    }
  }
  return undefined
}

const inMs = (value: number | null | undefined, unit: TimeUnit | undefined): number | undefined => {
  if (value === null || value === undefined) return undefined
  return unit === undefined ? value : value * timeUnitsMs[unit]
}

/** The rest of a row: when it comes, whose it is, and what routers want to know. */
export const rowContext = (
  fields: MooncakeFields,
  { timeUnit }: RowReading
): Omit<TraceRow, "line" | "promptTokens" | "outputTokens" | "hashIds" | "outputTokenIds" | "annotations"> => ({
  timestampMs: inMs(fields.timestamp ?? fields.created_time, timeUnit),
  sessionId: fields.session_id ?? undefined,
  delayMs: inMs(fields.delay, timeUnit) ?? fields.delay_ms ?? undefined,
  requestId: fields.request_id ?? undefined,
  priority: fields.priority ?? 0,
  strictPriority: fields.strict_priority ?? 0,
  policyClass: fields.policy_class ?? undefined,
  className: fields.class ?? undefined
})
