/** The tolerance every comparison with the reference uses: 1e-9 relative. */
import { assert } from "@effect/vitest"

const relativeTolerance = 1e-9
/** Differences of two clock values of up to 1e7 ms carry their rounding, which is not relative to the difference. */
const clockRounding = 1e-8

/** Whether two numbers agree to 1e-9 of `scale` (default: the expected value). */
export const isClose = (actual: number, expected: number, scale: number = Math.abs(expected)): boolean =>
  actual === expected || Math.abs(actual - expected) <= relativeTolerance * scale

export const assertClose = (actual: number, expected: number, what: string): void => {
  assert(isClose(actual, expected), `${what}: expected ${expected}, got ${actual}`)
}

/**
 * A standard deviation is compared on the scale of the mean as well: that of nearly equal values is rounding noise.
 */
export const assertCloseSpread = (actual: number, expected: number, mean: number, what: string): void => {
  const scale = Math.max(Math.abs(expected), Math.abs(mean))
  assert(isClose(actual, expected, scale), `${what}: expected ${expected} (mean ${mean}), got ${actual}`)
}

/** A difference of two simulated times, in ms: close, or apart by no more than the rounding of the times themselves. */
export const isCloseDifference = (actual: number, expected: number): boolean =>
  isClose(actual, expected) || Math.abs(actual - expected) <= clockRounding

/** For long lists compared often: a deep comparison of equal ones costs many times as much. */
export const assertSameNumbers = (actual: ReadonlyArray<number>, expected: ReadonlyArray<number>): void => {
  const same = actual.length === expected.length && actual.every((value, index) => value === expected[index])
  if (!same) assert.deepStrictEqual(actual, expected)
}
