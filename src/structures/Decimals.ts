/**
 * Numbers that are not whole, in the fewest decimal digits that read back the same: those of `String`, without a string. Most times that a run
 * comes to are such numbers, and making strings of them takes longer than writing all else.
 */
import { zero } from "./Digits.ts"

/** From here on a fraction has 50 bits at most: ten times as much is exact. */
export const leastWithDecimals = 4

/** Half of the distance to the next number, by the leading zeros of 32 bits of what stands before the point. */
const halfUnits = Float64Array.from({ length: 32 }, (_, leadingZeros) => 2 ** -(22 + leadingZeros))

/**
 * Writes the digits behind the point of a number that is not whole, from {@link leastWithDecimals} to 2³¹, and returns where they end: at
 * most 16 bytes further.
 *
 * Digits until what is left of the number is less than half of the distance to the next one (Steele and White, How to print floating-point
 * numbers accurately, 1990). All of it is exact, and no decimal of so few digits is half way between two numbers. Of two decimals that are as near the even
 * one is taken.
 */
export const writeDecimals = (bytes: Uint8Array, start: number, value: number): number => {
  const whole = value | 0
  let rest = value - whole
  let half = halfUnits[Math.clz32(whole)]!
  for (let at = start; ; at++) {
    rest *= 10
    half *= 10
    const digit = Math.floor(rest)
    rest -= digit
    const missing = 1 - rest
    if (rest >= half && missing >= half) {
      bytes[at] = zero + digit
      continue
    }
    const isBelow = rest < missing || (rest === missing && digit % 2 === 0)
    bytes[at] = zero + (isBelow ? digit : digit + 1)
    return at + 1
  }
}
