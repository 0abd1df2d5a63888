/** The report's statistics computed the long way, and what is needed to compare with it. */
import { assert } from "@effect/vitest"
import { emptyStatistics, type SampleStatistics } from "../../src/report/SampleStatistics.ts"

export const percentiles = ["median", "p75", "p90", "p95", "p99"] as const

export const naiveStatistics = (values: ReadonlyArray<number>): SampleStatistics => {
  if (values.length === 0) return emptyStatistics
  const sorted = values.toSorted((a, b) => a - b)
  const at = (percent: number): number => sorted[Math.floor(((sorted.length - 1) * percent) / 100 + 0.5)] ?? Number.NaN
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length
  const variance = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0) / sorted.length
  return {
    mean,
    min: at(0),
    max: at(100),
    median: at(50),
    p75: at(75),
    p90: at(90),
    p95: at(95),
    p99: at(99),
    std: Math.sqrt(variance)
  }
}

/** All nine numbers agree to `tolerance` of the larger of value and mean. */
export const assertCloseTo = (found: SampleStatistics, expected: SampleStatistics, tolerance: number): void => {
  const keys = ["mean", "min", "max", ...percentiles, "std"] as const
  for (const key of keys) {
    const scale = Math.max(Math.abs(expected[key]), Math.abs(expected.mean))
    assert.isAtMost(
      Math.abs(found[key] - expected[key]),
      tolerance * scale,
      `${key}: ${found[key]} for ${expected[key]}`
    )
  }
}

/** Numbers in [0, 1) that are the same on every run (mulberry32). */
export const pseudoRandom = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
