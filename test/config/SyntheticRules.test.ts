import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import type { GivenSynthetic } from "../../src/config/GivenOptions.ts"
import { syntheticFlags } from "../../src/config/SyntheticFlags.ts"
import { rangeProblem } from "../../src/config/rules/InputRules.ts"
import { syntheticOf } from "../../src/config/rules/SyntheticRules.ts"

const least: GivenSynthetic = { inputTokens: 100, outputTokens: 10, requestCount: 5 }

const accepted = (given: GivenSynthetic) => Result.getOrThrow(syntheticOf({ ...least, ...given }))
const refused = (given: GivenSynthetic) => {
  const all = { ...least, ...given }
  const { hint, message } = rangeProblem(syntheticFlags, all) ?? Result.getOrThrow(Result.flip(syntheticOf(all)))
  return hint === undefined ? message : `${message}; ${hint}`
}

describe("synthetic load", () => {
  it("keeps to the interval unless gaps are drawn or a rate is given", () => {
    assert.strictEqual(accepted({}).arrivals, undefined)
    assert.strictEqual(accepted({ arrivalIntervalMs: 20 }).arrivals, undefined)
    assert.strictEqual(accepted({ arrivalIntervalMs: 20, arrivalProcess: "constant" }).arrivals, undefined)
    assert.strictEqual(accepted({ arrivalProcess: "constant" }).arrivals, undefined)
  })

  it("draws exponential gaps for a rate, unless another process is named", () => {
    assert.deepStrictEqual(accepted({ requestRate: 4 }).arrivals, { process: "poisson", requestsPerSecond: 4 })
    assert.deepStrictEqual(accepted({ requestRate: 4, arrivalProcess: "constant" }).arrivals, {
      process: "constant",
      requestsPerSecond: 4
    })
    assert.deepStrictEqual(accepted({ requestRate: 4, arrivalProcess: "gamma", arrivalShape: 0.5 }).arrivals, {
      process: "gamma",
      requestsPerSecond: 4,
      shape: 0.5
    })
  })

  it("takes the interval as the mean of drawn gaps", () => {
    assert.deepStrictEqual(accepted({ arrivalIntervalMs: 50, arrivalProcess: "poisson" }).arrivals, {
      process: "poisson",
      requestsPerSecond: 20
    })
  })

  it("passes drawn lengths on", () => {
    const inputTokens = { distribution: "uniform", low: 3, high: 9 } as const
    assert.deepStrictEqual(accepted({ inputTokens }).inputTokens, inputTokens)
  })

  const cases: ReadonlyArray<readonly [GivenSynthetic, RegExp]> = [
    [{ requestRate: 4, arrivalIntervalMs: 20 }, /^--request-rate: cannot be combined with --arrival-interval-ms; /],
    [{ requestRate: 0 }, /^--request-rate: expected a number from 1e-6 to 1e9, got 0$/],
    [{ requestRate: Number.NaN }, /^--request-rate: .*got NaN$/],
    [{ requestRate: Infinity }, /^--request-rate: .*got Infinity$/],
    [
      { arrivalProcess: "poisson" },
      /^--request-rate: is missing; --arrival-process poisson needs it, or --arrival-interval-ms$/
    ],
    [
      { arrivalProcess: "poisson", arrivalIntervalMs: 0 },
      /^--arrival-interval-ms: cannot be the mean of drawn gaps, got 0; /
    ],
    [
      { arrivalProcess: "poisson", arrivalIntervalMs: -1 },
      /^--arrival-interval-ms: expected a number from 0 to 1e12, got -1$/
    ],
    [{ requestRate: 4, arrivalShape: 2 }, /^--arrival-shape: is only for --arrival-process gamma$/],
    [{ requestRate: 4, arrivalProcess: "gamma" }, /^--arrival-shape: is missing; gamma gaps need it/],
    [
      { requestRate: 4, arrivalProcess: "gamma", arrivalShape: 0 },
      /^--arrival-shape: expected a number from 0.01 to 1000000, got 0$/
    ],
    [{ inputTokens: { distribution: "uniform", low: 9, high: 3 } }, /^--input-tokens: uniform:LOW,HIGH .*got 9,3$/],
    [
      { outputTokens: { distribution: "lognormal", mean: 0.5, sigma: 1 } },
      /^--output-tokens: lognormal:MEAN,SIGMA .*got 0\.5,1$/
    ],
    [
      { outputTokens: { distribution: "lognormal", mean: 5, sigma: 9 } },
      /^--output-tokens: lognormal:MEAN,SIGMA .*got 5,9$/
    ]
  ]
  for (const [given, expected] of cases) {
    it(`refuses ${JSON.stringify(given)}`, () => assert.match(refused(given), expected))
  }
})
