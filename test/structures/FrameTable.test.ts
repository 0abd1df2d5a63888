import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { FrameTable } from "../../src/structures/FrameTable.ts"

const number = Schema.Literals([0, 1, 2, 3, 5, 8, 13, 21, 34, 1_000_000, 0x0fffffff, -1, -2, -3, -0x10000000])
const step = Schema.Struct({ number, adds: Schema.Boolean })

describe("FrameTable", () => {
  it.prop(
    "is a map from numbers to frames",
    [Schema.Array(step)],
    ([steps]) => {
      const table = new FrameTable()
      const model = new Map<number, number>()
      for (const { adds, number: each } of steps) {
        const known = model.get(each)
        if (adds && known === undefined) model.set(each, table.add(each))
        if (!adds && known !== undefined) {
          table.remove(known)
          model.delete(each)
        }
        for (const asked of [each, ...model.keys()]) assert.strictEqual(table.find(asked), model.get(asked) ?? 0)
        assert.strictEqual(table.size, model.size)
        assert.strictEqual(new Set(model.values()).size, model.size)
        for (const [asked, frame] of model) {
          assert.isTrue(frame > 0 && frame < table.capacity)
          assert.strictEqual(table.numbers[frame], asked)
        }
      }
    },
    { arbitrary: { runs: 200, size: 200 } }
  )

  it("grows, keeps what it has, and uses freed frames again", () => {
    const table = new FrameTable()
    const frames = Array.from({ length: 5_000 }, (_, index) => table.add(index * 3 - 4_000))
    frames.forEach((frame, index) => assert.strictEqual(table.find(index * 3 - 4_000), frame))
    const { capacity } = table
    for (const frame of frames) table.remove(frame)
    for (let index = 0; index < 5_000; index++) table.add(index)
    assert.strictEqual(table.capacity, capacity)
    assert.strictEqual(table.size, 5_000)
    assert.strictEqual(table.find(5_000), 0)
  })
})
