import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { Fifo } from "../../src/structures/Fifo.ts"

describe("Fifo", () => {
  it.prop("is an array with push and shift", [Schema.Array(Schema.Boolean)], ([pushes]) => {
    const fifo = new Fifo<number>()
    const model: Array<number> = []
    pushes.forEach((push, index) => {
      if (push) {
        fifo.push(index)
        model.push(index)
      } else assert.strictEqual(fifo.shift(), model.shift())
      assert.strictEqual(fifo.length, model.length)
    })
  })

  it("keeps the order when its used-up front is cut off", () => {
    const fifo = new Fifo<number>()
    for (let index = 0; index < 10_000; index++) fifo.push(index)
    for (let index = 0; index < 9_000; index++) {
      assert.strictEqual(fifo.shift(), index)
      fifo.push(10_000 + index)
    }
    for (let index = 9_000; index < 19_000; index++) assert.strictEqual(fifo.shift(), index)
    assert.isUndefined(fifo.shift())
  })
})
