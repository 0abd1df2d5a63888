import { assert, describe, it } from "@effect/vitest"
import { readRleBitPackedHybrid } from "hyparquet/src/encoding.js"
import { IntegerPacker, mostPackedBytes } from "../../src/report/parquet/PackedIntegers.ts"
import { Pcg32 } from "../../src/structures/Pcg32.ts"

/** Does not belong to what is packed. */
const mark = 0xa5
const start = 3

/** What hyparquet reads from bytes that `pack` writes, of which there may be so many. */
const readBack = (
  length: number,
  width: number,
  mostBytes: number,
  pack: (packer: IntegerPacker) => void
): ReadonlyArray<number> => {
  const bytes = new Uint8Array(start + mostBytes + 1).fill(mark)
  const packer = new IntegerPacker(bytes, start, width)
  pack(packer)
  const { end } = packer
  assert.isAtMost(end - start, mostBytes)
  assert.deepStrictEqual([bytes[start - 1], bytes[end]], [mark, mark])
  const read = Array.from({ length }, () => -1)
  readRleBitPackedHybrid({ view: new DataView(bytes.buffer, 0, end), offset: start }, width, read, end - start)
  return read
}

const packedAndRead = (values: Uint16Array, width: number): ReadonlyArray<number> =>
  readBack(values.length, width, mostPackedBytes(values.length, width), (packer) => packer.pack(values))

const random = new Pcg32(11)
const below = (limit: number): number => Math.floor((random.uint32() / 2 ** 32) * limit)

/** Runs of up to `longest` equal values, `width` bits each. */
const valuesInRuns = (length: number, longest: number, width: number): Uint16Array => {
  const values = new Uint16Array(length)
  for (let at = 0; at < length;) {
    const end = at + 1 + below(longest)
    values.fill(below(2 ** width), at, end)
    at = end
  }
  return values
}

describe("packed integers", () => {
  it("are read as they were, whatever repeats and how wide they are", () => {
    for (let round = 0; round < 400; round++) {
      const width = below(17)
      const values = valuesInRuns(below(1500), 1 + below(40), width)
      assert.deepStrictEqual(packedAndRead(values, width), [...values])
    }
  })

  it("take least where many are equal", () => {
    const long = new Uint16Array(40_000).fill(300)
    assert.deepStrictEqual(packedAndRead(long, 9), [...long])
    const packer = new IntegerPacker(new Uint8Array(mostPackedBytes(long.length, 9)), 0, 9)
    packer.pack(long)
    assert.strictEqual(packer.end, 5)
    assert.deepStrictEqual(
      readBack(long.length, 9, 5, (other) => other.run(long.length, 300)),
      [...long]
    )
  })

  it("are taken over where they are bits already", () => {
    const bits = Uint8Array.from({ length: 1000 }, () => below(256))
    for (const length of [1, 8, 7999]) {
      const values = Array.from({ length }, (_, at) => (bits[at >> 3]! >> (at & 7)) & 1)
      assert.deepStrictEqual(
        readBack(length, 1, 2 + bits.length, (packer) => packer.bits(bits, length)),
        values
      )
    }
  })
})
