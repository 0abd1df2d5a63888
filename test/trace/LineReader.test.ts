import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { bytesOf, linesOf } from "./TraceTexts.ts"

const collect = (text: string | Uint8Array, chunkBytes?: number) =>
  Effect.map(Stream.runCollect(linesOf(text, chunkBytes)), (batches) => ({
    texts: batches.flatMap((batch) => batch.texts),
    numbers: batches.flatMap((batch) => batch.texts.map((_, i) => batch.firstLine + i))
  }))

describe("lineBatches", () => {
  it.effect("splits at newlines only and drops carriage returns before them", () =>
    Effect.gen(function* () {
      const { texts } = yield* collect("a\r\nb\rc\n\n  \nlast")
      assert.deepStrictEqual(texts, ["a", "b\rc", "", "  ", "last"])
    })
  )

  it.effect("gives the same lines for every chunk size, inside of UTF-8 sequences too", () =>
    Effect.gen(function* () {
      const text = "größe\n\n日本語 🙂\r\nend\n"
      for (const chunkBytes of [1, 2, 3, 5, 100]) {
        const { numbers, texts } = yield* collect(text, chunkBytes)
        assert.deepStrictEqual(texts, ["größe", "", "日本語 🙂", "end"])
        assert.deepStrictEqual(numbers, [1, 2, 3, 4])
      }
    })
  )

  it.effect("has no lines for no bytes, and one empty line for one newline", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* collect("")).texts, [])
      assert.deepStrictEqual((yield* collect("\n")).texts, [""])
    })
  )

  it.effect("names the line that is not UTF-8, after the lines before it", () =>
    Effect.gen(function* () {
      const bytes = Uint8Array.from([...bytesOf("one\ntwo\nth"), 0xff, ...bytesOf("ree\nfour\n")])
      for (const chunkBytes of [1, 4, 100]) {
        const seen: Array<string> = []
        const error = yield* Effect.flip(
          Stream.runForEach(linesOf(bytes, chunkBytes), (batch) => Effect.sync(() => seen.push(...batch.texts)))
        )
        assert.deepStrictEqual(seen, ["one", "two"])
        assert.strictEqual(error.message, "t.jsonl:3: cannot be read: the line is not valid UTF-8")
      }
    })
  )

  it.effect("drops carriage returns before a bad line as well", () =>
    Effect.gen(function* () {
      const bytes = Uint8Array.from([...bytesOf("one\r\ntwo\r\n"), 0xff])
      for (const chunkBytes of [1, 100]) {
        const seen: Array<string> = []
        yield* Effect.flip(
          Stream.runForEach(linesOf(bytes, chunkBytes), (batch) => Effect.sync(() => seen.push(...batch.texts)))
        )
        assert.deepStrictEqual(seen, ["one", "two"])
      }
    })
  )

  it.effect("refuses a sequence cut off by the end of the file", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(collect(bytesOf("ok\né").subarray(0, 4)))
      assert.strictEqual(error.line, 2)
    })
  )

  it.effect.prop(
    "agrees with splitting the whole text",
    [
      Schema.Array(Schema.Literals(["a", "é", "\n", "\r", "🙂"])),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 }))
    ],
    ([pieces, chunkBytes]) =>
      Effect.gen(function* () {
        const text = pieces.join("")
        const whole = text.split("\n").map((line) => line.replace(/\r$/, ""))
        if (text.endsWith("\n") || text === "") whole.pop()
        assert.deepStrictEqual((yield* collect(text, chunkBytes)).texts, whole)
      })
  )
})
