import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { BitSet } from "../../src/structures/BitSet.ts"

const below = (bound: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: bound - 1 }))
const step = Schema.Struct({ worker: below(100), added: Schema.Boolean, from: below(110) })

describe("BitSet", () => {
  for (const size of [1, 31, 32, 33, 64, 100]) {
    it.prop(`equals a sorted set of up to ${size}`, [Schema.Array(step)], ([steps]) => {
      const set = new BitSet(size)
      const model = new Set<number>()
      for (const { added, from, worker } of steps) {
        const member = worker % size
        if (added) {
          set.add(member)
          model.add(member)
        } else {
          set.remove(member)
          model.delete(member)
        }
        const next = [...model].filter((each) => each >= from).toSorted((a, b) => a - b)[0] ?? -1
        assert.strictEqual(set.nextFrom(from), next)
        assert.strictEqual(set.nextFrom(0), [...model].toSorted((a, b) => a - b)[0] ?? -1)
      }
    })
  }
})
