/** Fits of functions whose least squares are known. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { leastSquares } from "../../src/compare/LeastSquares.ts"

const inputs = [0, 1, 2, 3, 4, 5]
const parameter = { start: 0.5, minimum: -10, maximum: 10, stride: 1 }
const over = (value: (x: number, index: number) => number): Float64Array => Float64Array.from(inputs, value)

describe("least squares", () => {
  it.effect("finds the parameters of a curve, whatever a few residuals that jumped say", () =>
    Effect.gen(function* () {
      const measured = inputs.map((x) => 2 * Math.exp(-0.7 * x) + 3 + (x === 4 ? 50 : 0))
      const fit = yield* leastSquares([parameter, parameter, parameter], ([a = 0, b = 0, c = 0]) =>
        Effect.succeed([
          {
            residuals: over((x, index) => a * Math.exp(-b * x) + c - measured[index]!),
            slopes: [over((x) => Math.exp(-b * x)), over((x) => -a * x * Math.exp(-b * x)), over(() => 1)]
          }
        ])
      )
      for (const [index, expected] of [2, 0.7, 3].entries()) assert.approximately(fit.point[index]!, expected, 1e-3)
      assert.deepStrictEqual(fit.undetermined, [])
    })
  )

  it.effect("keeps to the bounds, and leaves what makes no difference where it is", () =>
    Effect.gen(function* () {
      const fit = yield* leastSquares([{ ...parameter, maximum: 1 }, parameter], ([a = 0]) =>
        Effect.succeed([{ residuals: over((x) => a * x - 3 * x), slopes: [over((x) => x), over(() => 0)] }])
      )
      assert.deepStrictEqual(fit.point, [1, 0.5])
      assert.deepStrictEqual(fit.undetermined, [1])
    })
  )
})
