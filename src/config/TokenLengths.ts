/** Lengths of synthetic prompts and outputs as users give them: fixed, or drawn per request. */
import { integerOf, numberOf } from "./NumberText.ts"

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

export const maxLengthTokens = 2 ** 31 - 1
/** Beyond it a few draws hold nearly all tokens, and the mean says nothing any more. */
const maxSigma = 5

/** What {@link lengthsOf} reads; completes the sentence "expected …". */
export const lengthsSyntax = "an integer, uniform:LOW,HIGH or lognormal:MEAN,SIGMA"

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

/** What lengths must be and are not, such as `must be at least 1, got 0`. */
export const brokenLengthsRule = (lengths: TokenLengths): string | undefined => {
  if (typeof lengths === "number") {
    if (isLength(lengths)) return undefined
    return `${lengths > maxLengthTokens ? `must be at most ${maxLengthTokens}` : "must be at least 1"}, got ${lengths}`
  }
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
