import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { GapMetric } from "../../src/report/GapMetric.ts"
import { logHistogramError } from "../../src/report/LogHistogram.ts"
import { emptyStatistics } from "../../src/report/SampleStatistics.ts"
import { assertCloseTo, naiveStatistics, percentiles, pseudoRandom } from "./NaiveStatistics.ts"

type Pairs = ReadonlyArray<readonly [gapMs: number, count: number]>

const filled = (pairs: Pairs, exactGaps?: number): GapMetric => {
  const metric = new GapMetric(exactGaps)
  metric.add(
    Float64Array.from(pairs, ([gapMs]) => gapMs),
    Uint32Array.from(pairs, ([, count]) => count)
  )
  return metric
}

const expanded = (pairs: Pairs): Array<number> =>
  pairs.flatMap(([gapMs, count]) => Array.from({ length: count }, () => gapMs))

/** Every one of `count` different gaps, four times. */
const distinct = (count: number): Pairs => Array.from({ length: 4 * count }, (_, index) => [1 + (index % count), 1])

const rates = (gapsMs: ReadonlyArray<number>): Array<number> => gapsMs.filter((gap) => gap > 0).map((gap) => 1000 / gap)

const Gap = Schema.Union([
  Schema.Literals([0, 5, 5.5, 20]),
  Schema.Finite.check(Schema.isBetween({ minimum: 1e-6, maximum: 1e6 }))
])
const PairList = Schema.Array(Schema.Tuple([Gap, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))]))

describe("GapMetric", () => {
  it.effect.prop("agrees with listing every gap", [Arbitrary.schema(PairList)], ([pairs]) =>
    Effect.sync(() => {
      const every = expanded(pairs)
      const { gapsMs, tokensPerSecond } = filled(pairs).statistics()
      const expected = naiveStatistics(rates(every))
      for (const key of percentiles) assert.strictEqual(tokensPerSecond[key], expected[key], key)
      assertCloseTo(gapsMs, naiveStatistics(every), 1e-12)
      assertCloseTo(tokensPerSecond, expected, 1e-12)
    })
  )

  it.effect.prop("gives the same numbers however the buffer overflows", [Arbitrary.schema(PairList)], ([pairs]) =>
    Effect.sync(() => {
      const repeated = [...pairs, ...pairs, ...pairs]
      const roomy = filled(repeated).statistics()
      const tight = filled(repeated, Math.max(new Set(pairs.map(([gapMs]) => gapMs)).size, 1))
      assert.isTrue(tight.exact)
      assertCloseTo(tight.statistics().gapsMs, roomy.gapsMs, 1e-12)
      assertCloseTo(tight.statistics().tokensPerSecond, roomy.tokensPerSecond, 1e-12)
    })
  )

  it("starts to sketch after the same additions, however early pairs of equal gaps are merged", () => {
    const exactGaps = 60_000
    const metric = new GapMetric(exactGaps)
    const different = new Set<number>()
    let pairs = 0
    let expected = true
    for (let index = 0; index < 220_000; index++) {
      if (pairs === (exactGaps * 4) / 3) {
        pairs = different.size
        expected &&= pairs <= exactGaps
      }
      const gapMs = index < 100_000 ? index % 10 : index
      different.add(gapMs)
      pairs += 1
      metric.addGap(gapMs, 1)
      if (metric.exact !== expected) assert.fail(`${index}: ${metric.exact ? "exact" : "a sketch"}`)
    }
    assert.isFalse(expected)
  })

  it("counts the same gaps whether merging has made room before or not", () => {
    const different = 70_000
    const repeated = 600_000
    const later = new GapMetric()
    for (let index = 0; index < different; index++) later.addGap(100 + index, 1)
    for (let index = 0; index < repeated; index++) later.addGap(1 + (index % 10), 1)
    const merged = new GapMetric()
    for (let gapMs = 10; gapMs > 0; gapMs--) merged.addGap(gapMs, repeated / 10)
    for (let index = different - 1; index >= 0; index--) merged.addGap(100 + index, 1)
    assert.isTrue(later.exact)
    assert.deepStrictEqual(later.statistics(), merged.statistics())
  })

  it("keeps zero gaps out of the rates", () => {
    const { gapsMs, tokensPerSecond } = filled([
      [0, 3],
      [4, 1]
    ]).statistics()
    assert.strictEqual(gapsMs.mean, 1)
    assert.deepStrictEqual(tokensPerSecond, {
      mean: 250,
      min: 250,
      max: 250,
      median: 250,
      p75: 250,
      p90: 250,
      p95: 250,
      p99: 250,
      std: 0
    })
    assert.deepStrictEqual(filled([[0, 3]]).statistics().tokensPerSecond, emptyStatistics)
    assert.deepStrictEqual(filled([]).statistics(), { gapsMs: emptyStatistics, tokensPerSecond: emptyStatistics })
  })

  it("adds up counts that no 32-bit integer holds", () => {
    const most = 0xffff_ffff
    const { gapsMs, tokensPerSecond } = filled([
      [0, most],
      [10, most],
      [0, most],
      [10, most],
      [10, 5]
    ]).statistics()
    assert.strictEqual(gapsMs.median, 10)
    assert.closeTo(gapsMs.mean, 5, 1e-8)
    assert.deepStrictEqual([tokensPerSecond.mean, tokensPerSecond.max], [100, 100])
  })

  it("keeps to the stated error of its percentiles past the budget, and to everything else exactly", () => {
    const random = pseudoRandom(3)
    const pairs: Pairs = Array.from({ length: 20_000 }, () => [
      random() < 0.01 ? 0 : 5 * Math.exp(4 * random() ** 3),
      1 + Math.floor(random() * 50)
    ])
    const metric = filled(pairs, 1000)
    assert.isFalse(metric.exact)
    const every = expanded(pairs)
    const found = metric.statistics()
    for (const [statistics, values] of [
      [found.gapsMs, every],
      [found.tokensPerSecond, rates(every)]
    ] as const) {
      const expected = naiveStatistics(values)
      for (const key of percentiles) {
        assert.isAtMost(Math.abs(statistics[key] - expected[key]), logHistogramError * expected[key], key)
      }
      assertCloseTo(
        { ...expected, mean: statistics.mean, min: statistics.min, max: statistics.max, std: statistics.std },
        expected,
        1e-10
      )
    }
  })

  it("finds ranks among many pairs", () => {
    const random = pseudoRandom(5)
    const pairs: Pairs = Array.from({ length: 20_000 }, () => [5 + random() * 100, 1 + Math.floor(random() * 9)])
    const metric = filled(pairs)
    assert.isTrue(metric.exact)
    const every = expanded(pairs)
    for (const [found, values] of [
      [metric.statistics().gapsMs, every],
      [metric.statistics().tokensPerSecond, rates(every)]
    ] as const) {
      const expected = naiveStatistics(values)
      for (const key of percentiles) assert.strictEqual(found[key], expected[key], key)
      assertCloseTo(found, expected, 1e-10)
    }
  })

  it("turns to the sketch only when the different gaps exceed the budget", () => {
    assert.isTrue(filled(distinct(300), 300).exact)
    assert.isFalse(filled(distinct(450), 300).exact)
  })

  it("can be asked in between and goes on", () => {
    const metric = filled([
      [3, 1],
      [1, 2]
    ])
    assert.strictEqual(metric.statistics().gapsMs.max, 3)
    metric.add(Float64Array.of(1, 9), Uint32Array.of(1, 1))
    assertCloseTo(metric.statistics().gapsMs, naiveStatistics([3, 1, 1, 1, 9]), 1e-12)
  })
})
