/** What block identities must mean, in the plainest form: the text of the whole prefix. */

/** The tokens of a prompt, one string each. */
export const tokensOfHashIds = (
  hashIds: ReadonlyArray<number>,
  traceBlockTokens: number,
  tokens: number
): Array<string> =>
  Array.from({ length: tokens }, (_, position) => String(hashIds[Math.floor(position / traceBlockTokens)]! >>> 0))

export const tokensOfRuns = (runs: ReadonlyArray<readonly [symbol: number, count: number]>): Array<string> =>
  runs.flatMap(([symbol, count]) => Array.from({ length: count }, () => String(symbol)))

/** The prefix text of every full block. */
export const prefixTexts = (tokens: ReadonlyArray<string>, blockTokens: number): Array<string> =>
  Array.from({ length: Math.floor(tokens.length / blockTokens) }, (_, block) =>
    tokens.slice(0, (block + 1) * blockTokens).join(" ")
  )

/** A growing one-to-one relation between identities and prefix texts; throws when either side repeats with another partner. */
export class Bijection {
  private readonly textOf = new Map<number, string>()
  private readonly identityOf = new Map<string, number>()

  relate(identities: ArrayLike<number>, texts: ReadonlyArray<string>): void {
    if (identities.length !== texts.length)
      throw new Error(`${identities.length} identities for ${texts.length} blocks`)
    texts.forEach((text, block) => {
      const identity = identities[block]!
      const knownText = this.textOf.get(identity)
      const knownIdentity = this.identityOf.get(text)
      if (knownText !== undefined && knownText !== text)
        throw new Error(`identity ${identity} stands for "${knownText}" and "${text}"`)
      if (knownIdentity !== undefined && knownIdentity !== identity) {
        throw new Error(`"${text}" has the identities ${knownIdentity} and ${identity}`)
      }
      this.textOf.set(identity, text)
      this.identityOf.set(text, identity)
    })
  }
}
