/** Lengths of synthetic prompts and outputs: fixed, or drawn per request. */
import { maxInt32 } from "../structures/Int32.ts"
import type { Pcg32 } from "../structures/Pcg32.ts"
import { normal } from "./Variates.ts"
import { Decimal } from "../settings/Decimal.ts"
import type { Kind } from "../settings/Kind.ts"
import { integerOf, numberOf } from "../settings/NumberText.ts"

/** Every length from `low` to `high`, both included, equally often. */
export interface UniformLengths {
  readonly distribution: "uniform"
  readonly low: number
  readonly high: number
}

/**
 * Lengths whose logarithm is normally distributed: `mean` is the mean of the lengths themselves, in tokens; `sigma` the
 * standard deviation of their natural logarithm. Draws are rounded and kept within 1 … 2^31 - 1.
 */
export interface LognormalLengths {
  readonly distribution: "lognormal"
  readonly mean: number
  readonly sigma: number
}

export type TokenLengths = number | UniformLengths | LognormalLengths

export const maxLengthTokens = maxInt32
/** Beyond it a few draws hold nearly all tokens, and the mean says nothing any more. */
const maxSigma = 5

/** Reads `128`, `uniform:100,200` or `lognormal:512,0.8`; `undefined` for anything else. */
export const lengthsOf = (word: string): TokenLengths | undefined => {
  const fixed = integerOf(word)
  if (fixed !== undefined) return fixed
  const [, name, first, second] = /^(uniform|lognormal):([^,]+),([^,]+)$/.exec(word.trim()) ?? []
  const numbers = [first, second].map((number) => (number === undefined ? undefined : numberOf(number)))
  const [low, high] = numbers
  if (low === undefined || high === undefined) return undefined
  return name === "uniform"
    ? { distribution: "uniform", low, high }
    : { distribution: "lognormal", mean: low, sigma: high }
}

const isLength = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= maxLengthTokens

/** What drawn lengths must be and are not, such as `lognormal:MEAN,SIGMA must have …`. */
const brokenDrawRule = (lengths: UniformLengths | LognormalLengths): string | undefined => {
  if (lengths.distribution === "uniform") {
    const { high, low } = lengths
    return isLength(low) && isLength(high) && low <= high
      ? undefined
      : `uniform:LOW,HIGH must be integers with 1 <= LOW <= HIGH <= ${maxLengthTokens}, got ${low},${high}`
  }
  const { mean, sigma } = lengths
  return mean >= 1 && mean <= maxLengthTokens && sigma >= 0 && sigma <= maxSigma
    ? undefined
    : `lognormal:MEAN,SIGMA must have a mean from 1 to ${maxLengthTokens} and a sigma from 0 to ${maxSigma}, got ${mean},${sigma}`
}

/** Lengths as they are written: a number of tokens, or what {@link lengthsOf} reads. */
const written = (value: unknown): TokenLengths | undefined => {
  if (typeof value === "string") return lengthsOf(value)
  if (typeof value === "bigint") return Number(value)
  if (typeof value === "number") return value
  return typeof value === "object" && value !== null && !(value instanceof Decimal) && isDrawn(value)
    ? value
    : undefined
}

const isDrawn = (value: object): value is UniformLengths | LognormalLengths => {
  const has = (key: string): boolean => typeof Reflect.get(value, key) === "number"
  switch (Reflect.get(value, "distribution")) {
    case "uniform":
      return has("low") && has("high")
    case "lognormal":
      return has("mean") && has("sigma")
    default:
      return false
  }
}

/** Lengths as a setting. */
export const tokenLengths: Kind<TokenLengths> = {
  expected: `an integer from 1 to ${maxLengthTokens}, uniform:LOW,HIGH or lognormal:MEAN,SIGMA`,
  form: "lengths",
  schema: {
    anyOf: [
      { type: "integer", minimum: 1 },
      { type: "string", pattern: "^(uniform|lognormal):[^,]+,[^,]+$" }
    ]
  },
  read: (value) => {
    const lengths = written(value)
    if (lengths === undefined) return undefined
    const isWrong = typeof lengths === "number" ? !isLength(lengths) : brokenDrawRule(lengths) !== undefined
    return isWrong ? undefined : lengths
  },
  explain: (value) => {
    const lengths = written(value)
    return typeof lengths === "object" ? brokenDrawRule(lengths) : undefined
  }
}

/** Draws one length after the other; checked lengths only. */
export const lengthSampler = (lengths: TokenLengths, random: Pcg32): (() => number) => {
  if (typeof lengths === "number") return () => lengths
  if (lengths.distribution === "uniform") {
    const { high, low } = lengths
    return () => low + random.below(high - low + 1)
  }
  const { mean, sigma } = lengths
  const mu = Math.log(mean) - (sigma * sigma) / 2
  return () => Math.min(maxLengthTokens, Math.max(1, Math.round(Math.exp(mu + sigma * normal(random)))))
}
