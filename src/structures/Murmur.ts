/** MurmurHash3 (32 bit, Appleby, public domain), a word of 32 bits at a time. */

/** The hash with one more word in it. */
export const murmurRound = (hash: number, word: number): number => {
  let key = Math.imul(word, 0xcc9e2d51)
  key = Math.imul((key << 15) | (key >>> 17), 0x1b873593)
  const mixed = hash ^ key
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

/** The hash after its last word: every bit depends on every other. Signed. */
export const murmurFinal = (hash: number): number => {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) | 0
}
