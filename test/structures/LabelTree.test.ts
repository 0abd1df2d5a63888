import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { LabelTree } from "../../src/structures/LabelTree.ts"

const half = Schema.Literals([0, 1, 2, -1, 0x7fffffff, -0x80000000])
const label = Schema.Tuple([half, Schema.Literals([0, 0, 0, 1, -1])])
/** A path of labels to walk and extend, and whether it is kept when the tree is swept. */
const path = Schema.Struct({ labels: Schema.Array(label).check(Schema.isMaxLength(6)), kept: Schema.Boolean })

describe("LabelTree", () => {
  it.prop(
    "is a map from paths to nodes, of which sweeping leaves the marked ones",
    [Schema.Array(Schema.Array(path).check(Schema.isMaxLength(20))).check(Schema.isMaxLength(5))],
    ([rounds]) => {
      const tree = new LabelTree()
      let model = new Map<string, number>()
      for (const paths of rounds) {
        const kept = new Map<string, number>()
        const marks: Array<number> = []
        for (const { labels, kept: isKept } of paths) {
          let node = 0
          let text = ""
          for (const [low, high] of labels) {
            text += `/${low}:${high}`
            const known = tree.child(node, low, high)
            assert.strictEqual(known, model.get(text) ?? 0)
            node = known === 0 ? tree.add(node, low, high) : known
            model.set(text, node)
            assert.isBelow(node, tree.nodes)
            if (isKept) kept.set(text, node)
          }
          if (isKept) marks.push(node)
        }
        assert.strictEqual(tree.size, model.size)
        assert.strictEqual(new Set(model.values()).size, model.size)
        const marked = new Uint8Array(tree.nodes)
        marked[0] = 1
        for (const node of marks) tree.markPath(node, marked)
        tree.sweep(marked)
        model = kept
        assert.strictEqual(tree.size, model.size)
      }
    },
    { arbitrary: { runs: 100 } }
  )

  it("grows, also after the first label with a high half, and ends at its limit", () => {
    const tree = new LabelTree(20_000)
    const nodes = Array.from({ length: 20_000 }, (_, index) => tree.add(index >> 2, index, index > 5_000 ? index : 0))
    assert.deepStrictEqual([...new Set(nodes)], nodes)
    nodes.forEach((node, index) => assert.strictEqual(tree.child(index >> 2, index, index > 5_000 ? index : 0), node))
    assert.strictEqual(tree.child(0, 0, 1), 0)
    assert.strictEqual(tree.add(0, 99_999, 0), 0)
    const marked = new Uint8Array(tree.nodes)
    marked[0] = 1
    tree.sweep(marked)
    assert.isAbove(tree.add(0, 99_999, 0), 0)
  })
})
