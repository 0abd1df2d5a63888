import { assert, describe, it } from "@effect/vitest"
import {
  frameOf,
  frameSize,
  lastOf,
  leadingMembers,
  memberCount,
  memberOf,
  membersFrom,
  runLength
} from "../../src/structures/FrameMask.ts"

const membersOf = (mask: number): Array<number> =>
  Array.from({ length: frameSize }, (_, member) => member).filter((member) => ((mask >> member) & 1) === 1)

describe("a mask of a frame's members", () => {
  it("counts, ends and leads like the set of its bits, every mask", () => {
    for (let mask = 0; mask < 256; mask++) {
      const members = membersOf(mask)
      assert.strictEqual(memberCount(mask), members.length)
      assert.strictEqual(lastOf(mask), members.at(-1) ?? -1)
      for (let first = 0; first < frameSize; first++) {
        let leading = 0
        while (members.includes(first + leading)) leading += 1
        assert.strictEqual(leadingMembers(mask, first), leading)
      }
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
    assert.strictEqual(runLength(keys, 2, 4), 2)
    assert.strictEqual(runLength(Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8), 0, 9), frameSize)
  })
})
