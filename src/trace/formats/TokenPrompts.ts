/**
 * Hash ids of prompts whose tokens are known: equal beginnings, block by block, have equal ids.
 *
 * A block is known by 64 bits of hash of its tokens below all that precedes it, in a tree of limited size; once that is full, new
 * blocks have ids of their own.
 */
import { LabelTree } from "../../structures/LabelTree.ts"
import { murmurRound } from "../../structures/Murmur.ts"

const maxBlocks = 4_000_000
const root = 0
const seeds = [0x3c6ef372, 0x1f83d9ab] as const

export class TokenPrompts {
  private readonly blockTokens: number
  private readonly tree = new LabelTree(maxBlocks)
  private lastOwn = maxBlocks

  constructor(blockTokens: number) {
    this.blockTokens = blockTokens
  }

  idsOf(tokens: ReadonlyArray<number>): ReadonlyArray<number> {
    const ids: Array<number> = []
    let node = root
    for (let start = 0; start < tokens.length; start += this.blockTokens) {
      node = this.step(node, tokens, start)
      ids.push(node)
    }
    return ids
  }

  private step(parent: number, tokens: ReadonlyArray<number>, start: number): number {
    if (parent > maxBlocks) return this.own()
    let [low, high]: [number, number] = [seeds[0], seeds[1]]
    const end = Math.min(start + this.blockTokens, tokens.length)
    for (let index = start; index < end; index++) {
      low = murmurRound(low, tokens[index]!)
      high = murmurRound(high, tokens[index]!)
    }
    // A block that is not full is another one than the full one that it may become.
    low ^= end - start
    return this.tree.child(parent, low, high) || this.tree.add(parent, low, high) || this.own()
  }

  private own(): number {
    this.lastOwn += 1
    return this.lastOwn
  }
}
