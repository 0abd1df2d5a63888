/**
 * Schemas of single trace fields, and readable messages for what they refuse.
 *
 * Lists of ids are one declaration each, not `Schema.Array`: a trace has dozens of ids per row, and one loop checks
 * them ten times faster than one schema node per element.
 */
import { maxInt32 } from "../structures/Int32.ts"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"

/** Largest length, in tokens, that a row may have: lengths are kept as 32-bit integers. */
export const maxTokens = maxInt32

/** Tokens per hash id, where a format does not say otherwise: those of the published Mooncake traces. */
export const defaultTraceBlockTokens = 512

/** Largest distance from time 0, in ms, that a row may name: up to here every millisecond is an exact number. */
export const maxTimeMs = Number.MAX_SAFE_INTEGER

const two32 = 2 ** 32
const two64 = 2n ** 64n

const isUnsigned = (value: unknown, max: number): value is number =>
  Number.isSafeInteger(value) && typeof value === "number" && value >= 0 && value <= max

const isFiniteNumber = (value: unknown): value is number => Number.isFinite(value)

const isTokenCount = (value: unknown): value is number => isUnsigned(value, maxTokens)

const tokenCount = `an integer from 0 to ${maxTokens}`

const isHashId = (value: unknown): value is number | bigint =>
  typeof value === "number"
    ? isUnsigned(value, Number.MAX_SAFE_INTEGER)
    : typeof value === "bigint" && value >= 0n && value < two64

/** An optional field: absent and `null` mean the same. */
const optionalNullable = <T>(is: (value: unknown) => value is T, expected: string) =>
  Schema.optionalKey(Schema.declare<T | null>((value): value is T | null => value === null || is(value), { expected }))

export const FiniteNumber = optionalNullable(isFiniteNumber, "a finite number")

/** A moment or a wait in ms. */
export const Milliseconds = optionalNullable(
  (value): value is number => isFiniteNumber(value) && Math.abs(value) <= maxTimeMs,
  `milliseconds from -${maxTimeMs} to ${maxTimeMs}`
)

export const Text = optionalNullable((value): value is string => typeof value === "string", "a string")

export const Flag = optionalNullable((value): value is boolean => typeof value === "boolean", "true or false")

export const TokenCount = optionalNullable(isTokenCount, tokenCount)

export const Unsigned32 = optionalNullable(
  (value): value is number => isUnsigned(value, two32 - 1),
  "an integer from 0 to 4294967295"
)

export const Signed32 = optionalNullable(
  (value): value is number => typeof value === "number" && (value | 0) === value,
  "an integer from -2147483648 to 2147483647"
)

/** 0 … 2^64 - 1, from 2^53 on as `bigint`. */
export const Unsigned64 = Schema.declare(isHashId, { expected: "an integer from 0 to 2^64 - 1" })

/**
 * A list whose elements are checked in one loop. A refusal points at the first bad element, as `Schema.Array` would.
 */
const listOf = <T>(isElement: (value: unknown) => value is T, expected: string) => {
  const element = Schema.declare(isElement, { expected })
  const isList = (value: unknown): value is ReadonlyArray<T> => Array.isArray(value) && value.every(isElement)
  return Schema.declareConstructor<ReadonlyArray<T>>()(
    [],
    () => (input, ast, options) => {
      if (isList(input)) return Effect.succeed(input)
      if (!Array.isArray(input)) return Effect.fail(new SchemaIssue.InvalidType(ast, input, options))
      const index = input.findIndex((value) => !isElement(value))
      const issue = new SchemaIssue.InvalidType(element.ast, input[index], options)
      return Effect.fail(new SchemaIssue.Pointer([index], issue))
    },
    { expected: "a list" }
  )
}

const optionalListOf = <T>(isElement: (value: unknown) => value is T, expected: string) =>
  Schema.optionalKey(Schema.NullOr(listOf(isElement, expected)))

/** Required numbers and lists. */
export const Count = Schema.declare(isTokenCount, { expected: tokenCount })
/** A moment as Unix time. */
export const TimeMs = Schema.declare((value): value is number => isUnsigned(value, Number.MAX_SAFE_INTEGER), {
  expected: "an integer from 0 to 2^53 - 1"
})
export const Counts = listOf(isTokenCount, tokenCount)
export const FiniteNumbers = listOf(isFiniteNumber, "a finite number")

export const HashList = listOf(isHashId, "an integer from 0 to 2^64 - 1")

export const HashIds = optionalListOf(isHashId, "an integer from 0 to 2^64 - 1")

export const TokenIds = optionalListOf(
  (value): value is number => isUnsigned(value, two32 - 1),
  "an integer from 0 to 4294967295"
)

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

const plain = (_: string, value: unknown): unknown => (typeof value === "bigint" ? String(value) : value)

const shown = (value: unknown): string => {
  // 1e999 is JSON, and Infinity; as JSON it would be null.
  const text = typeof value === "bigint" || typeof value === "number" ? String(value) : JSON.stringify(value, plain)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

const pathOf = (path: ReadonlyArray<PropertyKey>): string =>
  path.map((key, i) => (typeof key === "number" ? `[${key}]` : i === 0 ? String(key) : `.${String(key)}`)).join("")

const lookUp = (input: unknown, path: ReadonlyArray<PropertyKey>): unknown => {
  let value = input
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined
    value = Reflect.get(value, key)
  }
  return value
}

/** `field: expected what, got value` for the first refusal of a decoder. */
export const describeIssue = (issue: SchemaIssue.Issue, input: unknown): string => {
  const first = formatIssue(issue).issues[0]
  if (first === undefined) return "the row does not have the expected shape"
  const path = (first.path ?? []).filter((key) => typeof key !== "object")
  const value = lookUp(input, path)
  const expected = first.message.replace(/^Expected /, "expected ").replace(/, got .*$/s, "")
  return value === undefined ? `${pathOf(path)} is missing` : `${pathOf(path)}: ${expected}, got ${shown(value)}`
}
