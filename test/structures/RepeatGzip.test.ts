/** Text that tells where it repeats itself, and gzip that believes it: zlib must find in it what was written. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { crc32, gunzipSync } from "node:zlib"
import { RepeatGzip } from "../../src/structures/RepeatGzip.ts"
import { RepeatingText, type TextPiece } from "../../src/structures/RepeatingText.ts"
import { textTemplate, thousandths, whole } from "../../src/structures/TextTemplate.ts"

const naturals = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))

/** What is done to a text: a template is filled, the end of it is repeated, something else is added, or a piece is handed out. */
const Step = Schema.Union([
  Schema.Struct({ fill: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })), number: naturals }),
  Schema.Struct({ again: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 400 })) }),
  Schema.Struct({ text: Schema.String, times: Schema.Literals([1, 60, 5000]) }),
  Schema.Struct({ lend: Schema.Boolean })
])

const templates = () => [
  textTemplate`,\n{"ts":${thousandths}`,
  textTemplate`,"dur":${thousandths},"args":{"tokens":${whole}}}`,
  textTemplate`é`,
  textTemplate`${whole}${whole}`,
  textTemplate`${"long ".repeat(30)}${whole}`,
  textTemplate`${"as long as can be".padEnd(114, "-")}${thousandths}`
]

const decimal = (value: number): string => {
  const digits = String(value).padStart(4, "0")
  return `${digits.slice(0, -3)}.${digits.slice(-3)}`.replace(/\.?0+$/, "")
}

const filled = (fill: number, number: number): string =>
  [
    `,\n{"ts":${decimal(number)}`,
    `,"dur":${decimal(number)},"args":{"tokens":7}}`,
    "é",
    `${number}7`,
    `${"long ".repeat(30)}${number}`,
    `${"as long as can be".padEnd(114, "-")}${decimal(number)}`
  ][fill]!

/** UTF-8 has no halves of characters. */
const wellFormed = (text: string): string => new TextDecoder().decode(new TextEncoder().encode(text))

const written = (steps: ReadonlyArray<typeof Step.Type>) => {
  const all = templates()
  const out = new RepeatingText(1, true)
  const pieces: Array<TextPiece> = []
  const lend = (): void => {
    const { bytes, repeats } = out.lendPiece()
    pieces.push({ bytes: bytes.slice(), repeats: repeats.slice() })
  }
  let text = ""
  let piece = ""
  const add = (added: string): void => {
    text += added
    piece += added
  }
  for (const step of steps) {
    if ("fill" in step) {
      out.fill(all[step.fill]!, Float64Array.of(step.number, 7))
      add(filled(step.fill, step.number))
    } else if ("again" in step) {
      const bytes = new TextEncoder().encode(piece)
      // Whole characters.
      let start = Math.max(0, bytes.length - step.again)
      while ((bytes[start]! & 0xc0) === 0x80) start += 1
      out.repeat(start, bytes.length)
      add(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(start)))
    } else if ("text" in step) {
      const added = wellFormed(step.text.repeat(step.times))
      out.text(added)
      add(added)
    } else {
      lend()
      piece = ""
    }
  }
  lend()
  return { pieces, text }
}

const gzipped = (pieces: Iterable<TextPiece>, pieceBytes?: number): Buffer =>
  Buffer.concat(Array.from(new RepeatGzip(crc32).pieces(pieces, pieceBytes), (piece) => piece.slice()))

describe("gzip of text that tells where it repeats itself", () => {
  it.effect.prop(
    "is the text, in whatever pieces it comes and goes",
    [Schema.Array(Step), Schema.Literals([1, 100, 2 ** 17])],
    ([steps, pieceBytes]) =>
      Effect.sync(() => {
        const { pieces, text } = written(steps)
        assert.strictEqual(Buffer.concat(pieces.map(({ bytes }) => bytes)).toString(), text)
        assert.strictEqual(gunzipSync(gzipped(pieces, pieceBytes)).toString(), text)
      }),
    { arbitrary: { runs: 120, size: 60 } }
  )

  it("has digits in half of their bytes, and next to nothing of what is the same every time", () => {
    const times = Array.from({ length: 2000 }, (_, index) => 1_000_000 + index * 77_777)
    const { pieces, text } = written(
      times.flatMap((number) => [
        { fill: 0, number },
        { fill: 1, number }
      ])
    )
    const compressed = gzipped(pieces)
    assert.isBelow(compressed.length, text.length / 4)
    assert.strictEqual(gunzipSync(compressed).toString(), text)
  })

  it("is an empty file of nothing", () => {
    assert.strictEqual(gunzipSync(gzipped([])).length, 0)
  })
})
