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

/** Latencies by (N, K) at one M: N ascending, K ascending within. */
interface Slice {
  readonly m: number
  readonly ns: Array<number>
  readonly ks: Array<number>
  readonly ms: Array<number>
}

const slices = (table: RowTable, floorMs: (m: number, n: number, k: number) => number): ReadonlyArray<Slice> => {
  const [ns, ks, rowsM] = [column(table, "n"), column(table, "k"), column(table, "m")]
  const byM = new Map<number, Slice>()
  for (let row = 0; row < table.rows; row++) {
    const m = rowsM[row]!
    const slice = byM.get(m) ?? { m, ns: [], ks: [], ms: [] }
    byM.set(m, slice)
    slice.ns.push(ns[row]!)
    slice.ks.push(ks[row]!)
    slice.ms.push(Math.max(table.latencyMs[row]!, floorMs(m, ns[row]!, ks[row]!)))
  }
  return [...byM.values()].toSorted((a, b) => a.m - b.m)
}

/** Latency by K of the products with this N. */
const byK = (slice: Slice, n: number): ReadonlyMap<number, number> => {
  const found = new Map<number, number>()
  for (let i = slice.ns.indexOf(n); i < slice.ns.length && slice.ns[i] === n; i++) {
    found.set(slice.ks[i]!, slice.ms[i]!)
  }
  return found
}

/** Bilinear in (N, K) between measured neighbours, or beyond the outermost two; `undefined` without two of each. */
const shapeLatency = (slice: Slice, n: number, k: number): number | undefined => {
  const ns = Float64Array.from(new Set(slice.ns))
  if (ns.length < 2) return undefined
  const i = segmentOf(ns, n)
  const [n0, n1] = [ns[i]!, ns[i + 1]!]
  const [lower, upper] = [byK(slice, n0), byK(slice, n1)]
  const ks = Float64Array.from([...lower.keys()].filter((candidate) => upper.has(candidate)))
  if (ks.length < 2) return undefined
  const j = segmentOf(ks, k)
  const [k0, k1] = [ks[j]!, ks[j + 1]!]
  return (
    (lower.get(k0)! * (n1 - n) * (k1 - k)
      + lower.get(k1)! * (n1 - n) * (k - k0)
      + upper.get(k0)! * (n - n0) * (k1 - k)
      + upper.get(k1)! * (n - n0) * (k - k0))
    / ((n1 - n0) * (k1 - k0))
  )
}

const interpolated = (table: RowTable, floorMs: (m: number, n: number, k: number) => number, n: number, k: number) => {
  const points: Array<readonly [number, number]> = []
  for (const slice of slices(table, floorMs)) {
    const ms = shapeLatency(slice, n, k)
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
