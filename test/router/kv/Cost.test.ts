import { assert, describe, it } from "@effect/vitest"
import { type CostWeights, decodeCost, prefillCost } from "../../../src/router/kv/Cost.ts"

const weights = (changes?: Partial<CostWeights>): CostWeights => ({
  blockTokens: 64,
  overlapScoreCredit: 1,
  overlapScoreCreditDecay: 0,
  prefillLoadScale: 1,
  trackPrefillTokens: true,
  ...changes
})

describe("cost", () => {
  it("is the whole prompt on an idle worker without overlap", () => {
    // 1000 / 64 blocks of prefill, 15 full blocks to hold.
    assert.strictEqual(prefillCost(weights(), 1000, 0, 0, 0) + decodeCost(0, 15, 0), 15.625 + 15)
  })

  it("adds queued prefill, takes off the overlap, and shares held blocks", () => {
    // (2048 + 1000) / 64 - 10 = 37.625; 300 held + 15 - 12 shared = 303
    assert.strictEqual(prefillCost(weights(), 1000, 2048, 0, 10) + decodeCost(300, 15, 12), 37.625 + 303)
  })

  it("never falls below zero", () => {
    assert.strictEqual(prefillCost(weights(), 64, 0, 0, 1), 0)
  })

  it("scales and credits as asked", () => {
    // 2.5 * (1000 / 64 - 0.5 * 10)
    assert.strictEqual(
      prefillCost(weights({ prefillLoadScale: 2.5, overlapScoreCredit: 0.5 }), 1000, 0, 0, 10),
      26.5625
    )
    assert.strictEqual(prefillCost(weights({ prefillLoadScale: 0 }), 1000, 9000, 0, 10), 0)
  })

  it("fades the credit with the load beyond the pool's least", () => {
    // excess 3200 / 64 = 50 blocks over a prompt of 16: decay 1 / (1 + 0.3 * 50 / 16)
    const decay = 1 / (1 + 0.3 * (50 / 16))
    const expected = (4200 + 1000) / 64 - 1 * decay * 10
    assert.strictEqual(prefillCost(weights({ overlapScoreCreditDecay: 0.3 }), 1000, 4200, 1000, 10), expected)
  })

  it("is nothing when prefill is not tracked", () => {
    const blind = weights({ trackPrefillTokens: false, overlapScoreCreditDecay: 1 })
    assert.strictEqual(prefillCost(blind, 1000, 0, 0, 10), 0)
  })
})
