/**
 * What a setting accepts: how a value of the right kind is recognised, and how to say what was expected.
 *
 * A kind looks at a plain value: a number, a string, a boolean, a list. Whoever reads text makes one of what was written; numbers whose
 * spelling counts come as {@link Decimal} or as bigint.
 */
import { maxInt32 } from "../structures/Int32.ts"
import { Decimal } from "./Decimal.ts"

/** JSON Schema (2020-12) of a value, for editors. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** How values are written on a command line, where everything is text; `paths` and `json` also tell what a word stands for. */
export type Form = "integer" | "number" | "text" | "path" | "paths" | "texts" | "lengths" | "json" | "switch" | "other"

export interface Kind<A> {
  /** Completes the sentence "expected …". */
  readonly expected: string
  readonly form: Form
  readonly schema: JsonSchema
  /** The value, or `undefined` for one that is not of this kind. */
  readonly read: (value: unknown) => A | undefined
  /** What exactly is wrong with a value that is nearly of this kind. */
  readonly explain?: (value: unknown) => string | undefined
  /** Of a name out of a list: what may be chosen. */
  readonly names?: ReadonlyArray<string>
}

/** Beyond it integers are not exact; as an upper bound it says "no bound". */
export const anyCount = Number.MAX_SAFE_INTEGER

/** Tokens of a request, a block or a budget. */
export const mostTokens = maxInt32

const within = (minimum: number, maximum: number | undefined): string =>
  maximum === undefined ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`

const bounds = (minimum: number, maximum: number | undefined): JsonSchema =>
  maximum === undefined ? { minimum } : { minimum, maximum }

/** An integer, written without fraction and exponent. */
export const integer = (minimum: number, maximum: number): Kind<number> => {
  const shown = maximum === anyCount ? undefined : maximum
  return {
    expected: `an integer ${within(minimum, shown)}`,
    form: "integer",
    schema: { type: "integer", ...bounds(minimum, shown) },
    read: (value) =>
      typeof value === "number" && Number.isSafeInteger(value) && value >= minimum && value <= maximum
        ? value
        : undefined,
    explain: (value) =>
      shown === undefined && (typeof value === "number" || typeof value === "bigint") && value > anyCount
        ? `expected at most ${anyCount}, beyond which integers are not exact, got ${value}`
        : undefined
  }
}

/** An integer of at least 1 and of any size: beyond 2^53 the nearest number, which is as good as no limit. */
export const anyMany: Kind<number> = {
  expected: "an integer of at least 1",
  form: "integer",
  schema: { type: "integer", minimum: 1 },
  read: (value) => {
    const number = typeof value === "bigint" ? Number(value) : value
    return typeof number === "number" && Number.isInteger(number) && number >= 1 ? number : undefined
  }
}

/** An unsigned 64-bit integer, exact. */
export const uint64: Kind<bigint> = {
  expected: "an integer from 0 to 2^64 - 1",
  form: "integer",
  schema: { type: "integer", minimum: 0 },
  read: (value) => {
    const exact = typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : value
    return typeof exact === "bigint" && BigInt.asUintN(64, exact) === exact ? exact : undefined
  }
}

/** The number that a plain value is, in any spelling. */
const numberOf = (value: unknown): number | undefined => {
  if (value instanceof Decimal) return value.value
  return typeof value === "number" ? value : typeof value === "bigint" ? Number(value) : undefined
}

/** Powers of ten that are hard to count in full, as users write them. */
const spelled = (bound: number): string => {
  const [plain, power] = [String(bound), bound.toExponential().replace("e+", "e")]
  const size = Math.abs(bound)
  return (size >= 1e9 || (size > 0 && size < 1e-3)) && power.length < plain.length ? power : plain
}

const between = (minimum: number, maximum: number | undefined): string =>
  maximum === undefined ? `of at least ${spelled(minimum)}` : `from ${spelled(minimum)} to ${spelled(maximum)}`

/** A finite number in any spelling. */
export const number = (minimum: number, maximum?: number): Kind<number> => ({
  expected: `a number ${between(minimum, maximum)}`,
  form: "number",
  schema: { type: "number", ...bounds(minimum, maximum) },
  read: (value) => {
    const number = numberOf(value)
    return number !== undefined && number >= minimum && number <= (maximum ?? Number.MAX_VALUE) ? number : undefined
  }
})

/** Any number, NaN and infinities among them: for settings whose range depends on others. */
export const anyNumber: Kind<number> = {
  expected: "a number",
  form: "number",
  schema: { type: "number" },
  read: numberOf
}

/** A finite number above 0; how small is bounded too, so that dividing by it stays within what doubles tell apart. */
export const positive = (minimum: number, maximum: number): Kind<number> => ({
  ...number(minimum, maximum),
  expected: `a number above 0, ${between(minimum, maximum)}`
})

/** A factor, or 0 for "off": nothing between 0 and `minimum`, by which results could no longer be divided. */
export const zeroOr = (minimum: number, maximum: number): Kind<number> => {
  const factor = number(minimum, maximum)
  return {
    expected: `0 or a number ${between(minimum, maximum)}`,
    form: "number",
    schema: { anyOf: [{ const: 0 }, factor.schema] },
    read: (value) => (numberOf(value) === 0 ? 0 : factor.read(value))
  }
}

/** A length of time; the bound keeps sums of a run finite and exact. */
export const duration: Kind<number> = number(0, 1e12)

/** A part of a whole. */
export const share: Kind<number> = number(0, 1)

export const boolean: Kind<boolean> = {
  expected: "true or false",
  form: "switch",
  schema: { type: "boolean" },
  read: (value) => (typeof value === "boolean" ? value : undefined)
}

export const text: Kind<string> = {
  expected: "a string",
  form: "text",
  schema: { type: "string" },
  read: (value) => (typeof value === "string" ? value : undefined)
}

/** Name of a file. */
export const path: Kind<string> = { ...text, form: "path" }

/** One file or several. */
export const paths: Kind<ReadonlyArray<string>> = {
  expected: "a string or a list of strings",
  form: "paths",
  schema: { type: ["string", "array"], items: { type: "string" } },
  read: (value) => {
    const files: ReadonlyArray<unknown> = Array.isArray(value) ? value : [value]
    const names = files.filter((file) => typeof file === "string")
    return names.length === files.length ? names : undefined
  }
}

/** One word or several. */
export const texts: Kind<ReadonlyArray<string>> = { ...paths, form: "texts" }

/** Text with something in it. */
export const filledText: Kind<string> = {
  expected: "a string that is not empty",
  form: "text",
  schema: { type: "string", minLength: 1 },
  read: (value) => (typeof value === "string" && value !== "" ? value : undefined)
}

/** One of some names; `ignoreCase` also takes other spellings of ASCII letters. */
export const oneOf = <const Name extends string>(
  names: ReadonlyArray<Name>,
  options?: { readonly ignoreCase: boolean }
): Kind<Name> => ({
  expected: `one of ${names.map((name) => JSON.stringify(name)).join(", ")}`,
  form: "text",
  schema: { enum: names },
  names,
  read: (value) => {
    if (typeof value !== "string") return undefined
    const given = options?.ignoreCase === true ? value.toLowerCase() : value
    return names.find((name) => name === given)
  }
})

/** Accepted whatever it is. */
export const anything: Kind<unknown> = { expected: "anything", form: "other", schema: {}, read: (value) => value }
