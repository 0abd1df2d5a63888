import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { CallsAhead } from "../../../src/timing/aic/CallsAhead.ts"
import { Coverage } from "../../../src/timing/aic/Coverage.ts"
import { Axis, MeasuredRange } from "../../../src/timing/aic/MeasuredRange.ts"

/** What calls left: nothing, or sequence tokens and requests beyond limits. */
const Call = Schema.UndefinedOr(
  Schema.Struct({ axis: Schema.Literals([Axis.sequence, Axis.requests]), value: Schema.Literals([1, 40, 90, 900]) })
)

const rangeOf = (call: typeof Call.Type): MeasuredRange => {
  const range = new MeasuredRange()
  if (call !== undefined) range.leave(call.axis, call.value, 16)
  return range
}

describe("CallsAhead", () => {
  it.prop(
    "counts the calls that were in earnest, and no other",
    [Schema.Array(Schema.Array(Call)), Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 6 }))],
    ([runs, most]) => {
      const ahead = new CallsAhead("decode")
      const coverage = new Coverage()
      const direct = new Coverage()
      for (const calls of runs) {
        ahead.begin()
        const range = new MeasuredRange()
        for (const call of calls) {
          range.reset()
          range.addFrom(rangeOf(call))
          ahead.note(range, 1)
        }
        const taken = calls.slice(0, most)
        ahead.count(taken.length, coverage)
        for (const call of taken) direct.count("decode", rangeOf(call))
      }
      assert.deepStrictEqual(coverage.snapshot(), direct.snapshot())
    }
  )

  it("names the same farthest call whatever the order of calls", () => {
    const ranges = [rangeOf({ axis: Axis.requests, value: 900 }), rangeOf({ axis: Axis.requests, value: 40 })]
    const other = new MeasuredRange()
    other.leave(Axis.requests, 1800, 32)
    const inOrder = [...ranges, other]
    const snapshots = [inOrder, inOrder.toReversed()].map((calls) => {
      const coverage = new Coverage()
      for (const range of calls) coverage.count("decode", range)
      return coverage.snapshot()
    })
    assert.deepStrictEqual(snapshots[0], snapshots[1])
    assert.strictEqual(snapshots[0]!.beyond[0]!.farthest, 1800)
  })
})
