import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { pythonFloat, serdeFloat } from "../../src/report/FloatText.ts"
import { pythonText } from "./Records.ts"

describe("FloatText", () => {
  it("writes floats as Python does", () => {
    for (const [repr] of pythonText.floats) assert.strictEqual(pythonFloat(Number(repr)), repr)
  })

  it("writes floats as serde_json does", () => {
    const recorded = [
      "0.0",
      "20.0",
      "60000.0",
      "37.898579000000005",
      "0.000024",
      "0.00002299999999966218",
      "6e-6",
      "5.999999999950489e-6",
      "3.0000000000000005e-6",
      "3e+16",
      "3.000000000000002e+16",
      "3e+21",
      "0.00001",
      "-2.5"
    ]
    for (const text of recorded) assert.strictEqual(serdeFloat(Number(text)), text)
  })

  it.effect.prop("reads back as the same double", [Arbitrary.schema(Schema.Finite)], ([value]) =>
    Effect.sync(() => {
      assert.isTrue(Object.is(Number(pythonFloat(value)), value))
      assert.isTrue(Object.is(Number(serdeFloat(value)), value))
      assert.match(pythonFloat(value), /[.e]/)
      assert.match(serdeFloat(value), /[.e]/)
    })
  )
})
