/**
 * One JSON object per line, read as strictly as typed decoders of other languages do.
 *
 * `JSON.parse` is fast but hides three things: a key given twice, an integer field written `100.0` or `1e2`, and
 * digits lost above 2^53. Three sieves, each slower and finer, find out whether a line has any of them: counting
 * characters, which settles most lines; one pass over the line that knows strings from numbers; and a parser that keeps
 * the literal text.
 */
import * as Result from "effect/Result"
import { parseTree } from "jsonc-parser"
import type { Node } from "jsonc-parser"

/** What the strict reading needs to know of a format. Names include all aliases. */
export interface FieldRules {
  /** Top-level fields that may be given only once. */
  readonly known: ReadonlySet<string>
  /** Fields, at any depth, whose numbers (or lists of numbers) must be written as plain integers. */
  readonly integers: ReadonlySet<string>
}

/**
 * A decoded line. Integers from 2^53 on, in the fields named by the rules, are `bigint`; all other numbers are doubles.
 */
export type JsonObject = Readonly<Record<string, unknown>>

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
const dot = 0x2e
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39
const isExponent = (code: number): boolean => code === 0x65 || code === 0x45
const opens = (code: number): boolean => code === 0x7b || code === 0x5b
const closes = (code: number): boolean => code === 0x7d || code === 0x5d

export const countColons = (text: string): number => {
  let colons = 0
  for (let at = text.indexOf(":"); at >= 0; at = text.indexOf(":", at + 1)) colons++
  return colons
}

/** Whether a digit stands before this letter anywhere: an exponent, or text that looks like one. */
export const hasExponent = (text: string, letter: string): boolean => {
  for (let at = text.indexOf(letter); at >= 0; at = text.indexOf(letter, at + 1)) {
    if (at > 0 && isDigit(text.charCodeAt(at - 1))) return true
  }
  return false
}

const isExact = (value: unknown): boolean =>
  typeof value === "number" ? Math.abs(value) <= Number.MAX_SAFE_INTEGER : !Array.isArray(value)

const isExactField = (value: unknown): boolean => (Array.isArray(value) ? value.every(isExact) : isExact(value))

/**
 * First sieve. Every key needs a colon, so a line with as many colons as keys has no key twice, no nested object and no
 * colon in a text; without points and exponents its numbers are plain integers.
 */
const isPlain = (text: string, value: JsonObject): boolean => {
  const values = Object.values(value)
  return (
    countColons(text) === values.length
    && !text.includes(".")
    && !hasExponent(text, "e")
    && !hasExponent(text, "E")
    && values.every(isExactField)
  )
}

/** Deeper nesting is no trace, and would exhaust the stack of whoever walks it. */
const maxDepth = 100
const unclear = -1
const tooDeep = -2

/** Every integer of up to 15 digits is an exact double. */
const exactDigits = 15

/** Position after the string that starts at `start`. */
const endOfString = (text: string, start: number): number => {
  for (let i = start + 1; ; i++) {
    const code = text.charCodeAt(i)
    if (code === quote) return i + 1
    if (code === backslash) i++
  }
}

/**
 * Second sieve: the number of top-level keys of a line that `JSON.parse` accepts. `unclear` when an integer field
 * holds a literal that only the slow parser can judge, `tooDeep` when that parser must not see it.
 */
const countTopLevelKeys = (text: string, rules: FieldRules): number => {
  let keys = 0
  let depth = 0
  let stringStart = 0
  let stringEnd = 0
  let keyStart = 0
  let keyEnd = 0
  let needsLiterals = false
  for (let i = 0; i < text.length;) {
    const code = text.charCodeAt(i)
    if (code === quote) {
      stringStart = i
      i = stringEnd = endOfString(text, i)
    } else if (isDigit(code)) {
      const start = i
      while (isDigit(text.charCodeAt(i))) i++
      const next = text.charCodeAt(i)
      const fractional = next === dot || isExponent(next)
      if (fractional || i - start > exactDigits) {
        const key = text.slice(keyStart + 1, keyEnd - 1)
        needsLiterals ||= rules.integers.has(key) || key.includes("\\")
        while (isDigit(text.charCodeAt(i)) || text.charCodeAt(i) === dot || isExponent(text.charCodeAt(i))) i++
      }
    } else {
      if (code === colon) {
        keyStart = stringStart
        keyEnd = stringEnd
        if (depth === 1) keys++
      } else if (opens(code)) depth++
      else if (closes(code)) depth--
      if (depth > maxDepth) return tooDeep
      i++
    }
  }
  return needsLiterals ? unclear : keys
}

/** A literal that an integer field must not have; travels as an exception inside this module only. */
class BadLiteral extends Error {}

const numberOf = (text: string, node: Node, key: string, rules: FieldRules): number | bigint => {
  const value: number = node.value
  if (!rules.integers.has(key)) return value
  const literal = text.slice(node.offset, node.offset + node.length)
  if (!/^-?\d+$/.test(literal)) {
    throw new BadLiteral(`${key} must be written as a plain integer, without fraction or exponent, got ${literal}`)
  }
  return Number.isSafeInteger(value) ? value : BigInt(literal)
}

const valueOf = (text: string, node: Node, key: string, rules: FieldRules): unknown => {
  const children = node.children ?? []
  switch (node.type) {
    case "object": {
      const entries: Array<[string, unknown]> = []
      for (const property of children) {
        const [name, value] = property.children ?? []
        if (name !== undefined && value !== undefined) {
          const field: string = name.value
          entries.push([field, valueOf(text, value, field, rules)])
        }
      }
      return Object.fromEntries(entries)
    }
    case "array":
      return children.map((child) => valueOf(text, child, key, rules))
    case "number":
      return numberOf(text, node, key, rules)
    default:
      return node.value
  }
}

const repeatedField = (root: Node, rules: FieldRules): string | undefined => {
  const seen = new Set<string>()
  for (const property of root.children ?? []) {
    const field: string = property.children?.[0]?.value
    if (rules.known.has(field) && seen.has(field)) return field
    seen.add(field)
  }
  return undefined
}

/** Third sieve. */
const parseStrictly = (text: string, rules: FieldRules): Result.Result<JsonObject, string> => {
  const root = parseTree(text, [], { disallowComments: true })
  if (root === undefined) return Result.fail("the line is not JSON")
  const repeated = repeatedField(root, rules)
  if (repeated !== undefined) return Result.fail(`${repeated} is given more than once`)
  try {
    const value = valueOf(text, root, "", rules)
    return isJsonObject(value) ? Result.succeed(value) : Result.fail("expected a JSON object")
  } catch (error) {
    if (error instanceof BadLiteral) return Result.fail(error.message)
    throw error
  }
}

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const kindOf = (value: unknown): string => {
  if (value === null) return "null"
  if (Array.isArray(value)) return "an array"
  return typeof value === "number" ? `the number ${value}` : `a ${typeof value}`
}

/** What `JSON.parse` makes of a line; the failure says what is wrong with it. */
export const parseJson = (text: string): Result.Result<unknown, string> => {
  try {
    return Result.succeed(JSON.parse(text))
  } catch (error) {
    return Result.fail(error instanceof Error ? error.message : String(error))
  }
}

/** The object of a line, given what `JSON.parse` makes of its text; the failure says what is wrong with it. */
export const strictObject = (text: string, value: unknown, rules: FieldRules): Result.Result<JsonObject, string> => {
  if (!isJsonObject(value)) return Result.fail(`expected one JSON object per line, got ${kindOf(value)}`)
  if (isPlain(text, value)) return Result.succeed(value)
  const keys = countTopLevelKeys(text, rules)
  if (keys === tooDeep) return Result.fail(`the line is nested more than ${maxDepth} levels deep`)
  return keys === Object.keys(value).length ? Result.succeed(value) : parseStrictly(text, rules)
}
