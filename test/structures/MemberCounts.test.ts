import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { MemberCounts } from "../../src/structures/MemberCounts.ts"
import { wideSize } from "../../src/structures/WideFrame.ts"

const below = (bound: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: bound - 1 }))
const frames = 3
/** Whole frames, frames of eight and parts of them, taken and given back in any order, not only as they were taken. */
const step = Schema.Struct({
  frame: below(frames),
  first: below(wideSize),
  count: Schema.Literals([1, 2, 3, 5, 8, 8, 16, 32, 32]),
  adds: Schema.Boolean
})

describe("MemberCounts", () => {
  it.prop(
    "counts the holders of each member",
    [Schema.Array(step).check(Schema.isMaxLength(100))],
    ([steps]) => {
      const counts = new MemberCounts(1)
      counts.grow(frames)
      const model = Array.from({ length: frames * wideSize }, () => 0)
      for (const { adds, count: drawn, first: drawnFirst, frame } of steps) {
        const first = drawn >= 8 ? drawnFirst & -8 : drawnFirst
        const count = Math.min(drawn, wideSize - first)
        const places = Array.from({ length: count }, (_, at) => frame * wideSize + first + at)
        if (!adds && places.some((place) => model[place] === 0)) continue
        let changed = 0
        for (const place of places) {
          const before = model[place]!
          model[place] = before + (adds ? 1 : -1)
          if (before === (adds ? 0 : 1)) changed |= 1 << (place % wideSize)
        }
        const returned = adds ? counts.add(frame, first, count) : counts.remove(frame, first, count)
        assert.strictEqual(returned, changed)
        let held = 0
        for (let member = 0; member < wideSize; member++) {
          assert.strictEqual(counts.of(frame, member), model[frame * wideSize + member])
          if (model[frame * wideSize + member]! > 0) held |= 1 << member
        }
        assert.strictEqual(counts.held(frame), held)
      }
    },
    { arbitrary: { runs: 300, size: 100 } }
  )
})
