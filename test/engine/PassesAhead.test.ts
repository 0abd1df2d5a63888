import { assert, describe, it } from "@effect/vitest"
import { PassesAhead } from "../../src/engine/PassesAhead.ts"

/** A pass that ended at 10 ms, and three ahead that end at 12, 15 and 20 ms. */
const three = (): PassesAhead => {
  const ahead = new PassesAhead()
  ahead.begin(10)
  ahead.reserve(3).set([12, 15, 20])
  ahead.count = 3
  return ahead
}

const kept = (nowMs: number, ended: boolean): readonly [count: number, endMs: number] => {
  const ahead = three()
  ahead.keep(nowMs, ended)
  return [ahead.count, ahead.endMs]
}

describe("PassesAhead", () => {
  it("knows where its last pass starts and ends", () => {
    const ahead = three()
    assert.deepStrictEqual([ahead.count, ahead.startMs, ahead.endMs], [3, 15, 20])
  })

  it("keeps the pass under way and takes back those behind it", () => {
    assert.deepStrictEqual(kept(9, false), [0, 10])
    assert.deepStrictEqual(kept(11, false), [1, 12])
    assert.deepStrictEqual(kept(14.9, true), [2, 15])
    assert.deepStrictEqual(kept(19, true), [3, 20])
    assert.deepStrictEqual(kept(25, true), [3, 20])
  })

  it("begins no pass at the very moment, unless that has been done", () => {
    assert.deepStrictEqual(kept(10, true), [0, 10])
    assert.deepStrictEqual(kept(10, false), [1, 12])
    assert.deepStrictEqual(kept(15, true), [2, 15])
    assert.deepStrictEqual(kept(15, false), [3, 20])
  })

  it("grows, and starts anew", () => {
    const ahead = new PassesAhead()
    ahead.begin(0)
    ahead.reserve(100).set(Array.from({ length: 100 }, (_, pass) => pass + 1))
    ahead.count = 100
    assert.deepStrictEqual([ahead.count, ahead.startMs, ahead.endMs], [100, 99, 100])
    ahead.begin(100)
    assert.deepStrictEqual([ahead.count, ahead.startMs, ahead.endMs], [0, 100, 100])
  })
})
