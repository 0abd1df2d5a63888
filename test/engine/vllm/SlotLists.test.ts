import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { SlotLists } from "../../../src/engine/vllm/SlotLists.ts"

const length = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5000 }))

describe("SlotLists", () => {
  it("uses a list again for any request of about its size", () => {
    const lists = new SlotLists()
    const first = lists.take(100)
    lists.giveBack(first)
    assert.strictEqual(lists.take(65), first)
    assert.notStrictEqual(lists.take(128), first)
  })

  it("makes them no longer than the next power of two", () => {
    const lists = new SlotLists()
    assert.deepStrictEqual(
      [0, 1, 2, 3, 4, 5, 64, 65].map((length) => lists.take(length).length),
      [1, 1, 2, 4, 4, 8, 64, 128]
    )
  })

  it.prop("gives lists that are long enough and in one hand at a time", [Schema.Array(length)], ([lengths]) => {
    const lists = new SlotLists()
    const held = new Set<Int32Array>()
    for (const wanted of lengths) {
      const list = lists.take(wanted)
      assert.isAtLeast(list.length, wanted)
      assert.isFalse(held.has(list))
      held.add(list)
      if (wanted % 2 === 0) {
        held.delete(list)
        lists.giveBack(list)
      }
    }
  })
})
