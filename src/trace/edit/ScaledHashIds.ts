/**
 * Hash ids of a prompt that became longer or shorter, so that prompts go on sharing what they shared, in proportion.
 *
 *     before   |  a  |  b  |  c  |            factor 0.5: a block stands for two, factor 2: for half of one
 *     after    |  h(a, b)  |  h(c)  |
 *
 * A block of the scaled prompt stands for the stretch of the original at the same place, and gets its name from the original blocks
 * that this stretch reaches into, and from where in them it ends. The names depend on nothing else, so equal prefixes stay
 * equal, different blocks become different ones, and nothing has to be remembered between rows.
 */
import { type HashId, highHalf, lowHalf } from "../../request/HashId.ts"
import type { TraceRow } from "../TraceRow.ts"
import { murmurFinal, murmurRound } from "../../structures/Murmur.ts"

export interface Scaling {
  /** Length of the scaled prompt. */
  readonly promptTokens: number
  /** How many times longer prompts become. */
  readonly factor: number
  /** Tokens per hash id, before and after. */
  readonly traceBlockTokens: number
}

/**
 * A name of 48 bits, small enough that those of many traces can be kept apart by adding. Of a million different blocks two get the same with a
 * probability of 1 in 560, and it matters only if both follow the same prefix.
 */
class BlockName {
  private high = 0x2f6e2b1
  private low = 0x5bd1e995

  add(id: HashId): void {
    this.addWord(lowHalf(id))
    this.addWord(highHalf(id))
  }

  addWord(word: number): void {
    this.high = murmurRound(this.high, word)
    this.low = murmurRound(this.low, word ^ 0x9e3779b9)
  }

  finish(): number {
    return ((murmurFinal(this.high) >>> 0) >>> 16) * 2 ** 32 + (murmurFinal(this.low) >>> 0)
  }
}

/** Where a block of the scaled prompt starts in the original, in blocks; what divisions leave behind the sixth digit is dropped. */
const edge = (block: number, factor: number): number => Math.round((block / factor) * 1e6) / 1e6

/** `ceil(promptTokens / traceBlockTokens)` ids. */
export const scaledHashIds = (
  { hashIds, promptTokens: originalTokens }: Pick<TraceRow, "hashIds" | "promptTokens">,
  { factor, promptTokens, traceBlockTokens }: Scaling
): ArrayLike<HashId> => {
  const last = Math.ceil(originalTokens / traceBlockTokens) - 1
  if (factor === 1) return hashIds.length === last + 1 ? hashIds : Array.prototype.slice.call(hashIds, 0, last + 1)
  const ids: Array<HashId> = []
  for (let block = 0, from = 0; block * traceBlockTokens < promptTokens; block++) {
    const end = edge(block + 1, factor)
    const until = Math.min(last, Math.ceil(end) - 1)
    const name = new BlockName()
    for (let index = Math.min(from, until); index <= until; index++) name.add(hashIds[index]!)
    name.addWord(Math.ceil((end - until) * 2 ** 20))
    ids.push(name.finish())
    from = Math.min(last, Math.floor(end))
  }
  return ids
}
