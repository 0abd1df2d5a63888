/** The small data structures under the KV cache, against JavaScript's own. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { IntMap } from "../../../src/structures/IntMap.ts"
import { LeafHeap } from "../../../src/engine/sglang/LeafHeap.ts"
import { PageFrames } from "../../../src/engine/sglang/PageFrames.ts"
import { SlotPool } from "../../../src/engine/sglang/SlotPool.ts"

const below = (bound: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: bound - 1 }))

/** Neighbouring identities, private ones, and some far away. */
const key = Schema.Literals([
  0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 512, 513, 1024, -1, -2, -3, -8, -9, 0x7fffffff, -0x7ffffff0
])
const mapSteps = Schema.Array(Schema.Struct({ key, offset: below(200), keep: Schema.Boolean })).check(
  Schema.isMaxLength(600)
)

describe("IntMap", () => {
  it.prop(
    "is a map",
    [mapSteps],
    ([steps]) => {
      const map = new IntMap()
      const model = new Map<number, number>()
      steps.forEach(({ key, keep, offset }, step) => {
        const at = (key + offset) | 0
        if (keep) {
          map.set(at, step + 1)
          model.set(at, step + 1)
        } else {
          map.delete(at)
          model.delete(at)
        }
        assert.strictEqual(map.size, model.size)
      })
      for (const [key, value] of model) assert.strictEqual(map.get(key), value)
      const found = new Map<number, number>()
      map.forEach((key, value) => void found.set(key, value))
      assert.deepStrictEqual(found, new Map([...found.keys()].map((key) => [key, model.get(key)!])))
      assert.strictEqual(found.size, model.size)
      for (let absent = 3_000; absent < 3_010; absent++) assert.strictEqual(map.get(absent), 0)
    },
    { arbitrary: { runs: 150, size: 600 } }
  )
})

describe("SlotPool", () => {
  const steps = Schema.Array(
    Schema.Struct({
      act: Schema.Literals(["take", "give", "giveAll", "giveBack"]),
      count: below(9_000)
    })
  ).check(Schema.isMaxLength(40))

  it.prop("is a stack of slots, also beyond its first height", [steps, below(12_000)], ([plan, capacity]) => {
    const pool = new SlotPool(capacity)
    const model = Array.from({ length: capacity }, (_, level) => capacity - 1 - level)
    const taken: Array<number> = []
    for (const { act, count } of plan) {
      if (act === "give") {
        pool.give(count)
        model.push(count)
      } else if (act === "giveAll") {
        const slots = taken.splice(0, count)
        pool.giveAll(Int32Array.from([-1, ...slots, -1]), 1, slots.length + 1)
        model.push(...slots)
      } else {
        const at = pool.take(count)
        assert.strictEqual(at < 0, count > model.length)
        if (at < 0) continue
        const slots = model.splice(model.length - count, count)
        assert.deepStrictEqual(Array.from(pool.entries.subarray(at, at + count)), slots)
        const returned = act === "giveBack" ? count >> 1 : 0
        pool.giveBack(at + count, returned)
        model.push(...slots.slice(count - returned))
        taken.push(...slots.slice(0, count - returned))
      }
      assert.strictEqual(pool.available, model.length)
    }
  })

  it("touches only the levels that are used", () => {
    const pool = new SlotPool(2 ** 31)
    const at = pool.take(3)
    assert.deepStrictEqual(Array.from(pool.entries.subarray(at, at + 3)), [2, 1, 0])
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
    for (const frame of used) frames.slots.fill(frame, frame * 4, frame * 4 + 4)
    const more = Array.from({ length: 30_000 }, () => frames.allocate())
    for (const frame of used) assert.strictEqual(frames.lastSlot(frame), frame)
    assert.strictEqual(frames.live, 40_000)
    for (const frame of more) frames.free(frame)
    const again = Array.from({ length: 30_000 }, () => frames.allocate())
    assert.deepStrictEqual(new Set(again), new Set(more))
  })
})
