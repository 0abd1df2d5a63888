/**
 * Matrix products: latency of one weight shape (N, K) as a curve over the rows M of the activation.
 *
 * Shapes that were measured are read as they are; others are interpolated between the neighbouring N and K at every
 * measured M. Measurements below what the hardware can do are raised to that.
 */
import * as Effect from "effect/Effect"
import { AicError } from "./AicError.ts"
import { Curve } from "./Curve.ts"
import { Axis, type MeasuredRange } from "./MeasuredRange.ts"
import type { GemmOp } from "./Op.ts"
import { column, type PerfTables, type RowTable } from "./PerfTables.ts"
import { weightFormat } from "./QuantMode.ts"
import { allRows, rowAt, type Run, rowsWhere, runAt, runsOf, valuesIn } from "./RowRange.ts"
import { peakFlops, type SystemConstants } from "./SystemConstants.ts"

/** Lower bound of the latency, ms: arithmetic at peak, or moving the three matrices once. */
export const gemmFloorMs = (system: SystemConstants, quant: string, m: number, n: number, k: number): number =>
  Math.max(
    ((2 * m * n * k) / peakFlops(system, quant)) * 1000,
    ((weightFormat(quant).bytesPerElement * (m * n + m * k + n * k)) / system.memBandwidthBytesPerS) * 1000
  )

type FloorMs = (m: number, n: number, k: number) => number

interface Points {
  readonly xs: Float64Array
  readonly ys: Float64Array
}

/** Products that share N, by K; each K's rows are its M in ascending order. */
interface Columns extends Run {
  readonly byK: ReadonlyArray<Run>
}

/** What was measured, by N; and every M that occurs. */
interface Shapes {
  readonly byN: ReadonlyArray<Columns>
  readonly ms: Float64Array
}

/** What a column holds, in ascending order. */
const distinct = (values: Int32Array): Float64Array => {
  const found = new Set<number>()
  for (let row = 0; row < values.length; row++) found.add(values[row]!)
  return Float64Array.from(found).toSorted()
}

/** Shapes of a table, which many products of a model are read from. */
const shapesByTable = new WeakMap<RowTable, Shapes>()

const shapesOf = (table: RowTable): Shapes => {
  const known = shapesByTable.get(table)
  if (known !== undefined) return known
  const byN = runsOf(column(table, "n"), allRows(table)).map((rows) => ({
    ...rows,
    byK: runsOf(column(table, "k"), rows)
  }))
  const shapes = { byN, ms: distinct(column(table, "m")) }
  shapesByTable.set(table, shapes)
  return shapes
}

/** Of those runs that count, the last one at most at `x` and the next one, else the outermost two; `undefined` where only one counts. */
const neighbours = <R extends Run>(
  runs: ReadonlyArray<R>,
  x: number,
  counts: (run: R) => boolean
): readonly [lower: R, upper: R] | undefined => {
  let lower: R | undefined
  let upper: R | undefined
  for (const run of runs) {
    if (lower !== undefined && upper !== undefined && upper.value > x) break
    if (!counts(run)) continue
    lower = upper
    upper = run
  }
  return lower === undefined || upper === undefined ? undefined : [lower, upper]
}

/** Bilinear in (N, K) between what was measured at one M, or beyond the outermost two; `undefined` without two of each. */
const shapeLatency = (
  table: RowTable,
  byN: Shapes["byN"],
  floorMs: FloorMs,
  m: number,
  n: number,
  k: number
): number | undefined => {
  const ms = column(table, "m")
  const rowOf = ({ byK }: Columns, key: number): number => {
    const rows = runAt(byK, key)
    return rows === undefined ? -1 : rowAt(ms, rows, m)
  }
  const columns = neighbours(byN, n, ({ byK }) => byK.some((rows) => rowAt(ms, rows, m) >= 0))
  if (columns === undefined) return undefined
  const [lower, upper] = columns
  const shapes = neighbours(lower.byK, k, ({ value }) => rowOf(lower, value) >= 0 && rowOf(upper, value) >= 0)
  if (shapes === undefined) return undefined
  const [n0, n1] = [lower.value, upper.value]
  const [k0, k1] = [shapes[0].value, shapes[1].value]
  const latencyMs = (at: Columns, key: number): number =>
    Math.max(table.latencyMs[rowOf(at, key)]!, floorMs(m, at.value, key))
  return (
    (latencyMs(lower, k0) * (n1 - n) * (k1 - k)
      + latencyMs(lower, k1) * (n1 - n) * (k - k0)
      + latencyMs(upper, k0) * (n - n0) * (k1 - k)
      + latencyMs(upper, k1) * (n - n0) * (k - k0))
    / ((n1 - n0) * (k1 - k0))
  )
}

const interpolated = (table: RowTable, floorMs: FloorMs, n: number, k: number): Points => {
  const { byN, ms } = shapesOf(table)
  const ys = ms.map((m) => shapeLatency(table, byN, floorMs, m, n, k) ?? Number.NaN)
  return { xs: ms.filter((_, i) => !Number.isNaN(ys[i])), ys: ys.filter((y) => !Number.isNaN(y)) }
}

const measured = (table: RowTable, floorMs: FloorMs, n: number, k: number): Points => {
  const rows = rowsWhere(table, { n, k })
  const xs = valuesIn(column(table, "m"), rows)
  return { xs, ys: valuesIn(table.latencyMs, rows).map((ms, i) => Math.max(ms, floorMs(xs[i]!, n, k))) }
}

/** Latency in ms of an (M x K) by (K x N) product over M. */
export const gemmCurve = Effect.fnUntraced(function* (
  tables: PerfTables,
  system: SystemConstants,
  range: MeasuredRange,
  op: Pick<GemmOp, "quant" | "n" | "k" | "rows">
) {
  const table = yield* tables.section(`gemm/${op.quant}`)
  const floorMs = (m: number, n: number, k: number) => gemmFloorMs(system, op.quant, m, n, k)
  const own = measured(table, floorMs, op.n, op.k)
  const points = own.xs.length >= 2 ? own : interpolated(table, floorMs, op.n, op.k)
  if (points.xs.length === 0) {
    return yield* new AicError({
      where: tables.label,
      problem: `'gemm/${op.quant}' has no shapes around N=${op.n}, K=${op.k}`
    })
  }
  return new Curve(points.xs, points.ys, range, op.rows === "requests" ? Axis.requests : Axis.tokens)
})
