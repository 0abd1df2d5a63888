/** The tree of prompts against a count per worker and block, for prompts that part and meet anywhere. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { PromptTree } from "../../../src/router/kv/PromptTree.ts"
import { markedBlocks } from "../../support/MarkedBlocks.ts"

const workers = 3

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** A prompt comes to a worker; where `frees` is there, one that came before goes, or everything on a worker. */
const Step = Schema.Struct({
  worker: between(0, workers - 1),
  /** Content of its blocks: the first ones are likely to be those of others. */
  contents: Schema.Array(Schema.Literals([0, 0, 0, 0, 1])).check(Schema.isMaxLength(14)),
  frees: Schema.UndefinedOr(between(0, 20))
})

interface Held {
  readonly worker: number
  readonly blocks: Int32Array
}

/** Identities of the blocks of prompts: one for each prefix. */
const identities = () => {
  const known = new Map<string, number>()
  return (contents: ReadonlyArray<number>): Int32Array =>
    Int32Array.from(contents, (_, at) => {
      const prefix = contents.slice(0, at + 1).join()
      const identity = known.get(prefix) ?? known.size * 3
      known.set(prefix, identity)
      return identity
    })
}

const blocksOn = (held: ReadonlyArray<Held>, worker: number): Set<number> =>
  new Set(held.flatMap((each) => (each.worker === worker ? Array.from(each.blocks) : [])))

const leadingIn = (blocks: Int32Array, known: ReadonlySet<number>): number => {
  const missing = blocks.findIndex((block) => !known.has(block))
  return missing < 0 ? blocks.length : missing
}

describe("prompt tree", () => {
  it.prop(
    "knows of every worker which blocks its prompts hold",
    [Schema.Array(Step)],
    ([steps]) => {
      const tree = new PromptTree()
      const blocksOf = identities()
      let held: Array<Held> = []
      const takeOut = (gone: Held): void => {
        const before = blocksOn(held, gone.worker).size
        held = held.filter((each) => each !== gone)
        const removed = tree.remove(gone.worker, gone.blocks, gone.blocks.length)
        assert.strictEqual(removed, before - blocksOn(held, gone.worker).size)
      }
      for (const { contents, frees, worker } of steps) {
        const blocks = blocksOf(contents)
        const out = new Int32Array(workers)
        tree.leading(blocks, blocks.length, out)
        for (let each = 0; each < workers; each++)
          assert.strictEqual(out[each], leadingIn(blocks, blocksOn(held, each)))
        const before = blocksOn(held, worker).size
        const added = tree.add(worker, blocks, blocks.length)
        held.push({ worker, blocks })
        assert.strictEqual(added, blocksOn(held, worker).size - before)
        if (frees === 20) {
          tree.removeWorker(worker)
          held = held.filter((each) => each.worker !== worker)
        } else if (frees !== undefined) takeOut(held[frees % held.length]!)
        const marked = new Set(markedBlocks(tree))
        const known = new Set(held.flatMap((each) => Array.from(each.blocks)))
        for (const block of marked) assert.isTrue(known.has(block))
        for (const each of held) if (each.blocks.length > 0) assert.isTrue(marked.has(each.blocks.at(-1)!))
      }
      for (const each of held) takeOut(each)
      assert.deepStrictEqual(markedBlocks(tree), [])
    },
    { arbitrary: { runs: 300, size: 60 } }
  )
})
