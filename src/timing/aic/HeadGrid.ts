/**
 * Latency over head count and two more quantities, as attention kernels and modules are measured: an outer one, such as
 * the sequence length, and an inner one, such as the batch.
 *
 * The tables thin out towards long sequences: between two outer values only the inner values measured at both count, so a
 * large batch at a long length is extrapolated from small ones. That is how the reference reads them (ai-dynamo 1.3.1).
 */
import { segmentOf } from "../Segment.ts"
import { lineThrough } from "./Curve.ts"
import type { Axis, MeasuredRange } from "./MeasuredRange.ts"
import { column, type RowTable } from "./PerfTables.ts"
import { type RowRange, type Run, runsOf, valuesIn } from "./RowRange.ts"

/** Latency over the outer and the inner quantity, for one head count. */
export interface Grid {
  at(outer: number, inner: number): number
  /** How the grid goes on behind the last look-up; absent where each point must be looked up. */
  readonly onward?: Onward
}

/** A grid from the last look-up on, in steps of 1 of the outer quantity. */
export interface Onward {
  /** How many steps follow the look-up at `outer` that lie in the same cell, within what was measured of the outer quantity. */
  stepsFrom(outer: number): number
  /**
   * Adds to `into`, at the places `from` to before `to`, the latencies at as many steps behind `outer`, `times` each: ms >= 0. They must lie
   * in the cell of the last look-up, which was at the same inner value.
   */
  addTo(into: Float64Array, from: number, to: number, outer: number, inner: number, times: number): void
}

/** What a row of a table says, for a lower bound on its latency. */
export interface GridRow {
  readonly heads: number
  readonly outer: number
  readonly inner: number
}

export interface GridRequest {
  readonly heads: number
  /** Columns of the two quantities, and what they count. */
  readonly outer: readonly [column: string, axis: Axis]
  readonly inner: readonly [column: string, axis: Axis]
  /** Lower bound of a row's latency, ms. */
  readonly floorMs?: (row: GridRow) => number
  /** Whether a measured point is answered with its measurement; else always with the cell above it. */
  readonly exactFirst?: boolean
  /** Whether quantities with a single measured value are refused; else that value stands for all. */
  readonly needsVariation?: boolean
  /** Whether a single measured head count is refused; else it stands for all. */
  readonly needsHeadCounts?: boolean
}

/** The inner values measured at one outer one. */
interface Row {
  readonly inner: Float64Array
  readonly ms: Float64Array
}

/** The inner values measured at two neighbouring outer ones, with their latencies at both. */
interface Strip {
  readonly inner: Float64Array
  readonly lowerMs: Float64Array
  readonly upperMs: Float64Array
}

/** Bilinear in the cell, or on from the outermost one; a quantity with one value counts as it is. */
class Cells implements Grid, Onward {
  readonly onward: Onward = this
  private readonly outer: Float64Array
  private readonly strips: ReadonlyArray<Strip>
  private readonly range: MeasuredRange
  private readonly outerAxis: Axis
  private readonly innerAxis: Axis
  /** The cell of the last look-up, where those that follow are mostly, too: where it counts, its corners, what was measured there. */
  private outerFrom = Infinity
  private outerTo = -Infinity
  private innerFrom = Infinity
  private innerTo = -Infinity
  private o0 = 0
  private o1 = 0
  private n0 = 0
  private n1 = 0
  private lower0 = 0
  private lower1 = 0
  private upper0 = 0
  private upper1 = 0

  constructor(outer: Float64Array, strips: ReadonlyArray<Strip>, range: MeasuredRange, axes: readonly [Axis, Axis]) {
    this.outer = outer
    this.strips = strips
    this.range = range
    this.outerAxis = axes[0]
    this.innerAxis = axes[1]
  }

  at(outer: number, inner: number): number {
    if (!(outer >= this.outerFrom && outer < this.outerTo && inner >= this.innerFrom && inner < this.innerTo)) {
      this.enter(outer, inner)
    }
    const { lower0, lower1, n0, n1, o0, o1, upper0, upper1 } = this
    if (outer < o0 || outer > o1) this.range.leave(this.outerAxis, outer, outer < o0 ? o0 : o1)
    if (inner < n0 || inner > n1) this.range.leave(this.innerAxis, inner, inner < n0 ? n0 : n1)
    if (o0 === o1) return n0 === n1 ? lower0 : lineThrough(n0, lower0, n1, lower1, inner)
    if (n0 === n1) return lineThrough(o0, lower0, o1, upper0, outer)
    return (
      (lower0 * (o1 - outer) * (n1 - inner)
        + lower1 * (o1 - outer) * (inner - n0)
        + upper0 * (outer - o0) * (n1 - inner)
        + upper1 * (outer - o0) * (inner - n0))
      / ((o1 - o0) * (n1 - n0))
    )
  }

  stepsFrom(outer: number): number {
    const { n0, n1, o0, o1 } = this
    return outer < o0 || outer >= o1 || n0 === n1 ? 0 : Math.ceil(o1 - outer) - 1
  }

  addTo(into: Float64Array, from: number, to: number, outer: number, inner: number, times: number): void {
    const { lower0, lower1, n0, n1, o0, o1, upper0, upper1 } = this
    const above = n1 - inner
    const below = inner - n0
    const area = (o1 - o0) * (n1 - n0)
    for (let i = from; i < to; i++) {
      const left = outer + i - o0
      const right = o1 - (outer + i)
      // As in `at`, to the last bit.
      const ms =
        (lower0 * right * above + lower1 * right * below + upper0 * left * above + upper1 * left * below) / area
      into[i]! += Math.max(0, ms) * times
    }
  }

  private enter(outer: number, inner: number): void {
    const i = segmentOf(this.outer, outer)
    const strip = this.strips[i]!
    const j = segmentOf(strip.inner, inner)
    this.o0 = this.outer[i]!
    this.o1 = this.outer[i + 1] ?? this.o0
    this.n0 = strip.inner[j]!
    this.n1 = strip.inner[j + 1] ?? this.n0
    this.lower0 = strip.lowerMs[j]!
    this.lower1 = strip.lowerMs[j + 1] ?? this.lower0
    this.upper0 = strip.upperMs[j]!
    this.upper1 = strip.upperMs[j + 1] ?? this.upper0
    // The outermost cells reach on without end.
    this.outerFrom = i === 0 ? -Infinity : this.o0
    this.outerTo = i >= this.outer.length - 2 ? Infinity : this.o1
    this.innerFrom = j === 0 ? -Infinity : this.n0
    this.innerTo = j >= strip.inner.length - 2 ? Infinity : this.n1
  }
}

/** A grid that answers measured points with their measurement, also where the cell above does not hold the inner value. */
class ExactFirst implements Grid, Onward {
  readonly onward: Onward = this
  private readonly outer: Float64Array
  private readonly rows: ReadonlyArray<Row>
  private readonly otherwise: Cells
  /** Around the outer value of the last look-up nothing was measured between these two. */
  private after = Infinity
  private before = -Infinity

  constructor(outer: Float64Array, rows: ReadonlyArray<Row>, otherwise: Cells) {
    this.outer = outer
    this.rows = rows
    this.otherwise = otherwise
  }

  at(outer: number, inner: number): number {
    if (!(outer > this.after && outer < this.before)) {
      const row = this.rowAt(outer)
      const j = row === undefined ? -1 : row.inner.indexOf(inner)
      if (row !== undefined && j >= 0) return row.ms[j]!
    }
    return this.otherwise.at(outer, inner)
  }

  stepsFrom(outer: number): number {
    return outer > this.after && outer < this.before ? this.otherwise.stepsFrom(outer) : 0
  }

  addTo(into: Float64Array, from: number, to: number, outer: number, inner: number, times: number): void {
    this.otherwise.addTo(into, from, to, outer, inner, times)
  }

  /** What was measured at this very outer value. */
  private rowAt(outer: number): Row | undefined {
    const { outer: nodes, rows } = this
    let next = segmentOf(nodes, outer)
    while (next < nodes.length && nodes[next]! < outer) next += 1
    if (nodes[next] === outer) return rows[next]
    this.after = next === 0 ? -Infinity : nodes[next - 1]!
    this.before = next === nodes.length ? Infinity : nodes[next]!
    return undefined
  }
}

type HeadGrid = readonly [heads: number, grid: Grid]

class BetweenHeads implements Grid {
  private readonly heads: number
  private readonly fewerHeads: number
  private readonly moreHeads: number
  private readonly fewer: Grid
  private readonly more: Grid

  constructor(heads: number, [fewerHeads, fewer]: HeadGrid, [moreHeads, more]: HeadGrid) {
    this.heads = heads
    this.fewerHeads = fewerHeads
    this.moreHeads = moreHeads
    this.fewer = fewer
    this.more = more
  }

  at(outer: number, inner: number): number {
    return lineThrough(
      this.fewerHeads,
      this.fewer.at(outer, inner),
      this.moreHeads,
      this.more.at(outer, inner),
      this.heads
    )
  }
}

/** The inner values at which both of two outer ones were measured. */
const stripOf = (lower: Row, upper: Row): Strip => {
  const inner = lower.inner.filter((value) => upper.inner.includes(value))
  const msIn = (row: Row): Float64Array => inner.map((value) => row.ms[row.inner.indexOf(value)]!)
  return { inner, lowerMs: msIn(lower), upperMs: msIn(upper) }
}

/** What was measured at one outer value with so many heads. */
const rowOf = (table: RowTable, heads: number, run: Run, { floorMs, ...request }: GridRequest): Row => {
  const inner = valuesIn(column(table, request.inner[0]), run)
  const ms = valuesIn(table.latencyMs, run)
  if (floorMs === undefined) return { inner, ms }
  return {
    inner,
    ms: ms.map((measured, i) => Math.max(measured, floorMs({ heads, outer: run.value, inner: inner[i]! })))
  }
}

/** The grid of the rows of a head count; `undefined` where two neighbouring outer values have too little in common. */
const gridOfHeads = (table: RowTable, ofHeads: Run, range: MeasuredRange, request: GridRequest): Grid | undefined => {
  const runs = runsOf(column(table, request.outer[0]), ofHeads)
  const needed = request.needsVariation === true ? 2 : 1
  if (runs.length < needed) return undefined
  const outer = Float64Array.from(runs, ({ value }) => value)
  const rows = runs.map((run) => rowOf(table, ofHeads.value, run, request))
  const lowerRows = rows.length === 1 ? rows : rows.slice(0, -1)
  const strips = lowerRows.map((lower, i) => stripOf(lower, rows[i + 1] ?? lower))
  if (strips.some(({ inner }) => inner.length < needed)) return undefined
  const cells = new Cells(outer, strips, range, [request.outer[1], request.inner[1]])
  return request.exactFirst === true ? new ExactFirst(outer, rows, cells) : cells
}

/**
 * The grid for a head count: its own where it was measured, else between or beyond the neighbouring ones. `undefined` where
 * the rows do not make one. The columns behind the head count are the outer and the inner quantity's.
 */
export const headGrid = (
  table: RowTable,
  rows: RowRange,
  range: MeasuredRange,
  request: GridRequest
): Grid | undefined => {
  const byHeads = runsOf(column(table, "heads"), rows)
  const gridOf = (run: Run) => gridOfHeads(table, run, range, request)
  if (byHeads.length < 2) {
    return request.needsHeadCounts === true || byHeads[0] === undefined ? undefined : gridOf(byHeads[0])
  }
  const own = byHeads.find(({ value }) => value === request.heads)
  const exact = own === undefined ? undefined : gridOf(own)
  if (exact !== undefined) return exact
  const i = segmentOf(
    Float64Array.from(byHeads, ({ value }) => value),
    request.heads
  )
  const [fewer, more] = [byHeads[i]!, byHeads[i + 1]!]
  const [fewerGrid, moreGrid] = [gridOf(fewer), gridOf(more)]
  return fewerGrid === undefined || moreGrid === undefined
    ? undefined
    : new BetweenHeads(request.heads, [fewer.value, fewerGrid], [more.value, moreGrid])
}
