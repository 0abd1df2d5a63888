/** Columns of one run serve the next, as if they were new. */
import { assert, describe, it } from "@effect/vitest"
import { during, moreCounts, moreFractions, regrown, SpareColumns, zeros } from "../../src/structures/SpareColumns.ts"

const length = 512

describe("the columns of a run", () => {
  it("are those of the run before, and zeros again, once that has ended", () => {
    const spare = new SpareColumns()
    const first = spare.lease()
    const old = during(first, () => zeros(length).fill(7))
    assert.notStrictEqual(
      during(spare.lease(), () => zeros(length)),
      old
    )
    first.end()
    const next = spare.lease()
    const column = during(next, () => zeros(length))
    assert.strictEqual(column, old)
    assert.isTrue(column.every((value) => value === 0))
    assert.notStrictEqual(
      during(next, () => zeros(length)),
      old
    )
  })

  it("grow into those of the run before, the rest 0", () => {
    const spare = new SpareColumns()
    const first = spare.lease()
    const old = during(first, () => zeros(2 * length).fill(7))
    first.end()
    const column = during(spare.lease(), () => regrown(new Int32Array(length).fill(3)))
    assert.strictEqual(column, old)
    assert.deepStrictEqual([...column], [...Array<number>(length).fill(3), ...Array<number>(length).fill(0)])
  })

  it("are given up when a run does not want them", () => {
    const spare = new SpareColumns()
    for (const wanted of [length, 2 * length]) {
      const lease = spare.lease()
      during(lease, () => zeros(wanted))
      lease.end()
    }
    assert.isUndefined(spare.take(length))
    assert.isDefined(spare.take(2 * length))
  })

  it("are its own only while it is on", () => {
    const spare = new SpareColumns()
    const [outer, inner] = [spare.lease(), spare.lease()]
    during(outer, () => {
      assert.throws(() =>
        during(inner, () => {
          zeros(length)
          throw new Error("as asked")
        })
      )
      zeros(2 * length)
    })
    zeros(4 * length)
    inner.end()
    assert.isDefined(spare.take(length))
    outer.end()
    assert.isDefined(spare.take(2 * length))
    assert.isUndefined(spare.take(4 * length))
  })

  it("hold fractions and counts as well", () => {
    const spare = new SpareColumns()
    const first = spare.lease()
    const old = first.fractions(length).fill(0.5)
    const oldCounts = first.counts(length).fill(0xffff_ffff)
    first.end()
    const next = spare.lease()
    const fractions = moreFractions(next, Float64Array.of(1.5, 2.5), length)
    assert.strictEqual(fractions.buffer, old.buffer)
    assert.deepStrictEqual([...fractions.subarray(0, 3)], [1.5, 2.5, 0.5])
    const counts = moreCounts(next, Uint32Array.of(7), length)
    assert.strictEqual(counts.buffer, oldCounts.buffer)
    assert.deepStrictEqual([...counts.subarray(0, 2)], [7, 0xffff_ffff])
  })
})
