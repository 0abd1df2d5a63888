import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { englishNumber, significantDigits } from "../../src/settings/EnglishNumber.ts"

const awkward = [0, -0, 0.5, 1.005, 2.5, 9.995, 99.95, 999.9995, 999_999.95, 1e-7, 0.04, 0.05, 5e-324, 1e21, 1.7e308]
const Figure = Schema.Union([
  Schema.Finite,
  Schema.Int,
  Schema.Literals(awkward),
  Schema.Finite.check(Schema.isBetween({ minimum: -2000, maximum: 2000 }))
])

describe("English numbers", () => {
  const forms = [[], [0], [0, 0], [1, 1], [2, 2], [2, 4]] as const

  it.effect.prop("are what the locale says", [Arbitrary.schema(Figure), Arbitrary.schema(Schema.Int)], ([any, int]) =>
    Effect.sync(() => {
      // Ties as people write them: few decimals.
      for (const value of [any, int / 8, int / 200, int / 20_000]) {
        for (const [least = 0, most = 3] of forms) {
          const options = { minimumFractionDigits: least, maximumFractionDigits: Math.max(least, most) }
          assert.strictEqual(englishNumber(value, least, most), value.toLocaleString("en-US", options))
        }
        for (const useGrouping of [true, false]) {
          for (const maximumSignificantDigits of [1, 4, 6]) {
            const expected = value.toLocaleString("en-US", { maximumSignificantDigits, useGrouping })
            assert.strictEqual(significantDigits(value, maximumSignificantDigits, useGrouping), expected)
          }
        }
      }
    })
  )

  it("need no more than three decimals unless they are told", () => {
    assert.strictEqual(englishNumber(1234.5678), "1,234.568")
    assert.strictEqual(englishNumber(1234, 2), "1,234.00")
  })
})
