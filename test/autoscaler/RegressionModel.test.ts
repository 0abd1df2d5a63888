import { assert, describe, it } from "@effect/vitest"
import type { PassObservation } from "../../src/autoscaler/Autoscaler.ts"
import { clampOne, clampTwo } from "../../src/autoscaler/reference/Budget.ts"
import { RegressionModel } from "../../src/autoscaler/reference/RegressionModel.ts"
import { leastSquares } from "../../src/autoscaler/reference/LeastSquares.ts"
import { SampleStore } from "../../src/autoscaler/reference/SampleStore.ts"

const limits = { most: 64, cells: 16, fewest: 5 }

const pass = (prefillTokens: number, decodeRequests: number, decodeKvTokens: number, ms: number): PassObservation => ({
  workerIndex: 0,
  startMs: 0,
  endMs: ms,
  prefillRequests: prefillTokens > 0 ? 1 : 0,
  prefillTokens,
  decodeRequests,
  decodeKvTokens,
  kvShare: 0,
  queuedPrefillRequests: 0,
  queuedPrefillTokens: 0,
  queuedDecodeRequests: 0,
  queuedDecodeKvTokens: 0
})

describe("the latency model of the planner", () => {
  it("finds the line that passes lie on", () => {
    const model = new RegressionModel(limits)
    for (let size = 1; size <= 10; size++) {
      model.learn(pass(size * 100, 0, 0, 5 + size * 2))
      model.learn(pass(0, size, size * size * 50, 3 + size + size * size * 0.5))
      model.learn(pass(size * 100, 2, size * size * 50, 1 + size + size * size * 0.05))
    }
    assert.closeTo(model.prefillMs(2000)!, 45, 1e-6)
    assert.closeTo(model.decodeMs({ requests: 20, kvTokens: 1000 })!, 3 + 20 + 10, 1e-6)
    assert.closeTo(model.mixedMs(500, { requests: 3, kvTokens: 1000 })!, 1 + 5 + 1, 1e-6)
  })

  it("knows nothing from too few passes, and nothing from times that fall with work", () => {
    const model = new RegressionModel(limits)
    for (let size = 1; size <= 4; size++) model.learn(pass(size, 0, 0, size))
    assert.isFalse(model.isReady)
    model.learn(pass(5, 0, 0, 5))
    assert.isTrue(model.isReady)
    const falling = new RegressionModel(limits)
    for (let size = 1; size <= 6; size++) falling.learn(pass(size, 0, 0, 10 - size))
    assert.isUndefined(falling.prefillMs(3))
  })

  it("forgets the oldest pass of the most crowded cell", () => {
    const store = new SampleStore({ most: 5, cells: 4, fewest: 2 })
    // One far off to the right; the cell on the left fills with a line of another slope, whose oldest sample is wrong.
    store.add([100], 100)
    store.add([1], 1000)
    for (const x of [2, 3, 4, 5]) store.add([x], x)
    const [base, slope] = store.coefficients()!
    assert.closeTo(base!, 0, 1e-6)
    assert.closeTo(slope!, 1, 1e-6)
  })

  it("holds slopes down where samples do not tell them apart", () => {
    const found = leastSquares(
      [
        [1, 1],
        [2, 2],
        [3, 3]
      ],
      [2, 4, 6]
    )!
    assert.closeTo(found[1]! + found[2]!, 2, 1e-3)
  })
})

describe("the planner's budget", () => {
  const budget = { most: 6, fewest: 4, perPool: 1 }

  it("holds the total of one pool within its bounds, one below the lower one tolerated", () => {
    assert.deepStrictEqual(
      [2, 3, 4, 6, 7].map((workers) => clampOne(budget, workers)),
      [4, 3, 4, 6, 6]
    )
    assert.strictEqual(clampOne({ ...budget, most: -1 }, 3), 4)
    assert.strictEqual(clampOne({ ...budget, most: -1, fewest: -1 }, 99), 99)
  })

  it("shrinks and grows two pools in proportion", () => {
    assert.deepStrictEqual(clampTwo({ ...budget, fewest: 5 }, 1, 1), [3, 2])
    assert.deepStrictEqual(clampTwo(budget, 6, 3), [4, 2])
    assert.deepStrictEqual(clampTwo(budget, 1, 9), [1, 5])
    assert.deepStrictEqual(clampTwo({ ...budget, perPool: 3, fewest: 6 }, 1, 1), [3, 3])
  })
})
