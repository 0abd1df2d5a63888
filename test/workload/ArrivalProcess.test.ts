import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { arrivalProblem } from "../../src/workload/ArrivalProcess.ts"
import type { ArrivalProcess } from "../../src/workload/ArrivalProcess.ts"
import { planSynthetic } from "../../src/workload/SyntheticLoad.ts"

const startsOf = (arrivals: ArrivalProcess, turnsPerSession = 1, seed = 42) =>
  Effect.gen(function* () {
    const options = { inputTokens: 64, outputTokens: 1, requestCount: 20_000, blockTokens: 64, turnsPerSession, seed }
    const rows = yield* Stream.runCollect((yield* planSynthetic({ ...options, arrivals })).rows)
    return rows.flatMap((row) => row.timestampMs ?? [])
  })

const gapsOf = (starts: ReadonlyArray<number>) => starts.slice(1).map((start, i) => start - starts[i]!)

const variation = (values: ReadonlyArray<number>): { readonly mean: number; readonly cv: number } => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  return { mean, cv: Math.sqrt(variance) / mean }
}

describe("arrival processes", () => {
  it.effect("constant: equal gaps from 0", () =>
    Effect.gen(function* () {
      const starts = yield* startsOf({ process: "constant", requestsPerSecond: 50 })
      assert.deepStrictEqual(starts.slice(0, 4), [0, 20, 40, 60])
    })
  )

  it.effect("poisson: the rate, and as much variation as mean", () =>
    Effect.gen(function* () {
      const { cv, mean } = variation(gapsOf(yield* startsOf({ process: "poisson", requestsPerSecond: 50 })))
      assert.approximately(mean, 20, 0.8)
      assert.approximately(cv, 1, 0.05)
    })
  )

  for (const shape of [0.25, 4]) {
    it.effect(`gamma of shape ${shape}: the rate, and a variation of 1 / sqrt(shape)`, () =>
      Effect.gen(function* () {
        const starts = yield* startsOf({ process: "gamma", requestsPerSecond: 50, shape })
        const { cv, mean } = variation(gapsOf(starts))
        assert.approximately(mean, 20, 1.5)
        assert.approximately(cv, 1 / Math.sqrt(shape), 0.1)
      })
    )
  }

  it.effect("start sessions alike, and repeat with the seed", () =>
    Effect.gen(function* () {
      const arrivals: ArrivalProcess = { process: "poisson", requestsPerSecond: 50 }
      const starts = yield* startsOf(arrivals)
      assert.deepStrictEqual(yield* startsOf(arrivals, 2), starts)
      assert.notDeepEqual(yield* startsOf(arrivals, 1, 43), starts)
    })
  )

  it("are refused when their numbers are none", () => {
    for (const requestsPerSecond of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.include(
        arrivalProblem({ process: "poisson", requestsPerSecond })?.message,
        "request_rate: expected a number from"
      )
    }
    for (const shape of [0, -1, Number.NaN]) {
      assert.include(
        arrivalProblem({ process: "gamma", requestsPerSecond: 1, shape })?.message,
        "arrival_shape: expected a number from"
      )
    }
    assert.strictEqual(arrivalProblem({ process: "gamma", requestsPerSecond: 1, shape: 1 }), undefined)
  })
})
