import { assert, describe, it } from "@effect/vitest"
import { predictorOf, type PredictorSettings } from "../../src/autoscaler/reference/Predictor.ts"

const kalman = { level: 1, trend: 0.1, measured: 10 }

const predictions = (settings: Partial<PredictorSettings>, values: ReadonlyArray<number>): ReadonlyArray<number> => {
  const predictor = predictorOf({ kind: "kalman", log1p: false, kalman, ...settings })
  return values.map((value) => {
    predictor.add(value)
    return predictor.predict()
  })
}

/** The textbook filter with matrices. */
const textbook = (values: ReadonlyArray<number>): ReadonlyArray<number> => {
  let [level, trend] = [values[0]!, 0]
  let p = [
    [1000, 0],
    [0, 1000]
  ]
  return values.map((value, index) => {
    if (index > 0) {
      const s = p[0]![0]! + kalman.measured
      const [k0, k1] = [p[0]![0]! / s, p[1]![0]! / s]
      const y = value - level
      ;[level, trend] = [level + k0 * y, trend + k1 * y]
      p = [
        [(1 - k0) * p[0]![0]!, (1 - k0) * p[0]![1]!],
        [p[1]![0]! - k1 * p[0]![0]!, p[1]![1]! - k1 * p[0]![1]!]
      ]
    }
    // F P F' + Q with F = [[1, 1], [0, 1]]
    p = [
      [p[0]![0]! + p[0]![1]! + p[1]![0]! + p[1]![1]! + kalman.level, p[0]![1]! + p[1]![1]!],
      [p[1]![0]! + p[1]![1]!, p[1]![1]! + kalman.trend]
    ]
    level += trend
    return level
  })
}

describe("predictors", () => {
  it("follow a trend like a Kalman filter of level and trend", () => {
    const values = [10, 12, 15, 14, 20, 26, 25, 40]
    const expected = textbook(values)
    predictions({}, values).forEach((value, index) => assert.closeTo(value, expected[index]!, 1e-9))
  })

  it("expect the last value again", () => {
    assert.deepStrictEqual(predictions({ kind: "constant" }, [3, 0, 7]), [3, 0, 7])
  })

  it("skip what comes before the first request", () => {
    assert.deepStrictEqual(predictions({}, [0, 0, 5]), [0, 0, 5])
  })

  it("never expect less than nothing on the logarithmic scale", () => {
    const falling = [1000, 500, 100, 10, 1, 0, 0, 0]
    assert.isTrue(predictions({ log1p: true }, falling).every((value) => value >= 0))
    assert.isTrue(predictions({}, falling).some((value) => value < 0))
  })
})
