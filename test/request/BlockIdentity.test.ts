import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { BlockHolder, BlockIdentity } from "../../src/request/BlockIdentity.ts"
import { HashIdTrie } from "../../src/request/HashIdTrie.ts"
import { TokenRunIdentity } from "../../src/request/TokenRunIdentity.ts"
import { Bijection, prefixTexts, tokensOfHashIds, tokensOfRuns } from "./PrefixModel.ts"

const below = (bound: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: bound - 1 }))

/** Few distinct ids, so that prompts share prefixes; the last two differ in the sign bit of a 32-bit integer. */
const alphabet = [0, 1, 2, 0xffffffff, 0x7fffffff]
const hashId = Schema.Literals(alphabet)
const prompt = Schema.Struct({
  hashIds: Schema.Array(hashId).check(Schema.isMaxLength(9)),
  /** Cut off the last id, in tokens. */
  missing: below(200)
})
const prompts = Schema.Array(prompt).check(Schema.isMaxLength(24))

const promptTokens = (ids: ReadonlyArray<number>, missing: number, traceBlockTokens: number): number =>
  ids.length === 0 ? 0 : ids.length * traceBlockTokens - (missing % traceBlockTokens)

/** Trace block size and engine block size: equal, multiples either way, and neither. */
const sizes: ReadonlyArray<readonly [traceBlockTokens: number, blockTokens: number]> = [
  [64, 64],
  [512, 64],
  [128, 16],
  [16, 64],
  [4, 64],
  [1, 8],
  [100, 64],
  [64, 100],
  [48, 64],
  [10, 64],
  [7, 2],
  [3, 5],
  [65, 64],
  [63, 64]
]

const identities: ReadonlyArray<readonly [string, (traceBlockTokens: number, blockTokens: number) => BlockIdentity]> = [
  ["HashIdTrie", (traceBlockTokens, blockTokens) => new HashIdTrie(traceBlockTokens, blockTokens)],
  ["TokenRunIdentity", (traceBlockTokens, blockTokens) => new TokenRunIdentity(traceBlockTokens, blockTokens)]
]

/** Marks blocks whose identities follow each other at once. */
const holding = (blocks: ArrayLike<number>): BlockHolder => ({
  markBlocks: (mark) => {
    for (let first = 0; first < blocks.length;) {
      let end = first + 1
      while (end < blocks.length && blocks[end] === blocks[end - 1]! + 1) end += 1
      if (end === first + 1) mark(blocks[first]!)
      else mark(blocks[first]!, end - first)
      first = end
    }
  }
})

describe.each(identities)("%s", (_name, make) => {
  for (const [traceBlockTokens, blockTokens] of sizes) {
    it.prop(
      `gives equal identities to equal prefixes only, T = ${traceBlockTokens}, B = ${blockTokens}`,
      [prompts],
      ([list]) => {
        const identity = make(traceBlockTokens, blockTokens)
        const relation = new Bijection()
        for (const { hashIds, missing } of list) {
          const tokens = promptTokens(hashIds, missing, traceBlockTokens)
          relation.relate(
            identity.blocksOfHashIds(hashIds, tokens),
            prefixTexts(tokensOfHashIds(hashIds, traceBlockTokens, tokens), blockTokens)
          )
        }
      }
    )

    it.prop(
      `keeps held identities through collections, T = ${traceBlockTokens}, B = ${blockTokens}`,
      [prompts, Schema.Array(Schema.Boolean).check(Schema.isMinLength(24), Schema.isMaxLength(24))],
      ([list, kept]) => {
        const identity = make(traceBlockTokens, blockTokens)
        let held: Array<{ readonly blocks: Int32Array; readonly texts: Array<string> }> = []
        list.forEach(({ hashIds, missing }, index) => {
          const tokens = promptTokens(hashIds, missing, traceBlockTokens)
          const texts = prefixTexts(tokensOfHashIds(hashIds, traceBlockTokens, tokens), blockTokens)
          held.push({ blocks: identity.blocksOfHashIds(hashIds, tokens), texts })
          if (index % 3 === 2) {
            held = held.filter((_, at) => kept[at])
            identity.collect(held.map(({ blocks }) => holding(blocks)))
          }
          const relation = new Bijection()
          for (const { blocks, texts } of held) relation.relate(blocks, texts)
        })
      }
    )
  }

  it("keeps the ancestors of a held block", () => {
    const identity = make(4, 4)
    const blocks = identity.blocksOfHashIds([1, 2, 3], 12)
    identity.collect([holding([blocks[2]!])])
    assert.deepStrictEqual(identity.blocksOfHashIds([1, 2, 3], 12), blocks)
  })

  it("hands out the identities of collected blocks again", () => {
    const identity = make(4, 4)
    const highest = (): number => {
      let found = 0
      for (let first = 0; first < 500; first++) {
        for (const block of identity.blocksOfHashIds([first, first + 1], 8)) found = Math.max(found, block)
      }
      return found
    }
    const before = highest()
    identity.collect([])
    for (let round = 0; round < 5; round++) {
      assert.strictEqual(highest(), before)
      identity.collect([])
    }
  })

  it("wants a collection once many identities were made, and then only after as many again as survived", () => {
    const identity = make(1, 1)
    const held: Array<Int32Array> = []
    const fill = (from: number, count: number, keep: boolean): void => {
      for (let index = from; index < from + count; index++) {
        const blocks = identity.blocksOfHashIds([index], 1)
        if (keep) held.push(blocks)
      }
    }
    fill(0, 65_535, true)
    assert.isFalse(identity.wantsCollection())
    fill(65_535, 65_536, true)
    assert.isTrue(identity.wantsCollection())
    identity.collect(held.map(holding))
    fill(200_000, 131_000, false)
    assert.isFalse(identity.wantsCollection())
    fill(400_000, 100, false)
    assert.isTrue(identity.wantsCollection())
    identity.collect(held.map(holding))
    assert.deepStrictEqual(held[70_000], identity.blocksOfHashIds([70_000], 1))
  })
})

describe("TokenRunIdentity", () => {
  const runs = Schema.Array(Schema.Tuple([below(3), below(9)])).check(Schema.isMaxLength(12))

  for (const blockTokens of [1, 2, 3, 8, 16]) {
    it.prop(`compares content, not its division into runs, B = ${blockTokens}`, [Schema.Array(runs)], ([list]) => {
      const identity = new TokenRunIdentity(4, blockTokens)
      const relation = new Bijection()
      for (const prompt of list) {
        relation.relate(
          identity.blocksOfRuns(
            prompt.map(([symbol]) => symbol),
            prompt.map(([, count]) => count)
          ),
          prefixTexts(tokensOfRuns(prompt), blockTokens)
        )
      }
    })
  }

  it("gives runs and hash ids of the same tokens the same identities", () => {
    const identity = new TokenRunIdentity(100, 64)
    assert.deepStrictEqual(identity.blocksOfRuns([7, 9], [100, 100]), identity.blocksOfHashIds([7, 9], 200))
    assert.deepStrictEqual(identity.blocksOfRuns([7, 7, 9], [30, 70, 28]), identity.blocksOfHashIds([7, 9], 128))
  })

  it("has no blocks for less than a block", () => {
    const identity = new TokenRunIdentity(4, 16)
    assert.lengthOf(identity.blocksOfRuns([], []), 0)
    assert.lengthOf(identity.blocksOfRuns([1], [15]), 0)
  })
})

describe("HashIdTrie", () => {
  it("grows far beyond its first tables", () => {
    const trie = new HashIdTrie(1, 1)
    const relation = new Bijection()
    for (let id = 0; id < 20_000; id++) relation.relate(trie.blocksOfHashIds([id], 1), [String(id)])
    for (let id = 0; id < 20_000; id += 37) relation.relate(trie.blocksOfHashIds([id], 1), [String(id)])
  })

  it("refuses token runs, which it cannot know", () => {
    assert.throws(() => new HashIdTrie(1, 1).blocksOfRuns(), /TokenRunIdentity/)
  })
})
