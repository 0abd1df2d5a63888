/**
 * The numbers below a length in a drawn order, none of it stored: four rounds of a Feistel network over an even number of bits, and
 * what lands beyond the length goes through again (cycle walking; Black and Rogaway 2002).
 */
import { hashFactor } from "./Hash.ts"
import type { Pcg32 } from "./Pcg32.ts"

const rounds = 4

/** Longest that can be shuffled. */
export const maxShuffled = 2 ** 32

export class Shuffle {
  readonly length: number
  private readonly halfBits: number
  private readonly keys: Uint32Array

  /** `length` in 1 … {@link maxShuffled}. */
  constructor(length: number, random: Pcg32) {
    this.length = length
    this.halfBits = Math.max(1, Math.ceil(Math.log2(length) / 2))
    this.keys = Uint32Array.from({ length: rounds }, () => random.uint32())
  }

  /** The number at a place; every number is at one place. */
  at(place: number): number {
    let number = place
    do number = this.permuted(number)
    while (number >= this.length)
    return number
  }

  private permuted(number: number): number {
    const { halfBits, keys } = this
    const half = 2 ** halfBits
    let left = Math.floor(number / half)
    let right = number % half
    for (const key of keys) {
      const mixed = Math.imul(right ^ key, hashFactor)
      const next = left ^ (Math.imul(mixed ^ (mixed >>> 15), hashFactor) >>> (32 - halfBits))
      left = right
      right = next
    }
    return left * half + right
  }
}
