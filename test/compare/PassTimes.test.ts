/** What passes are made of, between any two instants. */
import { assert, describe, it } from "@effect/vitest"
import { PassTimes } from "../../src/compare/PassTimes.ts"

describe("the time that passes take", () => {
  const times = new PassTimes(1)
  times.add(10, 16, 20) // 1 overhead, 5 prefill, 4 decode
  times.add(20, 20, 23) // 1 overhead, 2 decode
  times.add(23, 23, 23) // nothing
  times.add(30, 30, 40) // 1 overhead, 9 decode

  it("is summed up by part, without the overhead, passes cut in proportion", () => {
    assert.deepStrictEqual(times.between(0, 50), { prefillMs: 5, decodeMs: 15, passes: 3 })
    assert.deepStrictEqual(times.between(20, 23), { prefillMs: 0, decodeMs: 2, passes: 1 })
    assert.deepStrictEqual(times.between(15, 20), { prefillMs: 2.5, decodeMs: 2, passes: 0.5 })
    assert.deepStrictEqual(times.between(24, 29), { prefillMs: 0, decodeMs: 0, passes: 0 })
  })

  it("is counted from the last idle moment", () => {
    assert.deepStrictEqual(times.sinceIdle(23), { prefillMs: 5, decodeMs: 6, passes: 2 })
    assert.deepStrictEqual(times.sinceIdle(35), { prefillMs: 0, decodeMs: 4.5, passes: 0.5 })
    assert.deepStrictEqual(times.sinceIdle(5), { prefillMs: 0, decodeMs: 0, passes: 0 })
  })
})
