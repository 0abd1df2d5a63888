/** What comes from inputs never reaches a terminal raw. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { printable, printableLines } from "../../src/report/Printable.ts"

const AnyCode = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))

describe("printable text", () => {
  it("spells out what terminals obey", () => {
    assert.strictEqual(printable("a\u001b[31mred\u0007\u009b2J\u007f"), String.raw`a\u001b[31mred\u0007\u009b2J\u007f`)
    assert.strictEqual(printable("a\tb\r\nc\u0000"), String.raw`a\tb\r\nc\u0000`)
    assert.strictEqual(printable("x\u202eexe.txt\u2066\u200f\u2028"), String.raw`x\u202eexe.txt\u2066\u200f\u2028`)
    assert.strictEqual(printable("\ud800!"), String.raw`\ud800!`)
  })

  it("leaves ordinary text alone, in any script", () => {
    for (const text of ["", "trace.jsonl:3: größer als 5", "日本語 \u{1f600} µs", String.raw`C:\new`]) {
      assert.strictEqual(printable(text), text)
    }
  })

  it("keeps the ends of lines where there are several", () => {
    assert.strictEqual(printableLines("a\n\u001b[2J\nb\n"), "a\n\\u001b[2J\nb\n")
  })

  it.effect.prop("has no control character left, whatever the text", [Schema.Array(AnyCode)], ([codes]) =>
    Effect.sync(() => {
      const text = printable(String.fromCharCode(...codes))
      assert.notMatch(text, /[\p{Cc}\u202a-\u202e]|\p{Surrogate}/u)
    })
  )
})
