/**
 * PCG32 (XSH-RR 64/32, O'Neill 2014): the seeded generator of every random choice that the simulation makes itself.
 *
 * 64 bits of state in two 32-bit halves, so that a draw needs no BigInt. Same seed and stream: same numbers everywhere.
 */

/** High and low half of the multiplier 6364136223846793005. */
const multiplierHigh = 0x5851f42d
const multiplierLow = 0x4c957f2d
const multiplierLowHigh16 = multiplierLow >>> 16
const multiplierLowLow16 = multiplierLow & 0xffff
const twoTo32 = 0x1_0000_0000

/** Of runs that name none; the one that the reference draws synthetic load from. */
export const defaultSeed = 42

/** A seeded generator of random numbers, PCG32 (O'Neill 2014). */
export class Pcg32 {
  private high = 0
  private low = 0
  private readonly incrementHigh: number
  private readonly incrementLow: number

  /**
   * `seed` and `stream` count modulo 2^64; generators of different streams are independent of each other.
   * Numbers must be integers. Agrees with `pcg32_srandom(seed, stream)` of the author's library.
   */
  constructor(seed: bigint | number, stream: bigint | number = 0) {
    const increment = BigInt.asUintN(64, (BigInt(stream) << 1n) | 1n)
    const state = BigInt.asUintN(64, BigInt(seed) + increment)
    this.incrementHigh = Number(increment >> 32n)
    this.incrementLow = Number(increment & 0xffff_ffffn)
    this.high = Number(state >> 32n)
    this.low = Number(state & 0xffff_ffffn)
    this.advance()
  }

  /** Uniform in 0 … 2^32 - 1. */
  uint32(): number {
    const high = this.high
    const low = this.low
    this.advance()
    const foldedHigh = high ^ (high >>> 18)
    const foldedLow = low ^ ((high << 14) | (low >>> 18))
    const folded = (foldedHigh << 5) | (foldedLow >>> 27)
    const turns = high >>> 27
    return ((folded >>> turns) | (folded << (-turns & 31))) >>> 0
  }

  /** Uniform in 0 … bound - 1, without bias; `bound` in 1 … 2^32. */
  below(bound: number): number {
    const firstFair = twoTo32 % bound
    for (;;) {
      const draw = this.uint32()
      if (draw >= firstFair) return draw % bound
    }
  }

  /** Uniform in [0, 1) with 53 random bits; two draws. */
  unit(): number {
    const high = this.uint32() >>> 5
    const low = this.uint32() >>> 6
    return (high * 0x400_0000 + low) / 0x20_0000_0000_0000
  }

  /** state = state * multiplier + increment, modulo 2^64, by 16-bit pieces whose sums stay below 2^53. */
  private advance(): void {
    const low = this.low
    const high16 = low >>> 16
    const low16 = low & 0xffff
    const lowest = low16 * multiplierLowLow16
    const middle = high16 * multiplierLowLow16 + (lowest >>> 16)
    const middleLow = (middle & 0xffff) + low16 * multiplierLowHigh16
    const carry = high16 * multiplierLowHigh16 + (middle >>> 16) + (middleLow >>> 16)
    const productLow = ((middleLow << 16) | (lowest & 0xffff)) >>> 0
    const productHigh = carry + Math.imul(this.high, multiplierLow) + Math.imul(low, multiplierHigh)
    const sumLow = productLow + this.incrementLow
    this.low = sumLow >>> 0
    this.high = (productHigh + this.incrementHigh + (sumLow >= twoTo32 ? 1 : 0)) >>> 0
  }
}
