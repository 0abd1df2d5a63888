/** What prompts share when a trace tells lengths only. */
export interface PrefixModel {
  /** Tokens of the system prompt that all prompts begin with; 0 for none. */
  readonly systemTokens: number
  /** Mean number of requests that continue each other's prompts; 1 when none does. */
  readonly meanTurns: number
}

export const freshPrefixes: PrefixModel = { systemTokens: 0, meanTurns: 1 }

export const prefixModelSyntax = "fresh, system:TOKENS, turns:MEAN, or system:TOKENS,turns:MEAN"

/** Reads {@link prefixModelSyntax}. */
export const prefixModelOf = (text: string): PrefixModel | undefined => {
  if (text === "fresh") return freshPrefixes
  let model = freshPrefixes
  for (const part of text.split(",")) {
    const [, name, number] = /^(system|turns):(\d+(?:\.\d+)?)$/.exec(part.trim()) ?? []
    const value = Number(number)
    if (name === "system" && Number.isInteger(value) && value > 0 && value < 2 ** 31)
      model = { ...model, systemTokens: value }
    else if (name === "turns" && value >= 1 && value <= 1e6) model = { ...model, meanTurns: value }
    else return undefined
  }
  return model
}

/** As it was written, more or less. */
export const prefixModelText = ({ meanTurns, systemTokens }: PrefixModel): string => {
  const parts = [
    ...(systemTokens === 0 ? [] : [`system:${systemTokens}`]),
    ...(meanTurns === 1 ? [] : [`turns:${meanTurns}`])
  ]
  return parts.length === 0 ? "fresh" : parts.join(",")
}
