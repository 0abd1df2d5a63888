import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { LiveRequests } from "../../src/observe/LiveRequests.ts"
import type { SimRequest } from "../../src/request/SimRequest.ts"
import { request } from "../support/RequestBuilder.ts"

const steps = Schema.Array(Schema.Struct({ id: Schema.Literals([0, 1, 2, 3, 9, 40, 1000]), takes: Schema.Boolean }))

describe("requests that have not ended", () => {
  it.prop(
    "are those that were added last under their numbers, and not taken",
    [steps.check(Schema.isMaxLength(60))],
    ([steps]) => {
      const live = new LiveRequests()
      const model = new Map<number, SimRequest>()
      for (const { id, takes } of steps) {
        if (takes) {
          assert.strictEqual(live.take(id), model.get(id))
          model.delete(id)
        } else {
          const added = request({ id, promptTokens: 1, outputTokens: 1, blocks: [] })
          live.add(added)
          model.set(id, added)
        }
        assert.strictEqual(live.has(id), model.has(id))
      }
      assert.deepStrictEqual(
        live.takeAll(),
        [...model.values()].toSorted((one, other) => one.id - other.id)
      )
      assert.deepStrictEqual(live.takeAll(), [])
    },
    { arbitrary: { runs: 300, size: 40 } }
  )
})
