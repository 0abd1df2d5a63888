import { assert, describe, it } from "@effect/vitest"
import { Pcg32 } from "../../src/structures/Pcg32.ts"
import { Shuffle } from "../../src/structures/Shuffle.ts"

const all = (length: number, seed: number): ReadonlyArray<number> => {
  const shuffle = new Shuffle(length, new Pcg32(seed))
  return Array.from({ length }, (_, place) => shuffle.at(place))
}

describe("Shuffle", () => {
  it("has every number once", () => {
    for (const length of [1, 2, 3, 4, 5, 16, 17, 63, 1000, 4097]) {
      assert.deepStrictEqual(
        all(length, length).toSorted((a, b) => a - b),
        Array.from({ length }, (_, number) => number)
      )
    }
  })

  it("gives another order for another seed, none of them the one that it started from", () => {
    const orders = [1, 2, 3].map((seed) => all(100, seed))
    assert.strictEqual(new Set(orders.map((order) => order.join())).size, 3)
    for (const order of orders) assert.isBelow(order.filter((number, place) => number === place).length, 10)
  })

  it("spreads neighbours over the whole length", () => {
    const order = all(10_000, 7)
    const mean = (numbers: ReadonlyArray<number>) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length
    for (let from = 0; from < 10_000; from += 1000) {
      assert.closeTo(mean(order.slice(from, from + 1000)), 5000, 500)
    }
  })

  it("reaches 2^32 numbers", () => {
    const shuffle = new Shuffle(2 ** 32, new Pcg32(1))
    const numbers = [0, 1, 2 ** 31, 2 ** 32 - 1].map((place) => shuffle.at(place))
    assert.strictEqual(new Set(numbers).size, 4)
    for (const number of numbers) assert.isTrue(Number.isInteger(number) && number >= 0 && number < 2 ** 32)
  })
})
