import { assert, describe, it } from "@effect/vitest"
import { Pcg32 } from "../../../src/structures/Pcg32.ts"
import { minima, pickSoftmax, pickTied } from "../../../src/router/kv/Choice.ts"

const frequencies = (workers: number, draws: number, pick: () => number): Array<number> => {
  const counts = Array.from({ length: workers }, () => 0)
  for (let i = 0; i < draws; i++) counts[pick()]! += 1
  return counts.map((count) => count / draws)
}

describe("choice", () => {
  it("finds the exact minima", () => {
    const out = new Int32Array(5)
    const count = minima(Float64Array.of(2, 1, 1 + Number.EPSILON, 1, 3), out)
    assert.deepStrictEqual(Array.from(out.subarray(0, count)), [1, 3])
  })

  it("breaks ties evenly", () => {
    const random = new Pcg32(11)
    const tied = Int32Array.of(1, 4, 6)
    const seen = frequencies(7, 30_000, () => pickTied(tied, 3, "random", random))
    for (const worker of tied) assert.closeTo(seen[worker]!, 1 / 3, 0.012)
    assert.strictEqual(seen[0]! + seen[2]! + seen[3]! + seen[5]!, 0)
  })

  it("takes the lowest tied worker when told to, and draws nothing", () => {
    const random = new Pcg32(11)
    assert.strictEqual(pickTied(Int32Array.of(2, 3), 2, "lowest", random), 2)
    assert.strictEqual(pickTied(Int32Array.of(3), 1, "random", random), 3)
    assert.strictEqual(random.uint32(), new Pcg32(11).uint32())
  })

  for (const temperature of [0.1, 0.5, 5]) {
    it(`draws by softmax at temperature ${temperature}`, () => {
      const costs = Float64Array.of(310, 300, 380, 340)
      const weights = Array.from(costs, (cost) => Math.exp(-(cost - 300) / (80 * temperature)))
      const total = weights.reduce((sum, weight) => sum + weight, 0)
      const random = new Pcg32(3)
      const scratch = new Float64Array(4)
      const seen = frequencies(4, 40_000, () => pickSoftmax(costs, temperature, scratch, random))
      weights.forEach((weight, worker) => assert.closeTo(seen[worker]!, weight / total, 0.011))
    })
  }
})
