import { assert, describe, it } from "@effect/vitest"
import { kolmogorovSmirnov } from "./KolmogorovSmirnov.ts"

const numbers = (count: number, from: number): Array<number> => Array.from({ length: count }, (_, i) => from + i)

describe("Kolmogorov-Smirnov test", () => {
  it("accepts equal samples, also when they differ by rounding", () => {
    assert.strictEqual(kolmogorovSmirnov([1, 2, 3], [3, 1, 2]), 1)
    assert.strictEqual(kolmogorovSmirnov([1e6, 1e6, 1e6], [1e6 + 1e-5, 1e6 - 1e-5, 1e6]), 1)
  })

  it("rejects samples apart", () => {
    assert.isBelow(kolmogorovSmirnov(numbers(20, 0), numbers(20, 100)), 1e-8)
  })

  it("gives the tabulated probability at a distance of 6/20", () => {
    assert.closeTo(kolmogorovSmirnov(numbers(20, 0), numbers(20, 6)), 0.2753, 5e-4)
  })
})
