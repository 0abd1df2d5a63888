import { assert, describe, it } from "@effect/vitest"
import { TokenGaps } from "../../src/engine/TokenGaps.ts"

describe("TokenGaps", () => {
  it("keeps pairs in order beyond its first capacity and starts afresh when taken", () => {
    const gaps = new TokenGaps(false, undefined, 2)
    for (let pair = 0; pair < 5; pair++) gaps.add(pair + 0.5, pair + 1, pair)
    const taken = gaps.take()
    assert.deepStrictEqual([...taken.gapsMs], [0.5, 1.5, 2.5, 3.5, 4.5])
    assert.deepStrictEqual([...taken.counts], [1, 2, 3, 4, 5])
    gaps.add(9, 9, 9)
    assert.deepStrictEqual([...gaps.take().gapsMs], [9])
    assert.lengthOf(gaps.take().counts, 0)
    // What was handed out stays as it was.
    assert.deepStrictEqual([...taken.gapsMs], [0.5, 1.5, 2.5, 3.5, 4.5])
  })

  it("counts equal gaps up, those of different times apart only where times matter", () => {
    const plain = new TokenGaps(false, undefined, 2)
    const timed = new TokenGaps(true, undefined, 2)
    for (const gaps of [plain, timed]) for (const tokenMs of [5, 5, 7, 7]) gaps.add(2, 3, tokenMs)
    const { counts, timesMs } = plain.take()
    assert.deepStrictEqual([...counts], [12])
    assert.isUndefined(timesMs)
    const taken = timed.take()
    assert.deepStrictEqual([...taken.counts], [6, 6])
    assert.deepStrictEqual([...(taken.timesMs ?? [])], [5, 7])
  })

  it("takes a row of emissions as if they came one by one", () => {
    const tokensMs = Float64Array.from([1, 3, 5, 6, 7, 7.25, 9.25])
    for (const isTimed of [false, true]) {
      const row = new TokenGaps(isTimed, undefined, 2)
      const single = new TokenGaps(isTimed, undefined, 2)
      row.addRow(2, tokensMs, 1, 7, 3)
      for (let index = 1; index < 7; index++) {
        const beforeMs = index === 1 ? 2 : tokensMs[index - 1]!
        single.add(tokensMs[index]! - beforeMs, 3, tokensMs[index]!)
      }
      assert.deepStrictEqual(row.take(), single.take())
    }
  })
})
