/**
 * What a setting accepts: how a JSON value of the right kind is recognised, and how to say what was expected.
 */
import type { JsonNode } from "./JsonNode.ts"

/** JSON Schema (2020-12) of a value, for editors. */
export type JsonSchema = Readonly<Record<string, unknown>>

export interface Kind<A> {
  /** Completes the sentence "expected …". */
  readonly expected: string
  readonly schema: JsonSchema
  /** The value, or `undefined` for a node that is not of this kind. */
  readonly read: (node: JsonNode) => A | undefined
}

const range = (minimum: number | bigint, maximum: number | bigint | undefined): string =>
  maximum === undefined ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`

/** An integer, written without fraction and exponent; `maximum` at most 2^53 - 1. */
export const integer = (minimum: number, maximum: number): Kind<number> => ({
  expected: `an integer ${range(minimum, maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum)}`,
  schema: { type: "integer", minimum, ...(maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum }) },
  read: (node) => {
    if (node._tag !== "Integer") return undefined
    return node.value >= minimum && node.value <= maximum ? Number(node.value) : undefined
  }
})

/** An unsigned 64-bit integer, exact. */
export const uint64: Kind<bigint> = {
  expected: "an integer from 0 to 2^64 - 1",
  schema: { type: "integer", minimum: 0 },
  read: (node) => (node._tag === "Integer" && BigInt.asUintN(64, node.value) === node.value ? node.value : undefined)
}

/** A number in any spelling. */
export const number = (minimum: number, maximum?: number): Kind<number> => ({
  expected: `a number ${range(minimum, maximum)}`,
  schema: { type: "number", minimum, ...(maximum === undefined ? {} : { maximum }) },
  read: (node) => {
    if (node._tag !== "Integer" && node._tag !== "Float") return undefined
    const value = Number(node.value)
    return value >= minimum && value <= (maximum ?? Number.MAX_VALUE) ? value : undefined
  }
})

export const boolean: Kind<boolean> = {
  expected: "true or false",
  schema: { type: "boolean" },
  read: (node) => (node._tag === "Boolean" ? node.value : undefined)
}

export const text: Kind<string> = {
  expected: "a string",
  schema: { type: "string" },
  read: (node) => (node._tag === "String" ? node.value : undefined)
}

/** One of some names; `ignoreCase` also takes other spellings of ASCII letters. */
export const oneOf = <const Name extends string>(
  names: ReadonlyArray<Name>,
  options?: { readonly ignoreCase: boolean }
): Kind<Name> => ({
  expected: `one of ${names.map((name) => JSON.stringify(name)).join(", ")}`,
  schema: { enum: names },
  read: (node) => {
    if (node._tag !== "String") return undefined
    const given = options?.ignoreCase === true ? node.value.toLowerCase() : node.value
    return names.find((name) => name === given)
  }
})

/** Accepted whatever it is. */
export const anything: Kind<JsonNode> = { expected: "anything", schema: {}, read: (node) => node }
