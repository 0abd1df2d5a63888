import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { encoded } from "../../src/structures/EncodedText.ts"
import { TextBytes } from "../../src/structures/TextBytes.ts"
import { millionths, textTemplate, thousandths, whole } from "../../src/structures/TextTemplate.ts"

const textOf = (bytes: TextBytes): string => new TextDecoder().decode(bytes.take())

/** UTF-8 has no halves of characters. */
const wellFormed = (text: string): string => new TextDecoder().decode(new TextEncoder().encode(text))

const numbers = [0, -0, 7, 10, 99, 100, 999, 1000, 123_456, 999_999_999, 1e9, 1_000_000_001, 2 ** 31, 2 ** 53 - 1]
const others = [
  2 ** 53,
  1e21,
  1e300,
  -1,
  -1234.5,
  0.1,
  3.7,
  4.1,
  123.456,
  999_999_999.5,
  1_000_000_000.5,
  1e-7,
  5e-324,
  Number.NaN,
  Number.POSITIVE_INFINITY
]

describe("text as bytes", () => {
  it("has numbers as String writes them", () => {
    for (const value of [...numbers, ...others])
      assert.strictEqual(textOf(new TextBytes().number(value)), String(value))
  })

  it.effect.prop(
    "is what was added, in its order, however small its room was at first",
    [Schema.Array(Schema.Union([Schema.String, Schema.Number, Schema.Int]))],
    ([parts]) =>
      Effect.sync(() => {
        const bytes = new TextBytes(1)
        for (const part of parts) {
          if (typeof part === "number") bytes.number(part)
          else bytes.text(part)
        }
        assert.strictEqual(textOf(bytes), parts.map((part) => wellFormed(String(part))).join(""))
        assert.strictEqual(bytes.length, 0)
      })
  )

  it("takes what is encoded already, and lends what it overwrites next", () => {
    const bytes = new TextBytes(1)
    const lent = bytes.constant(encoded("é,")).text("a").constant(encoded("")).lend()
    assert.strictEqual(new TextDecoder().decode(lent), "é,a")
    bytes.text("b")
    assert.strictEqual(lent[0], "b".charCodeAt(0))
    assert.strictEqual(textOf(bytes), "b")
  })

  it("has what stands in it once more, short or long", () => {
    const bytes = new TextBytes(1).text("ab").repeat(1, 2).repeat(0, 3).text("-".repeat(40)).repeat(4, 44).repeat(0, 0)
    assert.strictEqual(textOf(bytes), `abbabb${"-".repeat(40)}bb${"-".repeat(38)}`)
  })

  it.effect.prop(
    "has decimal numbers without needless zeros",
    [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))],
    ([value]) =>
      Effect.sync(() => {
        const decimal = (decimals: number): string => {
          const digits = String(value).padStart(decimals + 1, "0")
          return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`.replace(/\.?0+$/, "")
        }
        const template = textTemplate`${"é"}:${whole},${thousandths}.${1}:${millionths}`
        const filled = new TextBytes(1).fill(template, Float64Array.of(value, value, value))
        assert.strictEqual(textOf(filled), `é:${value},${decimal(3)}.1:${decimal(6)}`)
      })
  )
})
