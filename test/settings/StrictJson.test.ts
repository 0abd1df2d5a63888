import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { JsonNode } from "../../src/settings/JsonNode.ts"
import type { TextSyntaxError } from "../../src/settings/SettingsError.ts"
import * as StrictJson from "../../src/settings/StrictJson.ts"

const parsed = (text: string): JsonNode => {
  const result = StrictJson.parse(text)
  if (Result.isFailure(result)) throw result.failure
  return result.success
}

const failure = (text: string): TextSyntaxError => {
  const result = StrictJson.parse(text)
  if (Result.isSuccess(result)) throw new Error(`accepted ${text}`)
  return result.failure
}

/** The plain value, as `JSON.parse` would give it. */
const plain = (node: JsonNode): unknown => {
  switch (node._tag) {
    case "Null":
      return null
    case "Integer":
      return Number(node.value)
    case "Array":
      return node.items.map(plain)
    case "Object":
      return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plain(entry.value)]))
    default:
      return node.value
  }
}

describe("StrictJson", () => {
  it("tells integers from floats and keeps big integers exact", () => {
    const root = parsed("[64, 64.0, 6e1, 18446744073709551615, -1]")
    assert(root._tag === "Array")
    assert.deepStrictEqual(
      root.items.map((item) => item._tag),
      ["Integer", "Float", "Float", "Integer", "Integer"]
    )
    const [, float, , big] = root.items
    assert(float?._tag === "Float" && big?._tag === "Integer")
    assert.strictEqual(float.literal, "64.0")
    assert.strictEqual(big.value, 18446744073709551615n)
  })

  it("remembers where keys and values stand", () => {
    const root = parsed('{\n  "a": 1,\n  "b": {"c": [true]}\n}')
    assert(root._tag === "Object")
    const b = root.entries.get("b")
    assert.deepStrictEqual(b?.keyAt, { line: 3, column: 3 })
    assert.deepStrictEqual(b?.value.at, { line: 3, column: 8 })
    assert(b?.value._tag === "Object")
    const c = b.value.entries.get("c")?.value
    assert(c?._tag === "Array")
    assert.deepStrictEqual(c.items[0]?.at, { line: 3, column: 15 })
  })

  const refused: ReadonlyArray<readonly [text: string, line: number, column: number, problem: string]> = [
    ["{bad", 1, 2, "expected a property name in double quotes, got bad"],
    ["eng.json", 1, 1, "expected a value, got eng.json"],
    ["", 1, 1, "the text is empty"],
    [" \n ", 2, 2, "the text is empty"],
    ['{"a": 1} x', 1, 10, "expected nothing more, got x"],
    ['{"a": 1,}', 1, 9, "expected a property name in double quotes, got }"],
    ["[1,]", 1, 4, "expected a value, got ]"],
    ["[1 2]", 1, 4, "expected a comma or ], got 2"],
    ['{"a" 1}', 1, 6, "expected a colon, got 1"],
    ['{"a": 1 "b": 2}', 1, 9, 'expected a comma or }, got "b"'],
    ['{"a": NaN}', 1, 7, "expected a value, got NaN"],
    ['{"a": 1', 1, 8, "expected a comma or }, got the end of the text"],
    ['{"a": "x', 1, 7, "a string is not closed"],
    ['{"a": 1.}', 1, 7, "a number is incomplete"],
    ['{"a": 1e999}', 1, 7, "number out of range: 1e999"],
    ["// comment\n{}", 1, 1, "JSON has no comments"],
    ['{"a": 1, "b": 2, "a": 3}', 1, 18, 'duplicate key "a"'],
    ['"\u0001"', 1, 1, "control character in a string: write it as \\u00XX"]
  ]
  for (const [text, line, column, problem] of refused) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const error = failure(text)
      assert.deepStrictEqual(
        { line: error.line, column: error.column, problem: error.problem },
        { line, column, problem }
      )
    })
  }

  it("says what to do about common slips", () => {
    assert.strictEqual(failure("{'a': 1}").hint, "JSON strings take double quotes")
    assert.strictEqual(failure('{"a": 1,}').hint, "remove the comma before it")
    assert.strictEqual(failure('{"a": True}').hint, "write true, false or null in lower case")
    assert.strictEqual(failure('{"a": Infinity}').hint, "JSON has neither NaN nor Infinity")
  })

  it.effect.prop("agrees with JSON.parse on every value", [Arbitrary.schema(Schema.Json)], ([value]) =>
    Effect.sync(() => {
      const text = JSON.stringify(value)
      assert.deepStrictEqual(plain(parsed(text)), JSON.parse(text))
    })
  )

  it.effect.prop(
    "accepts no mutilated text that JSON.parse refuses",
    [Arbitrary.schema(Schema.Json), Arbitrary.schema(Schema.Int)],
    ([value, at]) =>
      Effect.sync(() => {
        const text = JSON.stringify(value)
        const cut = Math.abs(at) % text.length
        const mutilated = text.slice(0, cut) + text.slice(cut + 1)
        let accepted = true
        try {
          JSON.parse(mutilated)
        } catch {
          accepted = false
        }
        const ours = StrictJson.parse(mutilated)
        if (!accepted) assert(Result.isFailure(ours), mutilated)
        else if (Result.isFailure(ours)) assert.match(ours.failure.problem, /duplicate key|out of range/)
      })
  )
})
