/** Lengths of synthetic prompts and outputs: fixed, or drawn per request. */
import * as Result from "effect/Result"
import type { Pcg32 } from "../random/Pcg32.ts"
import { maxTokens } from "../trace/FieldSchemas.ts"
import { normal } from "./Variates.ts"
import { workloadError } from "./WorkloadError.ts"
import type { WorkloadError } from "./WorkloadError.ts"

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

/** Beyond it a few draws hold nearly all tokens, and the mean says nothing any more. */
const maxSigma = 5

const isLength = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= maxTokens

/** What is wrong with the lengths of an option. */
export const lengthsProblem = (option: string, lengths: TokenLengths): WorkloadError | undefined => {
  if (typeof lengths === "number") {
    if (isLength(lengths)) return undefined
    const rule = lengths > maxTokens ? `must be at most ${maxTokens}` : "must be at least 1"
    return workloadError(option, `${rule}, got ${lengths}`)
  }
  if (lengths.distribution === "uniform") {
    const { high, low } = lengths
    return isLength(low) && isLength(high) && low <= high ? undefined : workloadError(
      option,
      `uniform:LOW,HIGH must be integers with 1 <= LOW <= HIGH <= ${maxTokens}, got ${low},${high}`
    )
  }
  const { mean, sigma } = lengths
  return mean >= 1 && mean <= maxTokens && sigma >= 0 && sigma <= maxSigma ? undefined : workloadError(
    option,
    `lognormal:MEAN,SIGMA must have a mean from 1 to ${maxTokens} and a sigma from 0 to ${maxSigma}, got ${mean},${sigma}`
  )
}

/** Draws one length after the other; checked lengths only. */
export const lengthSampler = (lengths: TokenLengths, random: Pcg32): () => number => {
  if (typeof lengths === "number") return () => lengths
  if (lengths.distribution === "uniform") {
    const { high, low } = lengths
    return () => low + random.below(high - low + 1)
  }
  const { mean, sigma } = lengths
  const mu = Math.log(mean) - sigma * sigma / 2
  return () => Math.min(maxTokens, Math.max(1, Math.round(Math.exp(mu + sigma * normal(random)))))
}

const syntax = "expected a number of tokens, uniform:LOW,HIGH or lognormal:MEAN,SIGMA"

/** Reads `128`, `uniform:100,200` or `lognormal:512,0.8`. */
export const parseLengths = (text: string): Result.Result<TokenLengths, string> => {
  const [, name, ...numbers] = /^(?:(uniform|lognormal):)?([^,]+)(?:,([^,]+))?$/.exec(text.trim()) ?? []
  const [first, second] = numbers.map((number) => number === undefined ? Number.NaN : Number(number))
  if (first === undefined || Number.isNaN(first)) return Result.fail(`${syntax}, got ${text}`)
  if (name === undefined) {
    return numbers[1] === undefined ? Result.succeed(first) : Result.fail(`${syntax}, got ${text}`)
  }
  if (second === undefined || Number.isNaN(second)) return Result.fail(`${syntax}, got ${text}`)
  return Result.succeed(
    name === "uniform"
      ? { distribution: "uniform", low: first, high: second }
      : { distribution: "lognormal", mean: first, sigma: second }
  )
}
