import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { SlotTable } from "../../src/structures/SlotTable.ts"

const below = (bound: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: bound - 1 }))

/** Neighbours, which share a group, private keys, and keys far away. */
const key = Schema.Literals([0, 1, 2, 7, 8, 9, 16, 512, 513, -2, -3, -8, -9, 0x7fffffff, -0x80000000])
const step = Schema.Struct({ slot: below(64), key, act: Schema.Literals(["add", "remove", "replace"]) })

describe("SlotTable", () => {
  for (const capacity of [1, 2, 7, 40]) {
    it.prop(
      `is a map from keys to ${capacity} slots`,
      [Schema.Array(step)],
      ([steps]) => {
        const keys = new Int32Array(capacity)
        const table = new SlotTable(keys)
        const model = new Map<number, number>()
        for (const { act, key, slot: drawn } of steps) {
          const slot = drawn % capacity
          const holds = model.get(keys[slot]!) === slot
          if (act === "add" && !holds && !model.has(key)) {
            keys[slot] = key
            table.add(slot)
            model.set(key, slot)
          } else if (act === "remove" && holds) {
            table.remove(slot)
            model.delete(keys[slot]!)
          } else if (act === "replace" && !holds && model.has(key)) {
            table.replace(model.get(key)!, slot)
            keys[slot] = key
            model.set(key, slot)
          }
          for (const asked of [key, ...model.keys()]) assert.strictEqual(table.find(asked), model.get(asked) ?? -1)
        }
      },
      { arbitrary: { runs: 150, size: 200 } }
    )
  }
})
