/** Text, tokens, blocks: equal prefixes are equal blocks, and only those. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { outputText, outputToken, outputWord } from "../../src/serve/OutputText.ts"
import { blocksOf, hashOf, textIdentity } from "../../src/serve/TextIdentity.ts"
import { TokenBuffer } from "../../src/serve/TokenText.ts"

const tokensOf = (...pieces: ReadonlyArray<string>): ReadonlyArray<number> => {
  const buffer = new TokenBuffer()
  for (const piece of pieces) buffer.addText(piece)
  return Array.from({ length: buffer.length }, (_, index) => buffer.at(index))
}

const bufferOf = (tokens: ReadonlyArray<number>): TokenBuffer => {
  const buffer = new TokenBuffer()
  buffer.addTokens(tokens)
  return buffer
}

describe("tokens of text", () => {
  it("are four bytes of UTF-8 each", () => {
    assert.deepStrictEqual(
      ["", "a", "abcd", "abcde", "äöü", "😀😀"].map((text) => tokensOf(text).length),
      [0, 1, 1, 2, 2, 2]
    )
  })

  it("tell short last tokens from full ones, whatever bytes these have", () => {
    assert.notDeepEqual(tokensOf("abc"), tokensOf("abc\u0000"))
    assert.deepStrictEqual(tokensOf("abcd", "ef"), [...tokensOf("abcd"), ...tokensOf("ef")])
    assert.notDeepEqual(tokensOf("abcde"), tokensOf("a", "bcde"))
  })

  it.effect.prop(
    "agree on the common prefix of two texts",
    [Schema.String, Schema.String, Schema.String],
    ([common, a, b]) =>
      Effect.sync(() => {
        const shared = Math.floor(new TextEncoder().encode(common).length / 4)
        const [left, right] = [tokensOf(common + a), tokensOf(common + b)]
        // A surrogate pair cut apart by the parts is another text.
        if (/[\ud800-\udbff]$/.test(common)) return
        assert.deepStrictEqual(left.slice(0, shared), right.slice(0, shared))
      })
  )

  it("grow with long texts", () => {
    assert.strictEqual(tokensOf("abcd".repeat(10_000)).length, 10_000)
  })
})

describe("output text", () => {
  it("has one word of four bytes per token, the same at every look", () => {
    const text = outputText(7, 0, 500)
    assert.match(text, /^( [a-z]{3}){500}$/)
    assert.strictEqual(text, outputText(7, 0, 123) + outputText(7, 123, 500))
    assert.notStrictEqual(text, outputText(8, 0, 500))
    assert.isAbove(new Set(text.trim().split(" ")).size, 100)
  })

  it("comes back as the tokens it was made of", () => {
    assert.deepStrictEqual(
      tokensOf(outputText(3, 0, 20)),
      Array.from({ length: 20 }, (_, position) => outputToken(3, position))
    )
    assert.strictEqual(outputWord(3, 5), outputText(3, 5, 6))
  })
})

describe("block identities of text", () => {
  const Tokens = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))).check(
    Schema.isMaxLength(40)
  )

  it.effect.prop("are equal exactly as far as the tokens are", [Tokens, Tokens], ([a, b]) =>
    Effect.sync(() => {
      const identity = textIdentity()
      const [left, right] = [blocksOf(identity, bufferOf(a), 4), blocksOf(identity, bufferOf(b), 4)]
      assert.deepStrictEqual([left.length, right.length], [Math.floor(a.length / 4), Math.floor(b.length / 4)])
      let common = 0
      while (common < a.length && a[common] === b[common]) common += 1
      for (let block = 0; block < Math.min(left.length, right.length); block++) {
        assert.strictEqual(left[block] === right[block], (block + 1) * 4 <= common)
      }
      assert.strictEqual(new Set(left).size, left.length)
    })
  )

  it("know ten thousand different blocks from each other", () => {
    const identity = textIdentity()
    const blocks = new Set<number>()
    for (let index = 0; index < 10_000; index++) blocks.add(blocksOf(identity, bufferOf([index, 0, 0, 0]), 4)[0]!)
    assert.strictEqual(blocks.size, 10_000)
  })

  it("hash texts by content and seed", () => {
    const hashes = new Set(
      [[1, 2], [2, 1], [1], [1, 2, 0]].flatMap((tokens) => [hashOf(bufferOf(tokens), 0), hashOf(bufferOf(tokens), 1)])
    )
    assert.strictEqual(hashes.size, 8)
  })
})
