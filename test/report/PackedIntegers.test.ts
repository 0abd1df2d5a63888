import { assert, describe, it } from "@effect/vitest"
import { ByteWriter } from "hyparquet-writer"
import { writeRleBitPackedHybrid } from "hyparquet-writer/src/encoding.js"
import { packedIntegers } from "../../src/report/parquet/PackedIntegers.ts"
import { Pcg32 } from "../../src/structures/Pcg32.ts"

const packedByLibrary = (values: Int32Array, width: number): Uint8Array => {
  const bytes = new ByteWriter()
  writeRleBitPackedHybrid(bytes, values, width)
  return bytes.getBytes()
}

const random = new Pcg32(11)
const below = (limit: number): number => Math.floor((random.uint32() / 2 ** 32) * limit)

/** Runs of up to `longest` equal values, `width` bits each. */
const valuesInRuns = (length: number, longest: number, width: number): Int32Array => {
  const values = new Int32Array(length)
  for (let at = 0; at < length;) {
    const end = at + 1 + below(longest)
    values.fill(below(2 ** width), at, end)
    at = end
  }
  return values
}

describe("packed integers", () => {
  it("are those of the library, whatever repeats and how wide they are", () => {
    for (let round = 0; round < 400; round++) {
      const width = below(17)
      const values = valuesInRuns(below(300), 1 + below(40), width)
      assert.deepStrictEqual(packedIntegers(values, width), packedByLibrary(values, width))
    }
    const long = new Int32Array(40_000).fill(3)
    assert.deepStrictEqual(packedIntegers(long, 2), packedByLibrary(long, 2))
  })
})
