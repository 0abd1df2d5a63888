/** How long an answer will be: its words follow from its seed, so where a stop string ends it is known beforehand. */
import type { StopRule } from "./GenerationSpec.ts"
import { outputText, wordCharacters } from "./OutputText.ts"

export interface OutputPlan {
  /** Seed of the words. */
  readonly seed: number
  readonly tokens: number
  /** Characters of their text that the client gets: a stop string and what follows it in its last token are cut off. */
  readonly characters: number
  /** The string that ends it, `undefined` when its length does. */
  readonly stop: string | undefined
}

/** The first token with which one of the strings is complete ends the output; of several, the string named first. */
export const planOutput = (seed: number, mostTokens: number, { kept, minTokens, strings }: StopRule): OutputPlan => {
  let plan: OutputPlan = { seed, tokens: mostTokens, characters: mostTokens * wordCharacters, stop: undefined }
  if (strings.length === 0) return plan
  const text = outputText(seed, 0, mostTokens)
  for (const stop of strings) {
    const start = text.indexOf(stop, Math.max(0, minTokens * wordCharacters - stop.length + 1))
    if (start < 0) continue
    const end = start + stop.length
    const tokens = Math.ceil(end / wordCharacters)
    if (tokens < plan.tokens || (tokens === plan.tokens && plan.stop === undefined)) {
      plan = { seed, tokens, characters: kept ? end : start, stop }
    }
  }
  return plan
}
