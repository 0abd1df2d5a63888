import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { PageIndex } from "../../../src/engine/sglang/PageIndex.ts"

const below = (bound: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: bound - 1 }))
/** Starts of runs: neighbours, private identities, which count down, and some far away. */
const first = Schema.Literals([0, 3, 8, 12, 16, 512, -1, -7, -8, -9, 0x7fffff00, -0x7ffffff0])
const step = Schema.Struct({ first, length: below(20), act: Schema.Literals(["set", "setAbsent", "delete"]) })

describe("PageIndex", () => {
  it.prop(
    "is a map",
    [Schema.Array(step).check(Schema.isMaxLength(80))],
    ([steps]) => {
      const index = new PageIndex()
      const model = new Map<number, number>()
      steps.forEach(({ act, first: from, length }, at) => {
        const run = Int32Array.from({ length }, (_, offset) => from + offset)
        if (act === "setAbsent" && run.every((key) => !model.has(key))) {
          const values = Array.from(run, (_, offset) => at + offset + 1)
          index.setAbsent(run, 0, length >> 1, [0, ...values], 1)
          index.setAbsent(run, length >> 1, length, values, length >> 1)
          run.forEach((key, offset) => model.set(key, values[offset]!))
        }
        for (let key = from; key < from + length; key++) {
          assert.strictEqual(index.get(key), model.get(key) ?? 0)
          if (act === "set") {
            index.set(key, at + 1)
            model.set(key, at + 1)
          } else if (act === "delete") {
            index.delete(key)
            model.delete(key)
          }
          assert.strictEqual(index.get(key), model.get(key) ?? 0)
          assert.strictEqual(index.size, model.size)
        }
      })
      for (const [key, value] of model) assert.strictEqual(index.get(key), value)
      const found = new Map<number, number>()
      index.forEach((key, value) => void found.set(key, value))
      assert.deepStrictEqual(new Map([...found].toSorted()), new Map([...model].toSorted()))
    },
    { arbitrary: { runs: 150, size: 80 } }
  )

  it("grows, and uses groups again", () => {
    const index = new PageIndex()
    for (let round = 0; round < 3; round++) {
      for (let key = 0; key < 40_000; key += 3) index.set(key, key + 1)
      for (let key = 0; key < 40_000; key++) assert.strictEqual(index.get(key), key % 3 === 0 ? key + 1 : 0)
      for (let key = 0; key < 40_000; key++) index.delete(key)
      assert.strictEqual(index.size, 0)
    }
  })
})
