import { assert, describe, it } from "@effect/vitest"
import { closestName } from "../../src/settings/ClosestName.ts"
import { integerOf, numberOf } from "../../src/settings/NumberText.ts"

describe("numbers on the command line", () => {
  it("reads Python's integers", () => {
    assert.deepStrictEqual(["64", "+64", " 64 ", "6_4", "-3", "007", "9223372036854775807"].map(integerOf), [
      64,
      64,
      64,
      64,
      -3,
      7,
      2 ** 63
    ])
    assert.deepStrictEqual(
      ["", "two", "2.0", "1e3", "_6", "6_", "6__4", "0x10", "- 3"].map(integerOf),
      Array.from({ length: 9 }, () => undefined)
    )
  })

  it("reads Python's floats", () => {
    assert.deepStrictEqual(["1e0", "-.5", "5.", "1_0.5", "+2", "1E-3"].map(numberOf), [1, -0.5, 5, 10.5, 2, 0.001])
    assert.deepStrictEqual(["nan", "-inf", "Infinity", "+INF"].map(numberOf), [NaN, -Infinity, Infinity, Infinity])
    assert.deepStrictEqual(
      ["", ".", "fast", "1e", "0x1", "1,5"].map(numberOf),
      Array.from({ length: 6 }, () => undefined)
    )
  })
})

describe("closestName", () => {
  it("finds typing slips and nothing far away", () => {
    const names = ["num_gpu_blocks", "block_size", "dp_size"]
    assert.strictEqual(closestName("num_gpu_bloks", names), "num_gpu_blocks")
    assert.strictEqual(closestName("blokc_size", names), "block_size")
    assert.strictEqual(closestName("blocksize", names), "block_size")
    assert.strictEqual(closestName("foo", names), undefined)
  })

  it("finds the only one with the same words, in whatever order", () => {
    const names = ["router_temperature", "h100_sxm", "h200_sxm", "gh100", "p99_ttft_ms", "p99_itl_ms"]
    assert.strictEqual(closestName("temperature", names), "router_temperature")
    assert.strictEqual(closestName("H100", names), "h100_sxm")
    assert.strictEqual(closestName("ttft_p99", names), "p99_ttft_ms")
    assert.strictEqual(closestName("p99", names), undefined)
  })
})
