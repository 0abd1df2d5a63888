/** What prompts share when only lengths are known. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { freshPrefixes, prefixModelOf, prefixModelText } from "../../../src/trace/formats/PrefixModel.ts"
import { MadeUpPrompts } from "../../../src/trace/formats/MadeUpPrompts.ts"

const Length = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 60 }))
const Turn = Schema.Struct({ session: Schema.Literals(["a", "b", "c"]), prompt: Length, output: Length })

const shared = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): number => {
  let common = 0
  while (common < Math.min(a.length, b.length) && a[common] === b[common]) common++
  return common
}

describe("made-up prompts", () => {
  it("are fresh unless told otherwise", () => {
    const prompts = new MadeUpPrompts(16, freshPrefixes, 42)
    assert.deepStrictEqual(prompts.single(33, 5), [0, 1, 2])
    assert.deepStrictEqual(prompts.single(16, 5), [3])
  })

  it("share the whole blocks of a system prompt", () => {
    const prompts = new MadeUpPrompts(16, { systemTokens: 40, meanTurns: 1 }, 42)
    const first = prompts.single(100, 5)
    const second = prompts.single(64, 5)
    assert.deepStrictEqual(first.slice(0, 2), [0, 1])
    assert.strictEqual(shared(first, second), 2)
    assert.strictEqual(shared(first, prompts.single(20, 1)), 2)
  })

  it("follow a mean number of turns, by the seed", () => {
    const reuse = (meanTurns: number, seed: number): ReadonlyArray<number> => {
      const prompts = new MadeUpPrompts(16, { systemTokens: 0, meanTurns }, seed)
      const seen = new Set<number>()
      return Array.from({ length: 4000 }, (_, i) => {
        const [first = -1] = prompts.single(200 + (i % 1000), 1)
        const known = seen.has(first) ? 1 : 0
        seen.add(first)
        return known
      })
    }
    const share = (hits: ReadonlyArray<number>): number => hits.reduce((sum, hit) => sum + hit, 0) / hits.length
    assert.strictEqual(share(reuse(1, 42)), 0)
    const four = reuse(4, 42)
    // Some prompts are shorter than every session that might go on.
    assert.isAbove(share(four), 0.5)
    assert.isBelow(share(four), 0.76)
    assert.deepStrictEqual(reuse(4, 42), four)
    assert.notDeepEqual(reuse(4, 43), four)
  })

  it.effect.prop(
    "of a session begin with what was there before, as far as they may, and no further",
    [Schema.Array(Turn)],
    ([turns]) =>
      Effect.sync(() => {
        const blockTokens = 8
        const prompts = new MadeUpPrompts(blockTokens, freshPrefixes, 1)
        // The obvious way: every token has a number of its own.
        const contents = new Map<string, Array<number>>()
        const all: Array<{ readonly tokens: ReadonlyArray<number>; readonly ids: ReadonlyArray<number> }> = []
        let nextToken = 0
        for (const { output, prompt, session } of turns) {
          const tokens = (contents.get(session) ?? []).slice(0, prompt)
          while (tokens.length < prompt) tokens.push(nextToken++)
          const ids = prompts.next(session, prompt, output)
          assert.strictEqual(ids.length, Math.ceil(prompt / blockTokens))
          for (const other of all) {
            const equalTokens = shared(tokens, other.tokens)
            assert.strictEqual(shared(ids, other.ids) >= Math.floor(equalTokens / blockTokens), true)
            const whole = Math.min(
              Math.floor(tokens.length / blockTokens),
              Math.floor(other.tokens.length / blockTokens)
            )
            assert.isAtMost(Math.min(shared(ids, other.ids), whole), Math.ceil(equalTokens / blockTokens))
          }
          all.push({ tokens: tokens.slice(), ids })
          for (let token = 0; token < output; token++) tokens.push(nextToken++)
          contents.set(session, tokens)
        }
      })
  )
})

describe("--prefix-model", () => {
  it("is read as it is written", () => {
    assert.deepStrictEqual(prefixModelOf("fresh"), freshPrefixes)
    for (const text of ["fresh", "system:1000", "turns:4.5", "system:7,turns:2"]) {
      assert.strictEqual(prefixModelText(prefixModelOf(text) ?? freshPrefixes), text)
    }
    for (const text of ["", "system", "system:-1", "system:1.5", "turns:0.5", "other:3", "system:0"]) {
      assert.isUndefined(prefixModelOf(text), text)
    }
  })
})
