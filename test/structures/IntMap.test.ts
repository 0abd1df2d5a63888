import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { IntMap } from "../../src/structures/IntMap.ts"

const below = (bound: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: bound - 1 }))

/** Neighbouring identities, private ones, and some far away. */
const key = Schema.Literals([
  0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 512, 513, 1024, -1, -2, -3, -8, -9, 0x7fffffff, -0x7ffffff0
])
const mapSteps = Schema.Array(
  Schema.Struct({ key, offset: below(200), act: Schema.Literals(["set", "add", "takeOff", "delete"]) })
).check(Schema.isMaxLength(600))

describe("IntMap", () => {
  it.prop(
    "is a map",
    [mapSteps],
    ([steps]) => {
      const map = new IntMap()
      const model = new Map<number, number>()
      steps.forEach(({ act, key, offset }, step) => {
        const at = (key + offset) | 0
        const known = model.get(at) ?? 0
        if (act === "set") {
          map.set(at, step + 1)
          model.set(at, step + 1)
        } else if (act === "add") {
          assert.strictEqual(map.add(at, offset), known + offset)
          if (known + offset > 0) model.set(at, known + offset)
        } else if (act === "takeOff") {
          assert.strictEqual(map.add(at, -known), 0)
          model.delete(at)
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
