import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import {
  lastOctet,
  wideCount,
  wideFrameOf,
  wideLeading,
  wideMemberOf,
  wideMembersFrom,
  wideRunLength,
  wideRunLengthBefore,
  wideSize
} from "../../src/structures/WideFrame.ts"

const int32 = Schema.Int.check(Schema.isBetween({ minimum: -0x80000000, maximum: 0x7fffffff }))

const membersOf = (mask: number): Array<number> =>
  Array.from({ length: wideSize }, (_, member) => member).filter((member) => ((mask >>> member) & 1) === 1)

/** Lengths of runs that make a list of keys, each with its first key. */
const runsOfKeys = Schema.Array(Schema.Struct({ first: Schema.Literals([-70, -33, 0, 5, 31, 64]), count: int32 }))

describe("a mask of a wide frame's members", () => {
  it.prop("counts, ends and leads like the set of its bits", [int32], ([mask]) => {
    for (const each of [mask, ~0, 0, mask | -0x80000000]) {
      const members = membersOf(each)
      assert.strictEqual(wideCount(each), members.length)
      if (each !== 0) assert.strictEqual(lastOctet(each), members.at(-1)! - (members.at(-1)! % 8))
      for (let first = 0; first < wideSize; first++) {
        let leading = 0
        while (members.includes(first + leading)) leading += 1
        assert.strictEqual(wideLeading(each, first), leading)
      }
    }
  })

  it("spans any run", () => {
    for (let first = 0; first < wideSize; first++) {
      for (let count = 1; first + count <= wideSize; count++) {
        const expected = Array.from({ length: count }, (_, index) => first + index)
        assert.deepStrictEqual(membersOf(wideMembersFrom(first, count)), expected)
      }
    }
  })

  it("takes keys apart, negative ones too", () => {
    for (const key of [0, 31, 32, 1_000_003, 0x7fffffff, -1, -32, -33, -0x80000000]) {
      assert.strictEqual(wideFrameOf(key) * wideSize + wideMemberOf(key), key)
      assert.isTrue(wideMemberOf(key) >= 0 && wideMemberOf(key) < wideSize)
    }
  })

  it.prop(
    "measures runs both ways up to the end of the frame, of the list and of the sequence",
    [runsOfKeys],
    ([parts]) => {
      const list = parts.flatMap(({ count, first }) =>
        Array.from({ length: 1 + (count & 63) }, (_, index) => first + index)
      )
      const keys = Int32Array.from(list)
      const follows = (at: number): boolean => keys[at] === keys[at - 1]! + 1 && wideMemberOf(keys[at]!) !== 0
      for (let from = 0; from < keys.length; from++) {
        let to = from + 1
        while (to < keys.length && follows(to)) to += 1
        assert.strictEqual(wideRunLength(keys, from, keys.length), to - from)
        assert.strictEqual(wideRunLength(keys, from, from + 1), 1)
        let start = from
        while (start > 0 && follows(start)) start -= 1
        assert.strictEqual(wideRunLengthBefore(keys, 0, from + 1), from + 1 - start)
        assert.strictEqual(wideRunLengthBefore(keys, from, from + 1), 1)
      }
    }
  )
})
