/** Prompts that are made into blocks at once are the same blocks as one by one. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { HashIdTrie } from "../../src/request/HashIdTrie.ts"
import { InternedPrompts } from "../../src/request/InternedPrompts.ts"

const rows = Schema.Array(
  Schema.Struct({
    hashIds: Schema.Array(Schema.Literals([0, 1, 2, 0xffffffff])).check(Schema.isMinLength(1), Schema.isMaxLength(6)),
    /** Cut off the last id. */
    missing: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 31 }))
  })
).check(Schema.isMaxLength(20))

describe("interned prompts", () => {
  for (const [traceBlockTokens, blockTokens] of [
    [32, 8],
    [32, 32],
    [32, 48],
    [32, 20]
  ] as const) {
    it.prop(`are those of a trie, T = ${traceBlockTokens}, B = ${blockTokens}`, [rows], ([list]) => {
      const prompts = list.map(({ hashIds, missing }) => ({
        hashIds,
        promptTokens: hashIds.length * traceBlockTokens - missing
      }))
      const total = prompts.reduce((sum, { promptTokens }) => sum + promptTokens, 0)
      const interning = InternedPrompts.builder(
        { rows: prompts.length, promptTokens: total },
        traceBlockTokens,
        blockTokens
      )
      for (const { hashIds, promptTokens } of prompts) interning.add(hashIds, promptTokens)
      const interned = interning.finish()
      const trie = new HashIdTrie(traceBlockTokens, blockTokens)
      prompts.forEach(({ hashIds, promptTokens }, row) =>
        assert.deepStrictEqual(interned.blocksOf(row), trie.blocksOfHashIds(hashIds, promptTokens))
      )
    })
  }
})
