import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { readNpy } from "../../../src/timing/npz/NpyArray.ts"
import { doubles, npy } from "./NpyWriter.ts"

const Size = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 7 }))
const Numbers = Schema.Array(Schema.Number).check(Schema.isMinLength(49), Schema.isMaxLength(49))

const problem = (bytes: Uint8Array): string =>
  Result.match(readNpy(bytes), { onSuccess: () => "", onFailure: (found) => found })

describe("readNpy", () => {
  it.prop(
    "reads back what was written, in either order and every version",
    [Size, Size, Numbers, Schema.Literals([1, 2, 3])],
    ([rows, columns, numbers, version]) => {
      const rowMajor = numbers.slice(0, rows * columns)
      const columnMajor = rowMajor.map((_, i) => rowMajor[(i % rows) * columns + Math.floor(i / rows)]!)
      const c = readNpy(npy({ shape: [rows, columns], data: doubles(rowMajor), version }))
      const fortran = readNpy(npy({ shape: [rows, columns], data: doubles(columnMajor), fortranOrder: true, version }))
      const flat = readNpy(npy({ shape: [rowMajor.length], data: doubles(rowMajor), version }))
      const expected = Float64Array.from(rowMajor)
      assert.deepStrictEqual(c, Result.succeed({ shape: [rows, columns], values: expected }))
      assert.deepStrictEqual(fortran, Result.succeed({ shape: [rows, columns], values: expected }))
      assert.deepStrictEqual(flat, Result.succeed({ shape: [rowMajor.length], values: expected }))
    }
  )

  it("does not depend on where in a buffer the bytes start", () => {
    const bytes = npy({ shape: [2], data: doubles([1, 2]) })
    const shifted = new Uint8Array(bytes.length + 5)
    shifted.set(bytes, 5)
    assert.deepStrictEqual(readNpy(shifted.subarray(5)), readNpy(bytes))
  })

  it("refuses other types, shapes and sizes, saying which", () => {
    const data = doubles([1, 2])
    assert.include(problem(npy({ dtype: "<f4", shape: [4], data })), "holds '<f4'")
    assert.include(problem(npy({ dtype: "<i8", shape: [2], data })), "holds '<i8'")
    assert.include(problem(npy({ dtype: ">f8", shape: [2], data })), "holds '>f8'")
    assert.include(problem(npy({ shape: [3], data })), "16 bytes of numbers where its shape (3) needs 24")
    assert.include(problem(npy({ shape: [1], data })), "16 bytes of numbers where its shape (1) needs 8")
    assert.include(problem(npy({ shape: [1, 1, 2], data })), "1 or 2 dimensions, has 3")
    assert.include(problem(npy({ shape: [], data: doubles([1]) })), "1 or 2 dimensions, has 0")
  })

  it("refuses what is no array", () => {
    const whole = npy({ shape: [2], data: doubles([1, 2]) })
    assert.include(problem(new Uint8Array(0)), "not a .npy array")
    assert.include(problem(new TextEncoder().encode("prefill_isl,1,2,3")), "not a .npy array")
    assert.include(problem(whole.subarray(0, 40)), "cut off")
    assert.include(problem(whole.with(6, 9)), "version 9")
    const list = npy({ dtype: "x', 'y", shape: [2], data: doubles([1, 2]) })
    assert.notStrictEqual(problem(list), "")
  })
})
