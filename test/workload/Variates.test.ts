import { assert, describe, it } from "@effect/vitest"
import { Pcg32 } from "../../src/structures/Pcg32.ts"
import { exponential, gamma, normal } from "../../src/workload/Variates.ts"

const draws = 200_000

const moments = (draw: () => number) => {
  let sum = 0
  let squares = 0
  for (let i = 0; i < draws; i++) {
    const value = draw()
    sum += value
    squares += value * value
  }
  const mean = sum / draws
  return { mean, variance: squares / draws - mean * mean }
}

/** Within five standard errors of the mean, and 5 % of the variance. */
const assertMoments = (draw: () => number, mean: number, variance: number) => {
  const found = moments(draw)
  assert.approximately(found.mean, mean, 5 * Math.sqrt(variance / draws))
  assert.approximately(found.variance, variance, 0.05 * variance)
}

describe("variates", () => {
  it("exponential: mean 1, variance 1, never negative", () => {
    const random = new Pcg32(1)
    assertMoments(() => exponential(random), 1, 1)
    for (let i = 0; i < 1000; i++) assert.isAtLeast(exponential(random), 0)
  })

  it("normal: mean 0, variance 1", () => {
    const random = new Pcg32(2)
    assertMoments(() => normal(random), 0, 1)
  })

  for (const shape of [0.1, 0.5, 1, 4, 100]) {
    it(`gamma of shape ${shape}: mean and variance are the shape`, () => {
      const random = new Pcg32(3)
      assertMoments(() => gamma(random, shape), shape, shape)
    })
  }

  it("repeat with the seed", () => {
    const series = (seed: number) => {
      const random = new Pcg32(seed)
      return [exponential(random), normal(random), gamma(random, 0.7), gamma(random, 3)]
    }
    assert.deepStrictEqual(series(7), series(7))
    assert.notDeepEqual(series(7), series(8))
  })
})
