/** What is read of answers in passing. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { type AnswerReader, streamedAnswer, wholeAnswer } from "../../src/record/AnswerReader.ts"

const encoder = new TextEncoder()
const usage = { prompt_tokens: 12, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 8 } }
const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`
const token = (content: string): string => event({ choices: [{ delta: { content } }], usage: null })

/** Gives the bytes in pieces of these lengths, a millisecond apart; returns what goes on. */
const passed = (reader: AnswerReader, bytes: Uint8Array, lengths: ReadonlyArray<number>): string => {
  const out: Array<Uint8Array> = []
  let at = 0
  for (let piece = 0; at < bytes.length; piece++) {
    const end = at + (lengths[piece % lengths.length] ?? 1)
    out.push(reader.take(bytes.subarray(at, end), piece))
    at = end
  }
  out.push(reader.rest())
  return Buffer.concat(out).toString("utf8")
}

describe("answers in passing", () => {
  const frame = [
    event({ choices: [{ delta: { role: "assistant", content: "" } }] }),
    ": a comment\n\n",
    token("Grüße"),
    token("b"),
    token("c")
  ]
  const last = event({ choices: [], usage })
  const done = "data: [DONE]\n\n"

  const pieceLength = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 60 }))

  it.prop(
    "go on byte for byte, cut wherever they come, but for the usage that the client has not asked for",
    [Schema.NonEmptyArray(pieceLength), Schema.Boolean],
    ([lengths, keeps]) => {
      const reader = streamedAnswer(keeps)
      const text = passed(reader, encoder.encode([...frame, last, done].join("")), lengths)
      assert.strictEqual(text, [...frame, ...(keeps ? [] : [last]), done].join(""))
      assert.deepStrictEqual(reader.usage(), { promptTokens: 12, completionTokens: 3, cachedTokens: 8 })
    }
  )

  it("tell when the first, second and last token came, frames apart", () => {
    const reader = streamedAnswer(true)
    for (const [at, text] of [...frame, last, done].entries()) reader.take(encoder.encode(text), at * 10)
    assert.deepStrictEqual(reader.times(), { firstTokenMs: 20, secondTokenMs: 30, lastTokenMs: 40 })
  })

  it("may end in the middle of an event, with other line ends, or be no events at all", () => {
    const crlf = [...frame, last].join("").replaceAll("\n", "\r\n")
    assert.strictEqual(passed(streamedAnswer(false), encoder.encode(crlf), [7]), crlf)
    assert.strictEqual(passed(streamedAnswer(true), encoder.encode("data: {"), [3]), "data: {")
    const page = streamedAnswer(true)
    assert.strictEqual(passed(page, encoder.encode("<html>\n\n</html>"), [5]), "<html>\n\n</html>")
    assert.isUndefined(page.usage())
  })

  it("tell their usage where they are one JSON value with counts, and nothing otherwise", () => {
    const usageOf = (text: string) => {
      const reader = wholeAnswer()
      assert.strictEqual(passed(reader, encoder.encode(text), [9]), text)
      return reader.usage()
    }
    assert.deepStrictEqual(usageOf(JSON.stringify({ usage })), {
      promptTokens: 12,
      completionTokens: 3,
      cachedTokens: 8
    })
    assert.isUndefined(usageOf(JSON.stringify({ usage: { ...usage, prompt_tokens: -1 } })))
    assert.isUndefined(usageOf("{"))
    assert.isUndefined(usageOf("null"))
  })
})
