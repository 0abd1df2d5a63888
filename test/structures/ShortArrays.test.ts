import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ShortArrays } from "../../src/structures/ShortArrays.ts"

const Length = Schema.Union([
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 })),
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1200 }))
])

describe("ShortArrays", () => {
  it.effect.prop("gives arrays that share nothing", [Arbitrary.schema(Schema.Array(Length))], ([lengths]) =>
    Effect.sync(() => {
      const room = new ShortArrays()
      const arrays = [...lengths, 1000, 1024, 1024, 1024, 1025].map((length) => room.take(length))
      for (const array of arrays) assert.isTrue(array.every((value) => value === 0))
      arrays.forEach((array, index) => array.fill(index + 1))
      arrays.forEach((array, index) => assert.isTrue(array.every((value) => value === index + 1)))
      assert.deepStrictEqual(
        arrays.slice(0, lengths.length).map(({ length }) => length),
        [...lengths]
      )
    })
  )

  it("keeps many in one piece of memory, and long ones out of it", () => {
    const room = new ShortArrays()
    const short = Array.from({ length: 40 }, () => room.take(100).buffer)
    assert.strictEqual(new Set(short).size, 1)
    assert.notInclude(short, room.take(1025).buffer)
    assert.strictEqual(room.take(96).buffer, short[0])
    assert.notStrictEqual(room.take(1).buffer, short[0])
  })
})
