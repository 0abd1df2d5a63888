import { assert, describe, it } from "@effect/vitest"
import {
  frameOf,
  frameSize,
  lastOf,
  memberOf,
  membersFrom,
  runLength,
  runLengthBefore
} from "../../src/structures/FrameMask.ts"

const membersOf = (mask: number): Array<number> =>
  Array.from({ length: frameSize }, (_, member) => member).filter((member) => ((mask >> member) & 1) === 1)

describe("a mask of a frame's members", () => {
  it("ends like the set of its bits, every mask", () => {
    for (let mask = 0; mask < 256; mask++) {
      const members = membersOf(mask)
      assert.strictEqual(lastOf(mask), members.at(-1) ?? -1)
    }
  })

  it("spans any run", () => {
    for (let first = 0; first <= frameSize; first++) {
      for (let count = 0; first + count <= frameSize; count++) {
        assert.deepStrictEqual(
          membersOf(membersFrom(first, count)),
          Array.from({ length: count }, (_, i) => first + i)
        )
      }
    }
  })

  it("takes keys apart, negative ones too", () => {
    for (const key of [0, 7, 8, 1_000_003, 0x7fffffff, -1, -8, -9, -0x80000000]) {
      assert.strictEqual(frameOf(key) * frameSize + memberOf(key), key)
      assert.isTrue(memberOf(key) >= 0 && memberOf(key) < frameSize)
    }
  })

  it("measures runs up to the end of the frame, of the list and of the sequence", () => {
    const keys = Int32Array.of(6, 7, 8, 9, 10, 12, 3, -2, -1, 0, 1)
    const runs = Array.from(keys, (_, from) => runLength(keys, from, keys.length))
    assert.deepStrictEqual(runs, [2, 1, 3, 2, 1, 1, 1, 2, 1, 2, 1])
    const before = Array.from(keys, (_, last) => runLengthBefore(keys, 0, last + 1))
    assert.deepStrictEqual(before, [1, 2, 1, 2, 3, 1, 1, 1, 2, 1, 2])
    assert.strictEqual(runLength(keys, 2, 4), 2)
    assert.strictEqual(runLengthBefore(keys, 3, 5), 2)
    const whole = Int32Array.of(8, 9, 10, 11, 12, 13, 14, 15, 16)
    assert.strictEqual(runLength(whole, 0, 9), frameSize)
    assert.strictEqual(runLength(whole, 0, 7), 7)
    assert.strictEqual(runLengthBefore(whole, 0, 8), frameSize)
    assert.strictEqual(runLengthBefore(whole, 1, 8), 7)
    // A run that has one member only by its ends.
    for (let at = 1; at < 7; at++) {
      const broken = whole.slice()
      broken[at] = 99
      assert.strictEqual(runLength(broken, 0, 9), at)
      assert.strictEqual(runLengthBefore(broken, 0, 8), 7 - at)
    }
  })
})
