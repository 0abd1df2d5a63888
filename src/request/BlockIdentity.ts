/**
 * What makes two KV blocks the same: the exact token content of the whole prefix up to the block's end.
 *
 * A block identity is a small non-negative integer interned for "this prefix, extended by this content". Engines
 * and routers compare identities, never tokens. Identities that nobody holds any more are recycled, so
 * memory follows the live blocks, not the length of the trace.
 */

import { firstOf } from "../structures/FrameMask.ts"
import { wideBits, wideLeading, wideMembersFrom } from "../structures/WideFrame.ts"
import type { HashId, HashIds } from "./HashId.ts"

/** Takes the identity of a block that is still needed, or of `count` blocks whose identities follow each other. */
export type MarkBlocks = (first: number, count?: number) => void

/** Calls back with every block identity that a holder still needs; one stands for all blocks before it in its prompt. */
export interface BlockHolder {
  markBlocks(mark: MarkBlocks): void
}

/** Marks the blocks whose identities are the members of a mask of a frame of 32. */
export const markWideMembers = (frame: number, mask: number, mark: MarkBlocks): void => {
  for (let rest = mask; rest !== 0;) {
    const first = firstOf(rest)
    const count = wideLeading(rest, first)
    mark((frame << wideBits) | first, count)
    rest &= ~wideMembersFrom(first, count)
  }
}

/** Marks the blocks of one token string, of which only those with identities from 0 on are shared: the last of these stands for all. */
export const markPrefix = (blocks: Int32Array, mark: MarkBlocks): void => {
  let last = blocks.length - 1
  while (last >= 0 && blocks[last]! < 0) last -= 1
  if (last >= 0) mark(blocks[last]!)
}

/** Gives every prefix of full engine blocks a small integer, equal for equal prefixes. */
export interface BlockIdentity {
  /** Engine block size in tokens. */
  readonly blockTokens: number
  /** Most blocks that any worker can hold: identities of generated blocks beyond them are never looked at. */
  readonly capacityBlocks: number
  /**
   * Identities of all full blocks of a token string given as runs: `symbols[i]` repeated `counts[i]` times.
   * Equal symbols are equal tokens. Only the first `mostTokens` tokens count, all by default. Length of the result:
   * `floor(min(sum(counts), mostTokens) / blockTokens)`.
   */
  readonly blocksOfRuns: (symbols: ArrayLike<HashId>, counts: ArrayLike<number>, mostTokens?: number) => Int32Array
  /**
   * Identities of the full blocks of a prompt whose token `p` is `hashIds[floor(p / traceBlockTokens)]`,
   * cut to `promptTokens`. Length of the result: `floor(promptTokens / blockTokens)`.
   */
  readonly blocksOfHashIds: (hashIds: HashIds, promptTokens: number) => Int32Array
  /** Whether enough identities were made since the last collection to be worth one. */
  readonly wantsCollection: () => boolean
  /** Recycles every identity that no holder marks and none that it marks extends. */
  readonly collect: (holders: Iterable<BlockHolder>) => void
}
