/**
 * The "longest prefix match" order of the waiting queue: requests with more cached tokens first.
 *
 * Of several waiting requests that share a prefix which is not cached yet, only the first keeps its rank; the others go behind
 * everybody, because they will find it cached if they wait. Long queues are left alone.
 */
import type { RadixTree } from "./RadixTree.ts"
import type { Sequence } from "./Sequence.ts"
import type { WaitingQueue } from "../WaitingQueue.ts"

export const longestOrderedQueue = 128
/** Requests with at most this many cached tokens are compared with each other. */
const hitThresholdTokens = 32
/** Common tokens that make a request wait for another. */
const sharedThresholdTokens = 32
/** Puts ranks of requests that should wait below all others. */
const waits = 2 ** 32

export class LongestPrefixFirst {
  private readonly tree: RadixTree
  private readonly pageTokens: number
  /** Pages that cover {@link sharedThresholdTokens}: the identity of the last one tells whether so many tokens are common. */
  private readonly sharedPages: number
  private readonly sequences: Array<Sequence> = []
  private readonly ranks: Array<number> = []
  private readonly seen = new Set<number>()

  constructor(tree: RadixTree, pageTokens: number) {
    this.tree = tree
    this.pageTokens = pageTokens
    this.sharedPages = Math.ceil(sharedThresholdTokens / pageTokens)
  }

  order(waiting: WaitingQueue<Sequence>): void {
    if (waiting.length > longestOrderedQueue || waiting.length < 2) return
    const { ranks, sequences } = this
    this.seen.clear()
    sequences.length = 0
    ranks.length = 0
    waiting.forEach((sequence) => this.insert(sequence, this.rankOf(sequence)))
    waiting.reorder(sequences)
    sequences.length = 0
  }

  private rankOf(sequence: Sequence): number {
    const pages = Math.floor(sequence.knownTokens / this.pageTokens)
    const hitTokens = this.tree.matchingPages(sequence.keys, pages) * this.pageTokens
    if (hitTokens > hitThresholdTokens || pages < this.sharedPages) return hitTokens
    const key = sequence.keys[this.sharedPages - 1]!
    if (this.seen.has(key)) return hitTokens - waits
    this.seen.add(key)
    return hitTokens
  }

  /** Insertion sort, highest rank first, stable: the queue is nearly in order from the previous pass. */
  private insert(sequence: Sequence, rank: number): void {
    const { ranks, sequences } = this
    let index = sequences.length
    sequences.push(sequence)
    ranks.push(rank)
    for (; index > 0 && ranks[index - 1]! < rank; index--) {
      sequences[index] = sequences[index - 1]!
      ranks[index] = ranks[index - 1]!
    }
    sequences[index] = sequence
    ranks[index] = rank
  }
}
