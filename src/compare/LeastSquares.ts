/**
 * Least squares of a simulation, whose residuals jump: a request that just misses a pass waits for the next.
 *
 * Gauss-Newton steps, each parameter within its bounds. Slopes are the simulation's own, with its schedule held still, because
 * differences of two simulations would be jumps and little else. Residuals far beyond the typical one belong to requests that
 * jumped: squares are reweighted (Cauchy's weights, as in Holland and Welsch 1977), for each kind of residual by its own typical size.
 */
import * as Effect from "effect/Effect"

export interface Parameter {
  readonly start: number
  readonly minimum: number
  readonly maximum: number
  /** The largest change in one step. */
  readonly stride: number
}

/** Residuals of one kind at a point, and per parameter their slopes. */
export interface Outlook {
  readonly residuals: Float64Array
  readonly slopes: ReadonlyArray<Float64Array>
}

export interface Fit {
  readonly point: ReadonlyArray<number>
  readonly calls: number
  /** Parameters without any slope: nothing can be said about them. */
  readonly undetermined: ReadonlyArray<number>
}

const mostSteps = 40
/** Residuals below this are none. */
const smallest = 1e-9
/** A step of less than this share of every stride ends the search. */
const smallStep = 1e-7

/** The point with the smallest typical residual on the way: a jump may make a good step look worse than it is. */
export const leastSquares = Effect.fnUntraced(function* <E, R>(
  parameters: ReadonlyArray<Parameter>,
  look: (point: ReadonlyArray<number>) => Effect.Effect<ReadonlyArray<Outlook>, E, R>
): Effect.fn.Return<Fit, E, R> {
  let point = parameters.map(({ start }) => start)
  let best = { point, typical: Infinity }
  let undetermined: ReadonlyArray<number> = []
  let calls = 0
  while (calls < mostSteps) {
    const kinds = yield* look(point)
    calls += 1
    const typical = kinds.reduce((product, { residuals }) => product * typicalOf(residuals), 1)
    if (typical < best.typical) best = { point, typical }
    undetermined = parameters.flatMap((_, index) => (kinds.every((kind) => isFlat(kind, index)) ? [index] : []))
    const change = solve(normalEquations(kinds, parameters.length))
    const next = point.map((value, index) => moved(value, change[index] ?? 0, parameters[index]))
    const small = next.every(
      (value, index) => Math.abs(value - (point[index] ?? 0)) <= smallStep * (parameters[index]?.stride ?? 1)
    )
    point = next
    if (small) break
  }
  return { point: best.point, calls, undetermined }
})

const isFlat = ({ slopes }: Outlook, parameter: number): boolean =>
  slopes[parameter]?.every((value) => value === 0) ?? true

const moved = (value: number, change: number, parameter: Parameter | undefined): number => {
  if (parameter === undefined) return value
  const { maximum, minimum, stride } = parameter
  return Math.min(maximum, Math.max(minimum, value + Math.min(stride, Math.max(-stride, change))))
}

/** Twice the median size of a residual, never quite 0: rounding is no information. */
const typicalOf = (residuals: Float64Array): number => {
  const sizes = residuals.map(Math.abs).toSorted()
  return Math.max(smallest, 2 * (sizes[Math.floor(sizes.length / 2)] ?? 0))
}

/** `JᵀWJ x = -JᵀWr`, as rows with the right-hand side at their end; what makes no difference stays where it is. */
const normalEquations = (kinds: ReadonlyArray<Outlook>, size: number): Array<Array<number>> => {
  const rows = Array.from({ length: size }, () => Array.from({ length: size + 1 }, () => 0))
  for (const { residuals, slopes } of kinds) {
    const typical = typicalOf(residuals)
    const weights = residuals.map((residual) => 1 / (typical ** 2 + residual ** 2))
    for (const [row, slope] of slopes.entries()) {
      const weighted = slope.map((value, index) => value * (weights[index] ?? 0))
      const products = [...slopes.map((other) => dot(weighted, other)), -dot(weighted, residuals)]
      rows[row] = (rows[row] ?? []).map((sum, column) => sum + (products[column] ?? 0))
    }
  }
  for (const [index, row] of rows.entries()) row[index] ||= 1
  return rows
}

const dot = (left: Float64Array, right: Float64Array): number =>
  left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0)

/** Gauss-Jordan elimination without pivots: the matrix is positive definite. */
const solve = (rows: Array<Array<number>>): ReadonlyArray<number> => {
  for (const [column, chosen] of rows.entries()) {
    for (const [row, other] of rows.entries()) {
      if (row === column) continue
      const factor = (other[column] ?? 0) / (chosen[column] || 1)
      for (let index = column; index < other.length; index++) {
        other[index] = (other[index] ?? 0) - factor * (chosen[index] ?? 0)
      }
    }
  }
  return rows.map((row, index) => (row.at(-1) ?? 0) / (row[index] || 1))
}
