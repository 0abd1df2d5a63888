import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { BlockChains } from "../../../src/engine/tiers/BlockChains.ts"

const below = (limit: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: limit - 1 }))

/** Runs of a frame of eight, that mostly come just before the one that came before them, as when a prompt is evicted. */
const Runs = Schema.Array(Schema.Struct({ from: below(8), frame: below(12), parent: below(3), follows: below(4) }))

interface Block {
  readonly key: number
  readonly parentKey: number
}

type Chain = readonly [key: number, length: number, parentKey: number]

const chainsOf = (chains: BlockChains): ReadonlyArray<Chain> =>
  Array.from({ length: chains.count }, (_, chain) => [
    chains.keyOf(chain),
    chains.lengthOf(chain),
    chains.parentOf(chain)
  ])

const blocksOf = (chains: BlockChains): ReadonlyArray<Block> => {
  const blocks: Array<Block> = []
  chains.forEachBlock((key, parentKey) => blocks.push({ key, parentKey }))
  return blocks
}

describe("evicted blocks by chains", () => {
  it.prop("are those that were added, in order, in chains within frames of 32", [Runs, below(200)], ([runs, kept]) => {
    const chains = new BlockChains()
    const expected: Array<Block> = []
    let end = 0
    for (const { follows, frame, from, parent } of runs) {
      const last = follows > 0 && end > 0 ? end - 1 : frame * 8 + 7
      const first = Math.min(last, (last & -8) + from)
      const parentKey = parent > 0 ? first - 1 : 1000 + parent
      chains.add(first, last - first + 1, parentKey)
      for (let key = last; key >= first; key--) expected.push({ key, parentKey: key === first ? parentKey : key - 1 })
      end = first
    }
    assert.strictEqual(chains.blocks, expected.length)
    assert.deepStrictEqual(blocksOf(chains), expected)
    for (const [key, length] of chainsOf(chains)) assert.strictEqual(key >> 5, (key + length - 1) >> 5)
    if (kept > expected.length) return
    chains.keepFirst(kept)
    assert.strictEqual(chains.blocks, kept)
    assert.deepStrictEqual(blocksOf(chains), expected.slice(0, kept))
  })

  it("makes one chain of a trace block that is evicted eight at a time", () => {
    const chains = new BlockChains()
    for (const first of [88, 80, 72, 64, 56]) chains.add(first, 8, first - 1)
    assert.deepStrictEqual(chainsOf(chains), [
      [64, 32, 63],
      [56, 8, 55]
    ])
  })
})
