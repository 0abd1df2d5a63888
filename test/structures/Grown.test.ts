import { assert, describe, it } from "@effect/vitest"
import { grown } from "../../src/structures/Grown.ts"

describe("grown", () => {
  it("keeps the type and what is there, the rest 0", () => {
    assert.deepStrictEqual(grown(Int32Array.of(1, -2)), Int32Array.of(1, -2, 0, 0))
    assert.deepStrictEqual(grown(Uint32Array.of(0xffffffff), 3), Uint32Array.of(0xffffffff, 0, 0))
    assert.deepStrictEqual(grown(Uint8Array.of(255)), Uint8Array.of(255, 0))
    assert.deepStrictEqual(grown(Float64Array.of(0.1)), Float64Array.of(0.1, 0))
    assert.deepStrictEqual(grown(BigUint64Array.of(2n ** 60n)), BigUint64Array.of(2n ** 60n, 0n))
  })
})
