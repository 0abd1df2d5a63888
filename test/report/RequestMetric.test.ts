import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { logHistogramError } from "../../src/report/LogHistogram.ts"
import { RequestMetric } from "../../src/report/RequestMetric.ts"
import { emptyStatistics, percentileRank } from "../../src/report/SampleStatistics.ts"
import { assertCloseTo, naiveStatistics, percentiles, pseudoRandom } from "./NaiveStatistics.ts"

const filled = (values: ReadonlyArray<number>, exactValues?: number): RequestMetric => {
  const metric = new RequestMetric(exactValues)
  for (const value of values) metric.add(value)
  return metric
}

const nonNegative = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1e9 }))

describe("RequestMetric", () => {
  it("takes the nearest rank, halves up, without interpolation", () => {
    assert.deepStrictEqual(
      [1, 2, 3, 4, 5, 101].map((count) => percentileRank(count, 50)),
      [0, 1, 1, 2, 2, 50]
    )
    assert.deepStrictEqual(
      [2, 4, 11, 12].map((count) => percentileRank(count, 75)),
      [1, 2, 8, 8]
    )
    assert.strictEqual(percentileRank(201, 99), 198)
    assert.strictEqual(percentileRank(151, 99), 149)
  })

  it("computes nine numbers by hand-checked rules", () => {
    assert.deepStrictEqual(filled([4, 1, 3, 2]).statistics(), {
      mean: 2.5,
      min: 1,
      max: 4,
      median: 3,
      p75: 3,
      p90: 4,
      p95: 4,
      p99: 4,
      std: Math.sqrt(1.25)
    })
    assert.deepStrictEqual(filled([]).statistics(), emptyStatistics)
  })

  it.effect.prop("agrees with sorting everything", [Arbitrary.schema(Schema.Array(nonNegative))], ([values]) =>
    Effect.sync(() => assertCloseTo(filled(values).statistics(), naiveStatistics(values), 1e-12))
  )

  it("finds ranks across many pages, whatever the order of the values", () => {
    const count = 100_000
    const random = pseudoRandom(1)
    const orders = {
      ascending: Array.from({ length: count }, (_, index) => index),
      descending: Array.from({ length: count }, (_, index) => count - index),
      random: Array.from({ length: count }, () => random() * 1000),
      "few values": Array.from({ length: count }, () => Math.floor(random() * 5)),
      equal: Array.from({ length: count }, () => 7)
    }
    for (const [name, values] of Object.entries(orders)) {
      const found = filled(values).statistics()
      const expected = naiveStatistics(values)
      for (const key of percentiles) assert.strictEqual(found[key], expected[key], `${name}: ${key}`)
      assertCloseTo(found, expected, 1e-10)
    }
  })

  it("can be asked in between and goes on", () => {
    const metric = filled([5, 3])
    assert.strictEqual(metric.statistics().max, 5)
    metric.add(9)
    metric.add(1)
    assertCloseTo(metric.statistics(), naiveStatistics([5, 3, 9, 1]), 1e-12)
  })

  it("keeps to the stated error of its percentiles past the budget, and to everything else exactly", () => {
    const random = pseudoRandom(2)
    for (const spread of [0, 1, 8]) {
      const values = Array.from({ length: 20_000 }, () => Math.exp(spread * (random() + random() - 1)) * 30)
      const metric = filled(values, 1000)
      assert.isFalse(metric.exact)
      const found = metric.statistics()
      const expected = naiveStatistics(values)
      for (const key of percentiles) {
        assert.isAtMost(Math.abs(found[key] - expected[key]), logHistogramError * expected[key], key)
      }
      assertCloseTo({ ...found, ...pick(expected, percentiles) }, expected, 1e-10)
    }
  })

  it("stays exact up to the budget and no further", () => {
    assert.isTrue(filled([1, 2, 3], 3).exact)
    assert.isFalse(filled([1, 2, 3, 4], 3).exact)
  })

  it("counts zeros exactly and never leaves the range of the values", () => {
    const { max, median, min, p75, p90 } = filled([0, 0, 0, 5], 0).statistics()
    assert.deepStrictEqual({ min, median, p75, p90, max }, { min: 0, median: 0, p75: 0, p90: 5, max: 5 })
  })
})

const pick = <K extends string>(of: Readonly<Record<K, number>>, keys: ReadonlyArray<K>): Record<string, number> =>
  Object.fromEntries(keys.map((key) => [key, of[key]]))
