import { assert, describe, it } from "@effect/vitest"
import { number } from "../../../src/settings/Kind.ts"
import { Pcg32 } from "../../../src/structures/Pcg32.ts"
import {
  evenShares,
  meanOf,
  type PercentileTable,
  percentileTable,
  valueAt
} from "../../../src/workload/classes/PercentileTable.ts"

const kind = percentileTable(number(1, 1000))

const table: PercentileTable = [
  [0, 10],
  [50, 20],
  [50, 40],
  [100, 60]
]

describe("tables of percentiles", () => {
  it("are read, or refused with what is wrong", () => {
    assert.deepStrictEqual(kind.read(table), table)
    const refused = (value: unknown) => {
      assert.strictEqual(kind.read(value), undefined)
      return kind.explain?.(value)
    }
    assert.strictEqual(refused([[0, 1]]), "a table of percentiles must go from 0 to 100 per cent")
    assert.strictEqual(
      refused([
        [1, 1],
        [100, 2]
      ]),
      "a table of percentiles must go from 0 to 100 per cent"
    )
    assert.strictEqual(
      refused([
        [0, 5],
        [50, 4],
        [100, 6]
      ]),
      "a table of percentiles must not go down, but [50, 4] comes after [0, 5]"
    )
    for (const value of [
      5,
      "x",
      [],
      [
        [0, 0],
        [100, 5]
      ],
      [
        [0, 1, 2],
        [100, 5]
      ],
      [
        [0, "1"],
        [100, 5]
      ],
      [
        [0, 1],
        [101, 5]
      ]
    ]) {
      assert.strictEqual(kind.read(value), undefined)
    }
  })

  it("go in straight lines, and in steps where two values stand at one percentage", () => {
    assert.deepStrictEqual(
      [0, 0.25, 0.499, 0.5, 0.75, 1].map((share) => Math.round(100 * valueAt(table, share)) / 100),
      [10, 15, 19.98, 40, 50, 60]
    )
    assert.strictEqual(meanOf(table), 0.5 * 15 + 0.5 * 50)
  })

  it("are drawn from so that every part comes as often as it says", () => {
    for (const count of [1, 2, 7, 500]) {
      const draw = evenShares(count, new Pcg32(count))
      const values = Array.from({ length: count }, () => valueAt(table, draw()))
      assert.strictEqual(values.filter((value) => value > 30).length, Math.ceil(count / 2))
      assert.isTrue(values.every((value) => value >= 10 && value <= 60))
      if (count === 500)
        assert.closeTo(
          values.reduce((sum, value) => sum + value / count, 0),
          meanOf(table),
          0.1
        )
    }
    const draw = evenShares(3, new Pcg32(1))
    const twice = Array.from({ length: 6 }, draw)
    assert.deepStrictEqual(twice.slice(3), twice.slice(0, 3))
  })
})
