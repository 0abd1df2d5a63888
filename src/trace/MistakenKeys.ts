/** Keys of rows that no format reads, but that are almost one that is read, or another tool's word for it. */
import { nearestByEdits } from "../settings/ClosestName.ts"
import type { JsonObject } from "./JsonLine.ts"

/** What other tools call the lengths of a request. */
const otherWords: ReadonlyMap<string, string> = new Map([
  ["prompt_tokens", "input_length"],
  ["prompt_length", "input_length"],
  ["isl", "input_length"],
  ["completion_tokens", "output_length"],
  ["osl", "output_length"]
])

/** Distinct keys looked at; rows whose keys are data have any number of them. */
const maxKeys = 64

interface Mistake {
  readonly meant: string
  readonly line: number
}

/** The key that is read and was probably meant. A row that has both means something else by this one. */
const meantBy = (key: string, object: JsonObject, known: ReadonlySet<string>): string | undefined => {
  const meant = otherWords.get(key) ?? nearestByEdits(key, known)
  return meant === undefined || meant in object ? undefined : meant
}

/** Of a row that cannot be used: what its first such key may have to do with it. */
export const mistakeIn = (object: JsonObject, known: ReadonlySet<string>): string | undefined => {
  for (const key of Object.keys(object).slice(0, maxKeys)) {
    const meant = known.has(key) ? undefined : meantBy(key, object, known)
    if (meant !== undefined) return `it has ${key}: did you mean ${meant}?`
  }
  return undefined
}

export class MistakenKeys {
  /** Keys that the format reads. */
  private readonly known: ReadonlySet<string>
  /** Keys that it does not, with what they are taken for. */
  private readonly unknown = new Map<string, Mistake | undefined>()

  constructor(known: ReadonlySet<string>) {
    this.known = known
  }

  add(object: JsonObject, line: number): void {
    for (const key in object) {
      if (this.known.has(key) || this.unknown.has(key) || this.unknown.size === maxKeys) continue
      const meant = meantBy(key, object, this.known)
      this.unknown.set(key, meant === undefined ? undefined : { meant, line })
    }
  }

  notices(): ReadonlyArray<string> {
    return [...this.unknown].flatMap(([key, mistake]) =>
      mistake === undefined
        ? []
        : [
            `rows have ${key} (first on line ${mistake.line}), which this format ignores; did you mean ${mistake.meant}?`
          ]
    )
  }
}
