/**
 * A JSON value that remembers where it was written and how its numbers were spelled.
 *
 * Settings come from JSON on the command line and from JSON or YAML files; both become this tree, so that one set of
 * checks serves them and every error can name its place. `JSON.parse` would lose all three: positions, duplicate keys,
 * and the difference between `64` and `64.0` or between two integers beyond 2^53.
 */

import { Decimal, showValue } from "./Decimal.ts"

/** Both from 1, counted in UTF-16 code units. */
export interface Position {
  readonly line: number
  readonly column: number
}

export type JsonNode =
  | { readonly _tag: "Null"; readonly at: Position }
  /** `literal` is the spelling, here and of numbers. */
  | { readonly _tag: "Boolean"; readonly value: boolean; readonly literal: string; readonly at: Position }
  /** A number without fraction and exponent, exact at any size. */
  | { readonly _tag: "Integer"; readonly value: bigint; readonly literal: string; readonly at: Position }
  /** A number with fraction or exponent. */
  | { readonly _tag: "Float"; readonly value: number; readonly literal: string; readonly at: Position }
  | { readonly _tag: "String"; readonly value: string; readonly at: Position }
  | { readonly _tag: "Array"; readonly items: ReadonlyArray<JsonNode>; readonly at: Position }
  | JsonObject

export interface JsonObject {
  readonly _tag: "Object"
  /** In the order written; no key occurs twice. */
  readonly entries: ReadonlyMap<string, JsonEntry>
  readonly at: Position
}

export interface JsonEntry {
  readonly keyAt: Position
  readonly value: JsonNode
}

const startOfText: Position = { line: 1, column: 1 }

export const emptyObject: JsonObject = { _tag: "Object", entries: new Map(), at: startOfText }

/** The node of a number from its spelling, `undefined` for one that a double cannot hold. */
export const numberNode = (literal: string, at: Position): JsonNode | undefined => {
  if (/^[-+]?\d+$/.test(literal)) return { _tag: "Integer", value: BigInt(literal.replace("+", "")), literal, at }
  const value = Number(literal)
  return Number.isFinite(value) ? { _tag: "Float", value, literal, at } : undefined
}

/** The value without its places, for those who check what it says; objects become maps. */
export const plainOf = (node: JsonNode): unknown => {
  switch (node._tag) {
    case "Null":
      return null
    case "Boolean":
    case "String":
      return node.value
    case "Integer": {
      const number = Number(node.value)
      return Number.isSafeInteger(number) ? number : node.value
    }
    case "Float":
      return new Decimal(node.value, node.literal)
    case "Array":
      return node.items.map(plainOf)
    case "Object":
      return plainMap(node)
  }
}

/** The values of an object by key. */
export const plainMap = ({ entries }: JsonObject): ReadonlyMap<string, unknown> =>
  new Map([...entries].map(([key, { value }]) => [key, plainOf(value)]))

/** The value as a message shows it: what the user wrote, or what kind of thing it is. */
export const showNode = (node: JsonNode): string => showValue(plainOf(node))

/** The number as JSON spells it; what JSON cannot hold becomes null. */
const numberText = (value: number, literal: string): string => {
  if (/^-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?$/i.test(literal)) return literal
  return Number.isInteger(value) ? value.toFixed(1) : JSON.stringify(value)
}

/** The value as JSON text of one line, its numbers as exact as they were written. */
export const nodeText = (node: JsonNode): string => {
  switch (node._tag) {
    case "Null":
      return "null"
    case "Boolean":
    case "Integer":
      return String(node.value)
    case "String":
      return JSON.stringify(node.value)
    case "Float":
      return numberText(node.value, node.literal)
    case "Array":
      return `[${node.items.map(nodeText).join(", ")}]`
    case "Object":
      return `{${[...node.entries].map(([key, { value }]) => `${JSON.stringify(key)}: ${nodeText(value)}`).join(", ")}}`
  }
}
