/**
 * Blocks in the order in which they are evicted, by chains of consecutive identities within a frame of eight (`structures/FrameMask.ts`), each
 * block behind the one before it: the first identity of a chain, its length, and the parent of its first block, one chain after another.
 * The last block of a chain is evicted first.
 */
import { frameSize, lastOf, membersFrom } from "../../structures/FrameMask.ts"

export type BlockChains = ReadonlyArray<number>

/** Numbers per chain. */
export const chainLength = 3

export const addChain = (chains: Array<number>, key: number, count: number, parentKey: number): void => {
  chains.push(key, count, parentKey)
}

/** Tells of every block, in order. */
export const forEachBlock = (chains: BlockChains, visit: (key: number, parentKey: number) => void): void => {
  for (let at = 0; at < chains.length; at += chainLength) {
    const first = chains[at]!
    for (let key = first + chains[at + 1]! - 1; key > first; key--) visit(key, key - 1)
    visit(first, chains[at + 2]!)
  }
}

/** The first `count` of the blocks. */
export const leadingChains = (chains: BlockChains, count: number): BlockChains => {
  const leading: Array<number> = []
  let left = count
  for (let at = 0; left > 0; at += chainLength) {
    const length = Math.min(left, chains[at + 1]!)
    const behind = chains[at + 1]! - length
    const first = chains[at]! + behind
    addChain(leading, first, length, behind === 0 ? chains[at + 2]! : first - 1)
    left -= length
  }
  return leading
}

/** Adds those blocks of a chain that are members of a mask. */
export const addMembers = (chains: Array<number>, key: number, parentKey: number, members: number): void => {
  for (let rest = members; rest !== 0;) {
    const last = lastOf(rest)
    const gaps = ~rest & membersFrom(0, last)
    const first = lastOf(gaps) + 1
    const firstKey = (key & ~(frameSize - 1)) | first
    addChain(chains, firstKey, last - first + 1, firstKey === key ? parentKey : firstKey - 1)
    rest &= membersFrom(0, first)
  }
}
