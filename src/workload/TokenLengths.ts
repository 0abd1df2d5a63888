/** Draws the lengths of synthetic prompts and outputs. */
import { brokenLengthsRule, maxLengthTokens, type TokenLengths } from "../config/TokenLengths.ts"
import type { Pcg32 } from "../random/Pcg32.ts"
import { normal } from "./Variates.ts"
import { workloadError } from "./WorkloadError.ts"
import type { WorkloadError } from "./WorkloadError.ts"

export type { LognormalLengths, TokenLengths, UniformLengths } from "../config/TokenLengths.ts"

/** What is wrong with the lengths of an option. */
export const lengthsProblem = (option: string, lengths: TokenLengths): WorkloadError | undefined => {
  const rule = brokenLengthsRule(lengths)
  return rule === undefined ? undefined : workloadError(option, rule)
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
