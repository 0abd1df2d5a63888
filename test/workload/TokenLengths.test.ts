import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Pcg32 } from "../../src/structures/Pcg32.ts"
import { planSynthetic } from "../../src/workload/SyntheticLoad.ts"
import { lengthSampler, tokenLengths } from "../../src/workload/TokenLengths.ts"
import { settingProblem } from "../../src/workload/WorkloadError.ts"
import type { TokenLengths } from "../../src/workload/TokenLengths.ts"

const drawn = (lengths: TokenLengths, count: number) => {
  const next = lengthSampler(lengths, new Pcg32(5))
  return Array.from({ length: count }, next)
}

describe("token lengths", () => {
  it("are uniform over both bounds", () => {
    const counts = new Map<number, number>()
    for (const length of drawn({ distribution: "uniform", low: 3, high: 6 }, 40_000)) {
      counts.set(length, (counts.get(length) ?? 0) + 1)
    }
    assert.deepStrictEqual([...counts.keys()].toSorted(), [3, 4, 5, 6])
    for (const count of counts.values()) assert.approximately(count, 10_000, 500)
  })

  it("are lognormal with the mean of the lengths and the deviation of their logarithm", () => {
    const lengths = drawn({ distribution: "lognormal", mean: 512, sigma: 0.8 }, 100_000)
    const mean = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0) / values.length
    assert.approximately(mean(lengths), 512, 10)
    const logs = lengths.map(Math.log)
    const center = mean(logs)
    assert.approximately(Math.sqrt(mean(logs.map((log) => (log - center) ** 2))), 0.8, 0.01)
    for (const length of lengths) assert.isTrue(Number.isInteger(length) && length >= 1)
    assert.deepStrictEqual(drawn({ distribution: "lognormal", mean: 40, sigma: 0 }, 2), [40, 40])
  })

  it("are refused when they are none", () => {
    const refused: ReadonlyArray<readonly [TokenLengths, string]> = [
      [0, "input_tokens: expected an integer from 1 to 2147483647, uniform:LOW,HIGH or lognormal:MEAN,SIGMA, got 0"],
      [
        { distribution: "uniform", low: 0, high: 5 },
        "input_tokens: uniform:LOW,HIGH must be integers with 1 <= LOW <= HIGH"
      ],
      [{ distribution: "uniform", low: 6, high: 5 }, "got 6,5"],
      [{ distribution: "uniform", low: 1.5, high: 5 }, "got 1.5,5"],
      [
        { distribution: "lognormal", mean: 0.5, sigma: 1 },
        "input_tokens: lognormal:MEAN,SIGMA must have a mean from 1"
      ],
      [{ distribution: "lognormal", mean: 5, sigma: Number.NaN }, "got 5,NaN"]
    ]
    for (const [lengths, message] of refused)
      assert.include(settingProblem("input_tokens", tokenLengths, lengths)?.message, message)
  })

  it.effect("make rows whose prompts and outputs vary, each from a stream of its own", () =>
    Effect.gen(function* () {
      const rowsOf = (outputTokens: TokenLengths) =>
        Effect.flatMap(
          planSynthetic({
            inputTokens: { distribution: "uniform", low: 1, high: 500 },
            outputTokens,
            requestCount: 200,
            blockTokens: 64,
            prefixGroups: 2,
            sharedPrefixRatio: 0.5
          }),
          (plan) => Stream.runCollect(plan.rows)
        )
      const rows = yield* rowsOf({ distribution: "lognormal", mean: 30, sigma: 1 })
      assert.isAbove(new Set(rows.map((row) => row.promptTokens)).size, 100)
      assert.isAbove(new Set(rows.map((row) => row.outputTokens)).size, 20)
      for (const row of rows) {
        const blocks = Math.ceil(row.promptTokens / 64)
        const shared = Array.from(row.hashIds).filter((id) => id < 2).length
        assert.deepStrictEqual([row.hashIds.length, shared], [blocks, Math.round(blocks / 2)])
      }
      const fixed = yield* rowsOf(9)
      assert.deepStrictEqual(
        fixed.map((row) => row.promptTokens),
        rows.map((row) => row.promptTokens)
      )
    })
  )
})
