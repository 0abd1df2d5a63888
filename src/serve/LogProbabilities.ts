/**
 * Log probabilities of output tokens. The simulated model draws each word from its list with equal chances, so every word, chosen or
 * not, has the same.
 */
import { otherWords, wordCount, outputWord } from "./OutputText.ts"

export interface TokenProbability {
  readonly token: string
  readonly logprob: number
  /** The likeliest tokens at this position, the chosen one first; empty when none were asked for. */
  readonly top: ReadonlyArray<string>
}

export const wordLogprob = -Math.log(wordCount)

/** Of output tokens `from … to`, with `alternatives` tokens each. */
export const probabilitiesOf = (
  seed: number,
  from: number,
  to: number,
  alternatives: number
): ReadonlyArray<TokenProbability> =>
  Array.from({ length: to - from }, (_, index) => {
    const token = outputWord(seed, from + index)
    const top = alternatives === 0 ? [] : [token, ...otherWords(seed, from + index, alternatives - 1)]
    return { token, logprob: wordLogprob, top }
  })
