/**
 * KV block identities of served text.
 *
 * A block is known by 64 bits of hash of its tokens below the exact identity of what precedes it: in the trie of hash ids, each
 * block is two ids of 32 bits. Two different continuations of one prefix are confused with probability 2^-64.
 */
import { HashIdTrie } from "../request/HashIdTrie.ts"
import type { BlockIdentity } from "../request/BlockIdentity.ts"
import { murmurFinal, murmurRound } from "../structures/Murmur.ts"
import type { TokenBuffer } from "./TokenText.ts"

const idsPerBlock = 2
const seeds = [0x2f0b4c47, 0x51ed270b] as const

/** The trie in units of half blocks. */
export const textIdentity = (): BlockIdentity => new HashIdTrie(1, idsPerBlock)

/** Identities of all full blocks of the tokens. */
export const blocksOf = (identity: BlockIdentity, tokens: TokenBuffer, blockTokens: number): Int32Array => {
  const blocks = Math.floor(tokens.length / blockTokens)
  const ids = new Int32Array(idsPerBlock * blocks)
  for (let block = 0; block < blocks; block++) {
    let [first, second]: [number, number] = [seeds[0], seeds[1]]
    for (let index = block * blockTokens; index < (block + 1) * blockTokens; index++) {
      const token = tokens.at(index)
      first = murmurRound(first, token)
      second = murmurRound(second, token)
    }
    ids[idsPerBlock * block] = murmurFinal(first)
    ids[idsPerBlock * block + 1] = murmurFinal(second)
  }
  return identity.blocksOfHashIds(ids, ids.length)
}

/** 32 bits of hash of all tokens, for whatever must follow from a prompt. */
export const hashOf = (tokens: TokenBuffer, seed: number): number => {
  let hash = seed | 0
  for (let index = 0; index < tokens.length; index++) hash = murmurRound(hash, tokens.at(index))
  return murmurFinal(hash)
}
