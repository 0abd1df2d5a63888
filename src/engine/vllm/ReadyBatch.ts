/** The running requests whose known tokens are all computed, so that they can emit one: made anew for every pass, without allocation. */
import type { Sequence } from "./Sequence.ts"
import { emptyObjects } from "../../structures/EmptyObjects.ts"

export class ReadyBatch {
  /** Of these the first {@link count} count. */
  readonly sequences = emptyObjects<Sequence>()
  count = 0
  /** Their known tokens. */
  contextTokens = 0

  /** Those of the running requests from place `from` on. */
  collect(running: ReadonlyArray<Sequence>, from: number): void {
    const { sequences } = this
    let contextTokens = 0
    let count = 0
    for (let index = from; index < running.length; index++) {
      const sequence = running[index]!
      const known = sequence.promptTokens + sequence.generatedTokens
      if (sequence.computedTokens >= known && sequence.generatedTokens < sequence.maxOutputTokens) {
        sequences[count++] = sequence
        contextTokens += known
      }
    }
    this.count = count
    this.contextTokens = contextTokens
  }
}
