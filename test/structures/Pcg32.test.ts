import { assert, describe, it } from "@effect/vitest"
import { Pcg32 } from "../../src/structures/Pcg32.ts"

describe("Pcg32", () => {
  it("reproduces the first numbers of the author's demo (seed 42, stream 54)", () => {
    const random = new Pcg32(42, 54)
    const drawn = Array.from({ length: 6 }, () => random.uint32())
    assert.deepStrictEqual(drawn, [0xa15c02b7, 0x7b47f409, 0xba1d3330, 0x83d2f293, 0xbfa4784b, 0xcbed606e])
  })

  it("agrees with 64-bit arithmetic over many draws and large seeds", () => {
    const mask = (1n << 64n) - 1n
    const seed = 0xfedc_ba98_7654_3210n
    const increment = ((0x8000_0000_0000_0001n << 1n) | 1n) & mask
    let state = (seed + increment) & mask
    const step = () => {
      state = (state * 6364136223846793005n + increment) & mask
    }
    step()
    const random = new Pcg32(seed, 0x8000_0000_0000_0001n)
    for (let i = 0; i < 10_000; i++) {
      const folded = Number((((state >> 18n) ^ state) >> 27n) & 0xffff_ffffn)
      const turns = Number(state >> 59n)
      step()
      assert.strictEqual(random.uint32(), ((folded >>> turns) | (folded << (-turns & 31))) >>> 0)
    }
  })

  it("draws bounded numbers evenly", () => {
    const random = new Pcg32(7)
    const seen = new Float64Array(6)
    for (let i = 0; i < 60_000; i++) seen[random.below(6)]! += 1
    for (const count of seen) assert.closeTo(count, 10_000, 450)
  })

  it("draws from [0, 1) with mean one half", () => {
    const random = new Pcg32(7)
    let sum = 0
    for (let i = 0; i < 50_000; i++) {
      const draw = random.unit()
      assert.isTrue(draw >= 0 && draw < 1)
      sum += draw
    }
    assert.closeTo(sum / 50_000, 0.5, 0.006)
  })

  it("differs between streams of one seed", () => {
    const a = new Pcg32(1, 0)
    const b = new Pcg32(1, 1)
    assert.notDeepEqual([a.uint32(), a.uint32()], [b.uint32(), b.uint32()])
  })
})
