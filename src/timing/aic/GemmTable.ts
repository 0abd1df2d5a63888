/**
 * Matrix products: latency of one weight shape (N, K) as a curve over the rows M of the activation.
 *
 * Shapes that were measured are read as they are; others are interpolated between the neighbouring N and K at every
 * measured M. Measurements below what the hardware can do are raised to that.
 */
import * as Effect from "effect/Effect"
import { segmentOf } from "../Segment.ts"
import { AicError } from "./AicError.ts"
import { Curve } from "./Curve.ts"
import { Axis, type MeasuredRange } from "./MeasuredRange.ts"
import type { GemmOp } from "./Op.ts"
import { column, type PerfTables, type RowTable, rowsWhere } from "./PerfTables.ts"
import { weightFormat } from "./QuantMode.ts"
import { peakFlops, type SystemConstants } from "./SystemConstants.ts"

/** Lower bound of the latency, ms: arithmetic at peak, or moving the three matrices once. */
export const gemmFloorMs = (system: SystemConstants, quant: string, m: number, n: number, k: number): number =>
  Math.max(
    ((2 * m * n * k) / peakFlops(system, quant)) * 1000,
    ((weightFormat(quant).bytesPerElement * (m * n + m * k + n * k)) / system.memBandwidthBytesPerS) * 1000
  )

interface Points {
  readonly xs: Float64Array
  readonly ys: Float64Array
}

/** The products measured at one M: rows of the table by K by N, both ascending. */
interface Slice {
  readonly m: number
  readonly rows: Map<number, Map<number, number>>
}

/** Slices of a table, which many shapes of a model are read from. */
const sliced = new WeakMap<RowTable, ReadonlyArray<Slice>>()

const slices = (table: RowTable): ReadonlyArray<Slice> => {
  const known = sliced.get(table)
  if (known !== undefined) return known
  const [ns, ks, ms] = [column(table, "n"), column(table, "k"), column(table, "m")]
  const byM = new Map<number, Slice>()
  for (let row = 0; row < table.rows; row++) {
    const [m, n] = [ms[row]!, ns[row]!]
    const { rows } = byM.get(m) ?? { rows: new Map<number, Map<number, number>>() }
    byM.set(m, { m, rows })
    const byK = rows.get(n) ?? new Map<number, number>()
    rows.set(n, byK.set(ks[row]!, row))
  }
  const made = [...byM.values()].toSorted((a, b) => a.m - b.m)
  sliced.set(table, made)
  return made
}

/** Bilinear in (N, K) between measured neighbours, or beyond the outermost two; `undefined` without two of each. */
const shapeLatency = (
  { rows }: Slice,
  n: number,
  k: number,
  latencyMs: (row: number, n: number, k: number) => number
): number | undefined => {
  const ns = Float64Array.from(rows.keys())
  if (ns.length < 2) return undefined
  const i = segmentOf(ns, n)
  const [n0, n1] = [ns[i]!, ns[i + 1]!]
  const [lower, upper] = [rows.get(n0)!, rows.get(n1)!]
  const ks = Float64Array.from([...lower.keys()].filter((candidate) => upper.has(candidate)))
  if (ks.length < 2) return undefined
  const j = segmentOf(ks, k)
  const [k0, k1] = [ks[j]!, ks[j + 1]!]
  return (
    (latencyMs(lower.get(k0)!, n0, k0) * (n1 - n) * (k1 - k)
      + latencyMs(lower.get(k1)!, n0, k1) * (n1 - n) * (k - k0)
      + latencyMs(upper.get(k0)!, n1, k0) * (n - n0) * (k1 - k)
      + latencyMs(upper.get(k1)!, n1, k1) * (n - n0) * (k - k0))
    / ((n1 - n0) * (k1 - k0))
  )
}

const interpolated = (table: RowTable, floorMs: (m: number, n: number, k: number) => number, n: number, k: number) => {
  const points: Array<readonly [number, number]> = []
  for (const slice of slices(table)) {
    const latencyMs = (row: number, rowN: number, rowK: number): number =>
      Math.max(table.latencyMs[row]!, floorMs(slice.m, rowN, rowK))
    const ms = shapeLatency(slice, n, k, latencyMs)
    if (ms !== undefined) points.push([slice.m, ms])
  }
  return { xs: Float64Array.from(points, ([m]) => m), ys: Float64Array.from(points, ([, ms]) => ms) }
}

const measured = (
  table: RowTable,
  floorMs: (m: number, n: number, k: number) => number,
  n: number,
  k: number
): Points => {
  const rows = rowsWhere(table, { n, k })
  const ms = column(table, "m")
  return {
    xs: Float64Array.from(rows, (row) => ms[row]!),
    ys: Float64Array.from(rows, (row) => Math.max(table.latencyMs[row]!, floorMs(ms[row]!, n, k)))
  }
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
