import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { PrefixIndex } from "../../../src/router/kv/PrefixIndex.ts"
import { blocksFrom } from "../Requests.ts"
import { markedBlocks } from "../../support/MarkedBlocks.ts"

const below = (bound: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: bound - 1 }))
const event = Schema.Struct({
  worker: below(70),
  block: below(40),
  count: Schema.Literals([1, 2, 8, 8, 20]),
  stored: Schema.Boolean
})
/** Runs of consecutive identities, as of trace blocks, and lone ones. */
const prompt = Schema.Array(Schema.Struct({ first: below(40), count: Schema.Literals([1, 1, 3, 8]) }))
const blocksOf = (runs: ReadonlyArray<(typeof prompt.Type)[number]>): Array<number> =>
  runs.flatMap(({ count, first }) => Array.from({ length: count }, (_, block) => first + block))

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
    it.prop(`equals a set per worker, ${workers} workers`, [Schema.Array(event), prompt], ([events, runs]) => {
      const blocks = blocksOf(runs)
      const index = new PrefixIndex()
      const naive = new NaiveIndex(workers)
      for (const { block, count, stored, worker } of events) {
        const w = worker % workers
        if (stored) index.sink(w).stored(block, count)
        else index.sink(w).removed(block, count)
        for (let each = block; each < block + count; each++) {
          if (stored) naive.sets[w]!.add(each)
          else naive.sets[w]!.delete(each)
        }
      }
      // Every worker also has a few leading blocks of its own, so that matches of all lengths occur.
      blocks.forEach((block, i) => {
        for (let w = i; w < workers; w += 1 + (i % 3)) {
          index.sink(w).stored(block, 1)
          naive.sets[w]!.add(block)
        }
      })
      const out = new Int32Array(workers).fill(-1)
      index.overlaps(Int32Array.from(blocks), blocks.length, out)
      assert.deepStrictEqual(Array.from(out), naive.overlaps(blocks))
      const marked = new Set(markedBlocks(index))
      assert.deepStrictEqual(marked, new Set(naive.sets.flatMap((set) => Array.from(set))))
    })
  }

  it("counts only the prompt's own blocks", () => {
    const index = new PrefixIndex()
    index.sink(1).stored(5, 4)
    const out = new Int32Array(2)
    index.overlaps(blocksFrom(5, 4), 2, out)
    assert.deepStrictEqual(Array.from(out), [0, 2])
  })

  it("grows to any identity and knows nothing of those beyond its tables", () => {
    const index = new PrefixIndex()
    const out = new Int32Array(1)
    index.overlaps(Int32Array.of(1_000_000), 1, out)
    assert.strictEqual(out[0], 0)
    index.sink(0).removed(2_000_000, 1)
    index.sink(0).stored(1_000_000, 1)
    index.overlaps(Int32Array.of(1_000_000), 1, out)
    assert.strictEqual(out[0], 1)
  })
})
