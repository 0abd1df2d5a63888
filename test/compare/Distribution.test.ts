/** Statistics of samples, and the distance of distributions. */
import { assert, describe, it } from "@effect/vitest"
import { ascending, kolmogorovSmirnov, percentile, statisticsOf } from "../../src/compare/Distribution.ts"
import { Pcg32 } from "../../src/structures/Pcg32.ts"

describe("statistics", () => {
  it("are those of the report: nearest sample, halves up, population deviation", () => {
    const sorted = ascending([4, 1, Number.NaN, 3, 2])
    assert.deepStrictEqual([...sorted], [1, 2, 3, 4])
    assert.strictEqual(percentile(sorted, 50), 3)
    assert.strictEqual(percentile(sorted, 75), 3)
    assert.strictEqual(percentile(sorted, 90), 4)
    const { max, mean, min, std } = statisticsOf(sorted)
    assert.deepStrictEqual([min, max, mean, std], [1, 4, 2.5, Math.sqrt(1.25)])
  })
})

describe("the Kolmogorov-Smirnov distance", () => {
  it("is 0 of equal samples, also repeated, and 1 of those apart", () => {
    assert.strictEqual(kolmogorovSmirnov(ascending([1, 2, 2, 3]), ascending([1, 2, 2, 3])), 0)
    assert.strictEqual(kolmogorovSmirnov(ascending([1, 2]), ascending([1, 1, 2, 2])), 0)
    assert.strictEqual(kolmogorovSmirnov(ascending([1, 2]), ascending([3])), 1)
    assert.strictEqual(kolmogorovSmirnov(ascending([1, 2, 3, 4]), ascending([3, 4, 5, 6])), 0.5)
  })

  it("is the largest difference of the distribution functions, taken at every sample", () => {
    const random = new Pcg32(7)
    const draw = (count: number) => ascending(Array.from({ length: count }, () => Math.floor(random.unit() * 20)))
    for (let round = 0; round < 50; round++) {
      const [left, right] = [draw(1 + round), draw(60 - round)]
      const share = (of: Float64Array, value: number) => of.filter((each) => each <= value).length / of.length
      const expected = Math.max(
        ...[...left, ...right].map((value) => Math.abs(share(left, value) - share(right, value)))
      )
      assert.approximately(kolmogorovSmirnov(left, right), expected, 1e-12)
    }
  })
})
