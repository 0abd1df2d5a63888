/** Where keys go in the open-addressing tables of this folder. */

/**
 * Fibonacci hashing: 2^32 / golden ratio. Where this is multiplied with, the product is a double, whose high bits are those of `Math.imul`: V8's
 * quick compiler would call that, and multiplies doubles in place.
 */
export const hashFactor = 0x9e3779b1

const groupBits = 3
const groupMask = (1 << groupBits) - 1

/** For a table of `2 ** bits` places, sixteen at least. */
export const groupedShift = (bits: number): number => 32 - bits + groupBits

/**
 * The place where a key's probing starts. Identities of one trace block are consecutive, so groups of eight stay together: a walk
 * along a prompt then touches one cache line per group instead of one per block.
 */
export const groupedHome = (key: number, shift: number): number =>
  ((((key >> groupBits) * hashFactor) >>> shift) << groupBits) | (key & groupMask)
