import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ReadyHeap } from "../../src/workload/ReadyHeap.ts"

const small = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))

describe("ReadyHeap", () => {
  it("is ready at infinity when empty", () => {
    assert.strictEqual(new ReadyHeap().headMs, Number.POSITIVE_INFINITY)
  })

  it.effect.prop(
    "gives entries by time, then session, then turn, whatever comes in between",
    [Schema.Array(Schema.Struct({ time: small, session: small, turn: small, pops: small }))],
    ([entries]) =>
      Effect.sync(() => {
        const heap = new ReadyHeap()
        const model: Array<readonly [number, number, number, number]> = []
        const popBoth = () => {
          model.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2])
          const expected = model.shift()!
          assert.deepStrictEqual([heap.headMs, heap.headTurn], [expected[0], expected[2]])
          const index = model.findIndex((entry) => entry[3] === heap.headRow)
          // Equal keys may come in any order: take the very entry the heap gave out of the model.
          if (index >= 0 && expected[3] !== heap.headRow) model.splice(index, 1, expected)
          assert.strictEqual(heap.headKey, heap.headRow + 1)
          heap.pop()
        }
        entries.forEach(({ pops, session, time, turn }, row) => {
          heap.push(time, session, turn, row, row + 1)
          model.push([time, session, turn, row])
          for (let pop = 1; pop < pops && model.length > 0; pop++) popBoth()
        })
        while (model.length > 0) popBoth()
        assert.strictEqual(heap.length, 0)
      })
  )

  it("grows beyond its first size", () => {
    const heap = new ReadyHeap()
    for (let i = 0; i < 2000; i++) heap.push((i * 7919) % 2003, 0, 0, i, 0)
    let last = -1
    while (heap.length > 0) {
      assert.isAtLeast(heap.headMs, last)
      last = heap.headMs
      heap.pop()
    }
  })
})
