import { assert, describe, it } from "@effect/vitest"
import { leastWithDecimals, writeDecimals } from "../../src/structures/Decimals.ts"
import { Pcg32 } from "../../src/structures/Pcg32.ts"

const bytes = new Uint8Array(32)

const written = (value: number): string => {
  const end = writeDecimals(bytes, 1, value)
  return `${Math.floor(value)}.${new TextDecoder().decode(bytes.subarray(1, end))}`
}

/** The one so many away from it. */
const neighbour = (value: number, distance: number): number => {
  const words = new BigInt64Array(new Float64Array([value]).buffer)
  words[0]! += BigInt(distance)
  return new Float64Array(words.buffer)[0]!
}

const random = new Pcg32(7)
const below = (limit: number): number => Math.floor((random.uint32() / 2 ** 32) * limit)

/** Short and long decimals, numbers beside them, quotients, sums, and binary fractions that are half way between two decimals. */
const values = Array.from({ length: 3000 }, () => {
  const whole = below(2 ** below(32))
  const decimal = whole + below(10 ** below(10)) / 10 ** below(10)
  return [
    decimal,
    neighbour(decimal, below(9) - 4),
    whole + random.uint32() / random.uint32(),
    whole + random.uint32() / 2 ** below(50),
    whole + random.uint32() / 1e6 + random.uint32() / 1e9
  ]
}).flat()

describe("decimals", () => {
  it("are those that String writes", () => {
    const fractional = [
      leastWithDecimals + 0.5,
      4.000000000000001,
      8.999999999999998,
      600_000_000.00390625,
      ...values
    ].filter((value) => value >= leastWithDecimals && value < 2 ** 31 && !Number.isInteger(value))
    assert.isAbove(fractional.length, 5000)
    assert.deepStrictEqual(
      fractional.filter((value) => written(value) !== String(value)),
      []
    )
  })
})
