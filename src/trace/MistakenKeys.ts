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
      const meant = otherWords.get(key) ?? nearestByEdits(key, this.known)
      // A row that has both means something else by it.
      this.unknown.set(key, meant === undefined || meant in object ? undefined : { meant, line })
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
