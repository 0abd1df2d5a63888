import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { parseJson, strictObject } from "../../src/trace/JsonLine.ts"
import type { FieldRules } from "../../src/trace/JsonLine.ts"
import * as Effect from "effect/Effect"

const rules: FieldRules = { known: new Set(["n", "ids", "t", "name"]), integers: new Set(["n", "ids"]) }
const parse = (text: string) => Result.flatMap(parseJson(text), (value) => strictObject(text, value, rules))
const valueOf = (text: string) => Result.getOrThrow(parse(text))
const problemOf = (text: string) => Result.getOrThrow(Result.flip(parse(text)))

describe("JsonLine", () => {
  it("reads plain objects", () => {
    assert.deepStrictEqual(valueOf('{"n": 3, "ids": [1, 2], "t": 1.5, "x": {"y": [null, true]}}'), {
      n: 3,
      ids: [1, 2],
      t: 1.5,
      x: { y: [null, true] }
    })
    assert.deepStrictEqual(valueOf("{}"), {})
  })

  it("keeps the digits of large integers in integer fields only", () => {
    assert.deepStrictEqual(valueOf('{"ids": [18446744073709551615, 5], "t": 18446744073709551615}'), {
      ids: [18446744073709551615n, 5],
      t: 2 ** 64
    })
    assert.deepStrictEqual(valueOf('{"n": 9007199254740991}'), { n: 9007199254740991 })
  })

  it("refuses fractions and exponents in integer fields, and only there", () => {
    assert.strictEqual(
      problemOf('{"n": 100.0}'),
      "n must be written as a plain integer, without fraction or exponent, got 100.0"
    )
    assert.include(problemOf('{"ids": [1, 1e2]}'), "got 1e2")
    assert.include(problemOf('{"\\u006e": 1.0}'), "n must be written")
    assert.deepStrictEqual(valueOf('{"t": 100.0, "x": 1E2, "n": 7}'), { t: 100, x: 100, n: 7 })
  })

  it("refuses a known key given twice; unknown ones may repeat", () => {
    assert.strictEqual(problemOf('{"n": 1, "n": 1}'), "n is given more than once")
    assert.strictEqual(problemOf('{"n": 1, "\\u006e": 2}'), "n is given more than once")
    assert.deepStrictEqual(valueOf('{"x": 1, "x": 2, "n": 3}'), { x: 2, n: 3 })
    assert.deepStrictEqual(valueOf('{"x": {"n": 1}, "n": 3}'), { x: { n: 1 }, n: 3 })
  })

  it("is not confused by braces, colons, quotes and digits inside of strings", () => {
    const value = { name: '{"n": 1.5, \\ : [ 12345678901234567890', 'a"b': "\\", n: 4 }
    assert.deepStrictEqual(valueOf(JSON.stringify(value)), value)
  })

  it("refuses everything that is not one JSON object", () => {
    assert.strictEqual(problemOf("[1]"), "expected one JSON object per line, got an array")
    assert.strictEqual(problemOf("3"), "expected one JSON object per line, got the number 3")
    assert.strictEqual(problemOf("null"), "expected one JSON object per line, got null")
    for (const text of ["{", "{} {}", "{}x", '{"n":}', "{'n':1}", '{"t": NaN}', "// c", '{"n":1,}']) {
      assert.isTrue(Result.isFailure(parse(text)), text)
    }
  })

  it("refuses nesting that would exhaust the stack", () => {
    const deep = (levels: number) => `{"x": ${"[".repeat(levels)}${"]".repeat(levels)}}`
    assert.isTrue(Result.isSuccess(parse(deep(50))))
    assert.strictEqual(problemOf(deep(100_000)), "the line is nested more than 100 levels deep")
    assert.strictEqual(problemOf(`{"name": ${"[".repeat(200_000)}1.5${"]".repeat(200_000)}}`), problemOf(deep(200)))
  })

  it.effect.prop("agrees with JSON.parse wherever no literal needs judgement", [Schema.Json], ([json]) =>
    Effect.sync(() => {
      const text = JSON.stringify({ value: json })
      assert.deepStrictEqual(valueOf(text), JSON.parse(text))
    })
  )

  it.effect.prop("never throws", [Schema.String], ([text]) =>
    Effect.sync(() => {
      parse(text)
      parse(`{"n": ${text}}`)
    })
  )
})
