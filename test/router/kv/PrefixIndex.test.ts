import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { PrefixIndex } from "../../../src/router/kv/PrefixIndex.ts"
import { blocksFrom } from "../Requests.ts"

const below = (bound: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: bound - 1 }))
const event = Schema.Struct({ worker: below(70), block: below(40), stored: Schema.Boolean })
const prompt = Schema.Array(below(40))

/** The model: a set per worker, a walk per worker. */
class NaiveIndex {
  readonly sets: ReadonlyArray<Set<number>>

  constructor(workers: number) {
    this.sets = Array.from({ length: workers }, () => new Set())
  }

  overlaps(blocks: ReadonlyArray<number>): Array<number> {
    return this.sets.map((set) => {
      const missing = blocks.findIndex((block) => !set.has(block))
      return missing < 0 ? blocks.length : missing
    })
  }
}

describe("prefix index", () => {
  for (const workers of [1, 4, 31, 32, 33, 70]) {
    it.prop(`equals a set per worker, ${workers} workers`, [Schema.Array(event), prompt], ([events, blocks]) => {
      const index = new PrefixIndex(workers)
      const naive = new NaiveIndex(workers)
      for (const { block, stored, worker } of events) {
        const w = worker % workers
        if (stored) {
          index.sink(w).stored(block)
          naive.sets[w]!.add(block)
        } else {
          index.sink(w).removed(block)
          naive.sets[w]!.delete(block)
        }
      }
      // Every worker also has a few leading blocks of its own, so that matches of all lengths occur.
      blocks.forEach((block, i) => {
        for (let w = i; w < workers; w += 1 + (i % 3)) {
          index.sink(w).stored(block)
          naive.sets[w]!.add(block)
        }
      })
      const out = new Int32Array(workers).fill(-1)
      index.overlaps(Int32Array.from(blocks), blocks.length, out)
      assert.deepStrictEqual(Array.from(out), naive.overlaps(blocks))
      const marked = new Set<number>()
      index.markBlocks((block) => marked.add(block))
      assert.deepStrictEqual(marked, new Set(naive.sets.flatMap((set) => Array.from(set))))
    })
  }

  it("counts only the prompt's own blocks", () => {
    const index = new PrefixIndex(2)
    for (const block of [5, 6, 7, 8]) index.sink(1).stored(block)
    const out = new Int32Array(2)
    index.overlaps(blocksFrom(5, 4), 2, out)
    assert.deepStrictEqual(Array.from(out), [0, 2])
  })

  it("grows to any identity and knows nothing of those beyond its tables", () => {
    const index = new PrefixIndex(1)
    const out = new Int32Array(1)
    index.overlaps(Int32Array.of(1_000_000), 1, out)
    assert.strictEqual(out[0], 0)
    index.sink(0).removed(2_000_000)
    index.sink(0).stored(1_000_000)
    index.overlaps(Int32Array.of(1_000_000), 1, out)
    assert.strictEqual(out[0], 1)
  })
})
