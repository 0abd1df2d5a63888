import { assert, describe, it } from "@effect/vitest"
import { sortPairs } from "../../src/report/PairSort.ts"
import { pseudoRandom } from "./NaiveStatistics.ts"

const random = pseudoRandom(4)

const orders: Readonly<Record<string, (index: number, length: number) => number>> = {
  ascending: (index) => index,
  descending: (index, length) => length - index,
  random: () => random(),
  "few values": () => Math.floor(random() * 3),
  equal: () => 1,
  "organ pipe": (index, length) => Math.min(index, length - index),
  "sorted, then random": (index, length) => (index < length / 2 ? index / length : random()),
  "saw tooth": (index) => index % 17
}

/** A sequence that makes a median-of-three quicksort split off two values at a time (Musser 1997). */
const killer = (length: number): Array<number> => {
  const half = length / 2
  return Array.from({ length }, (_, index) => {
    if (index >= half) return 2 * (index - half) + 2
    return index % 2 === 0 ? index + 1 : half + index
  })
}

const check = (name: string, values: ReadonlyArray<number>): void => {
  const sorted = Float64Array.from(values)
  const counts = Uint32Array.from(values, (value) => Math.floor(value * 1000))
  sortPairs(sorted, counts, values.length)
  assert.deepStrictEqual(
    Array.from(sorted),
    values.toSorted((a, b) => a - b),
    name
  )
  assert.deepStrictEqual(
    Array.from(counts),
    Array.from(sorted, (value) => Math.floor(value * 1000)),
    name
  )
}

describe("sortPairs", () => {
  it("orders values and takes their counts along", () => {
    for (const [name, valueAt] of Object.entries(orders)) {
      for (const length of [0, 1, 2, 3, 15, 16, 17, 18, 100, 5000]) {
        check(
          `${name} ${length}`,
          Array.from({ length }, (_, index) => valueAt(index, length))
        )
      }
    }
  })

  it("takes along counts that fit into the last bits of gaps and those that do not", () => {
    const timesMs = Array.from({ length: 4000 }, () => 3_000_000 * random()).toSorted((a, b) => a - b)
    const gapsMs = timesMs.slice(1).map((timeMs, index) => timeMs - timesMs[index]!)
    const signed = gapsMs.map((gapMs, index) => (index % 7 === 0 ? -gapMs : index % 11 === 0 ? gapMs / 3 : gapMs))
    for (const values of [gapsMs, signed]) {
      const room = Float64Array.of(1, ...values)
      const sorted = room.subarray(1)
      const countOf = new Map(values.map((value, index) => [value, index % 5 === 0 ? 1023 + (index % 2) : index % 80]))
      const counts = Uint32Array.from(values, (value) => countOf.get(value)!)
      sortPairs(sorted, counts, values.length)
      assert.deepStrictEqual(
        Array.from(sorted),
        values.toSorted((a, b) => a - b)
      )
      assert.deepStrictEqual(
        Array.from(counts),
        Array.from(sorted, (value) => countOf.get(value)!)
      )
    }
  })

  it("does not degenerate on an order made to defeat quicksort", () => {
    const started = performance.now()
    check("killer", killer(200_000))
    assert.isBelow(performance.now() - started, 5000)
  })

  it("leaves what lies past the length alone", () => {
    const values = Float64Array.of(3, 2, 1)
    const counts = Uint32Array.of(30, 20, 10)
    sortPairs(values, counts, 2)
    assert.deepStrictEqual(
      [Array.from(values), Array.from(counts)],
      [
        [2, 3, 1],
        [20, 30, 10]
      ]
    )
  })
})
