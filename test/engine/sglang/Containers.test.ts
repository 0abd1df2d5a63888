/** The small data structures under the KV cache, against JavaScript's own. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { LeafHeap } from "../../../src/engine/sglang/LeafHeap.ts"
import { PageFrames } from "../../../src/engine/sglang/PageFrames.ts"
import { SlotPool } from "../../../src/engine/sglang/SlotPool.ts"

const below = (bound: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: bound - 1 }))

describe("SlotPool", () => {
  const steps = Schema.Array(
    Schema.Struct({
      act: Schema.Literals(["take", "giveAll", "giveBack"]),
      count: below(9_000)
    })
  ).check(Schema.isMaxLength(40))

  it.prop(
    "is a count, and from some time on a stack of slots, also beyond its first height",
    [steps, below(12_000), below(40)],
    ([plan, capacity, numberedAt]) => {
      const pool = new SlotPool(capacity)
      /** Slots that were taken before they had numbers get some when all do. */
      let model = Array.from({ length: capacity }, () => -1)
      let taken: Array<number> = []
      plan.forEach(({ act, count }, index) => {
        if (index === numberedAt) {
          pool.number(1000)
          model = model.map((_, level, { length }) => 1000 + length - 1 - level)
          taken = taken.map((_, place) => place)
        }
        if (act === "giveAll") {
          const slots = taken.splice(0, count)
          pool.giveAll(Int32Array.from([-1, ...slots, -1]), 1, slots.length + 1)
          model.push(...slots)
        } else {
          const at = pool.take(count)
          assert.strictEqual(at < 0, count > model.length)
          if (at < 0) return
          const slots = model.splice(model.length - count, count)
          if (pool.numbered) assert.deepStrictEqual(Array.from(pool.entries.subarray(at, at + count)), slots)
          const returned = act === "giveBack" ? count >> 1 : 0
          pool.giveBack(at + count, returned)
          model.push(...slots.slice(count - returned))
          taken.push(...slots.slice(0, count - returned))
        }
        assert.strictEqual(pool.available, model.length)
      })
      pool.reset()
      assert.strictEqual(pool.available, capacity)
      assert.isFalse(pool.numbered)
    }
  )

  it("touches only the levels that are used", () => {
    const pool = new SlotPool(2 ** 31)
    assert.strictEqual(pool.take(1000), 0)
    assert.lengthOf(pool.entries, 0)
    pool.number(70)
    const at = pool.take(3)
    assert.deepStrictEqual(Array.from(pool.entries.subarray(at, at + 3)), [72, 71, 70])
    assert.isBelow(pool.entries.length, 10_000)
  })
})

describe("LeafHeap", () => {
  it.prop(
    "gives the smallest stamp first",
    [Schema.Array(Schema.Int).check(Schema.isMaxLength(700))],
    ([stamps]) => {
      const heap = new LeafHeap()
      const distinct = [...new Set(stamps)]
      distinct.forEach((stamp, node) => heap.push(node, stamp))
      for (const stamp of distinct.toSorted((a, b) => a - b)) {
        assert.strictEqual(heap.firstStamp, stamp)
        assert.strictEqual(distinct[heap.pop()], stamp)
      }
      assert.strictEqual(heap.length, 0)
    },
    { arbitrary: { runs: 100, size: 700 } }
  )
})

describe("PageFrames", () => {
  it("keeps what is in frames while it grows, and uses freed ones again", () => {
    const frames = new PageFrames(4)
    const used = Array.from({ length: 10_000 }, () => frames.allocate())
    assert.strictEqual(new Set(used).size, 10_000)
    assert.notInclude(used, 0)
    for (const frame of used) assert.strictEqual(frames.lastSlot(frame), frame * 4 + 3)
    const above = frames.number()
    for (const frame of used) {
      assert.strictEqual(frames.lastSlot(frame), frame * 4 + 3)
      assert.isAbove(above, frames.lastSlot(frame))
      frames.slots.fill(frame, frame * 4, frame * 4 + 4)
    }
    const more = Array.from({ length: 30_000 }, () => frames.allocate())
    for (const frame of used) assert.strictEqual(frames.lastSlot(frame), frame)
    assert.strictEqual(frames.live, 40_000)
    for (const frame of more) frames.free(frame)
    const again = Array.from({ length: 30_000 }, () => frames.allocate())
    assert.deepStrictEqual(new Set(again), new Set(more))
  })
})
