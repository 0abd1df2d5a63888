/**
 * Random variates of the distributions that synthetic load offers.
 *
 * Uses `Math.log`, `Math.sqrt` and `Math.pow`: an engine whose results differ in the last bit draws other loads.
 */
import type { Pcg32 } from "../structures/Pcg32.ts"

/** Exponential with mean 1, by inversion. */
export const exponential = (random: Pcg32): number => -Math.log(1 - random.unit())

/** Normal with mean 0 and deviation 1, by Marsaglia's polar method; the second value of each pair is not used. */
export const normal = (random: Pcg32): number => {
  for (;;) {
    const x = 2 * random.unit() - 1
    const y = 2 * random.unit() - 1
    const square = x * x + y * y
    if (square > 0 && square < 1) return x * Math.sqrt((-2 * Math.log(square)) / square)
  }
}

/** Gamma with the given shape > 0 and scale 1, so with mean `shape`: Marsaglia and Tsang 2000. */
export const gamma = (random: Pcg32, shape: number): number => {
  if (shape < 1) return gamma(random, shape + 1) * Math.pow(1 - random.unit(), 1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = normal(random)
    const root = 1 + c * x
    if (root <= 0) continue
    const v = root * root * root
    if (Math.log(1 - random.unit()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
  }
}
