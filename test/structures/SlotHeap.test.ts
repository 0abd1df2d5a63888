import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { SlotHeap } from "../../src/structures/SlotHeap.ts"

interface Entry {
  readonly keys: readonly [number, number, number]
  readonly label: number
}

const key = Schema.Literals([0, 0.1, 0.2, 0.1 + 0.2, 0.3, -1, 1e300])
/** Push these keys, or pop when absent. */
const step = Schema.UndefinedOr(Schema.Tuple([key, key]))

const ascending = (a: Entry, b: Entry): number =>
  a.keys[0] - b.keys[0] || a.keys[1] - b.keys[1] || a.keys[2] - b.keys[2]

describe("SlotHeap", () => {
  it.prop(
    "is a sorted list by three keys, with a slot of its own for every entry",
    [Schema.Array(step)],
    ([steps]) => {
      const heap = new SlotHeap()
      const model: Array<Entry> = []
      const labels: Array<number> = []
      steps.forEach((keys, label) => {
        if (keys !== undefined) {
          const slot = heap.push(keys[0], keys[1], label)
          assert.isBelow(slot, heap.capacity)
          labels[slot] = label
          model.push({ keys: [keys[0], keys[1], label], label })
          model.sort(ascending)
        } else if (model.length > 0) {
          heap.pop()
          model.shift()
        }
        assert.strictEqual(heap.length, model.length)
        const head = model[0]
        if (head === undefined) return assert.strictEqual(heap.headFirst, Number.POSITIVE_INFINITY)
        assert.deepStrictEqual([heap.headFirst, heap.headSecond, heap.headThird], head.keys)
        assert.strictEqual(labels[heap.headSlot], head.label)
        assert.deepStrictEqual(
          Array.from(heap.slots(), (slot) => labels[slot]).toSorted(),
          model.map(({ label }) => label).toSorted()
        )
      })
    },
    { arbitrary: { runs: 200, size: 200 } }
  )

  it("grows without losing order, and uses slots again", () => {
    const heap = new SlotHeap()
    for (let index = 0; index < 5_000; index++) heap.push((index * 7_919) % 5_000, 0, 0)
    const { capacity } = heap
    for (let round = 0; round < 5_000; round++) {
      assert.strictEqual(heap.headFirst, round)
      heap.pop()
      heap.push(5_000 + round, 0, 0)
    }
    assert.strictEqual(heap.capacity, capacity)
  })
})
