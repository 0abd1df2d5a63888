/**
 * Attention kernels: latency over (sequence length, batch) for one head count, measured or between two measured ones.
 *
 * The tables thin out towards long sequences: between two lengths only the batches measured at both count, so a large
 * batch at a long length is extrapolated from small ones. That is how the reference reads them (ai-dynamo 1.3.1).
 */
import * as Effect from "effect/Effect"
import { segmentOf } from "../Segment.ts"
import { AicError } from "./AicError.ts"
import { lineThrough } from "./Curve.ts"
import type { MeasuredRange } from "./MeasuredRange.ts"
import { column, type PerfTables, type RowTable, rowsWhere } from "./PerfTables.ts"

/** The batches measured at one length. */
interface Row {
  readonly batches: Float64Array
  readonly ms: Float64Array
}

/** The batches measured at two neighbouring lengths, with their latencies at both. */
interface Strip {
  readonly batches: Float64Array
  readonly shorterMs: Float64Array
  readonly longerMs: Float64Array
}

/** Latency over (tokens, batch) for one head count: bilinear in the cell, or on from the outermost one. */
class TokenBatchGrid implements AttentionGrid {
  private readonly lengths: Float64Array
  private readonly strips: ReadonlyArray<Strip>
  private readonly range: MeasuredRange

  constructor(lengths: Float64Array, strips: ReadonlyArray<Strip>, range: MeasuredRange) {
    this.lengths = lengths
    this.strips = strips
    this.range = range
  }

  at(tokens: number, batch: number): number {
    const { lengths } = this
    const i = segmentOf(lengths, tokens)
    const { batches, longerMs, shorterMs } = this.strips[i]!
    const j = segmentOf(batches, batch)
    const t0 = lengths[i]!
    const t1 = lengths[i + 1]!
    const b0 = batches[j]!
    const b1 = batches[j + 1]!
    if (tokens < t0 || tokens > t1 || batch < b0 || batch > b1) this.range.left = true
    return (
      (shorterMs[j]! * (t1 - tokens) * (b1 - batch)
        + shorterMs[j + 1]! * (t1 - tokens) * (batch - b0)
        + longerMs[j]! * (tokens - t0) * (b1 - batch)
        + longerMs[j + 1]! * (tokens - t0) * (batch - b0))
      / ((t1 - t0) * (b1 - b0))
    )
  }
}

/** A grid that answers measured points with their measurement, also where the cell above does not hold the batch. */
class ExactFirst implements AttentionGrid {
  private readonly lengths: Float64Array
  private readonly rows: ReadonlyArray<Row>
  private readonly otherwise: AttentionGrid

  constructor(lengths: Float64Array, rows: ReadonlyArray<Row>, otherwise: AttentionGrid) {
    this.lengths = lengths
    this.rows = rows
    this.otherwise = otherwise
  }

  at(tokens: number, batch: number): number {
    const i = nodeAt(this.lengths, tokens)
    if (i >= 0) {
      const { batches, ms } = this.rows[i]!
      const j = nodeAt(batches, batch)
      if (j >= 0) return ms[j]!
    }
    return this.otherwise.at(tokens, batch)
  }
}

/** Index of the node that equals `x`, or -1. */
const nodeAt = (nodes: Float64Array, x: number): number => {
  const i = segmentOf(nodes, x)
  if (nodes[i] === x) return i
  return nodes[i + 1] === x ? i + 1 : -1
}

/** Latency over (tokens, batch) for the head count that an operation has. */
export interface AttentionGrid {
  at(tokens: number, batch: number): number
}

class BetweenHeads implements AttentionGrid {
  private readonly heads: number
  private readonly fewerHeads: number
  private readonly moreHeads: number
  private readonly fewer: AttentionGrid
  private readonly more: AttentionGrid

  constructor(heads: number, [fewerHeads, fewer]: HeadGrid, [moreHeads, more]: HeadGrid) {
    this.heads = heads
    this.fewerHeads = fewerHeads
    this.moreHeads = moreHeads
    this.fewer = fewer
    this.more = more
  }

  at(tokens: number, batch: number): number {
    return lineThrough(
      this.fewerHeads,
      this.fewer.at(tokens, batch),
      this.moreHeads,
      this.more.at(tokens, batch),
      this.heads
    )
  }
}

type HeadGrid = readonly [heads: number, grid: AttentionGrid]

/** What a row of an attention table says, for a lower bound on its latency. */
export interface AttentionRow {
  readonly heads: number
  readonly tokens: number
  readonly batch: number
}

type FloorMs = (row: AttentionRow) => number

const rowOf = (byBatch: ReadonlyMap<number, number>): Row => {
  const batches = Float64Array.from(byBatch.keys()).toSorted()
  return { batches, ms: batches.map((batch) => byBatch.get(batch)!) }
}

const strip = (shorter: ReadonlyMap<number, number>, longer: ReadonlyMap<number, number>): Strip | undefined => {
  const batches = Float64Array.from(shorter.keys())
    .toSorted()
    .filter((batch) => longer.has(batch))
  return batches.length < 2
    ? undefined
    : {
        batches,
        shorterMs: batches.map((batch) => shorter.get(batch)!),
        longerMs: batches.map((batch) => longer.get(batch)!)
      }
}

/** Latency by batch by length, of some rows that share a head count. */
const latencies = (table: RowTable, rows: ReadonlyArray<number>, floorMs: FloorMs) => {
  const [heads, tokens, batches] = [column(table, "heads"), column(table, "tokens"), column(table, "batch")]
  const byTokens = new Map<number, Map<number, number>>()
  for (const row of rows) {
    const point = { heads: heads[row]!, tokens: tokens[row]!, batch: batches[row]! }
    const byBatch = byTokens.get(point.tokens) ?? new Map<number, number>()
    byTokens.set(point.tokens, byBatch)
    byBatch.set(point.batch, Math.max(table.latencyMs[row]!, floorMs(point)))
  }
  return byTokens
}

/** The grid of some rows that share a head count; `undefined` where two lengths or two common batches are missing. */
const gridOfRows = (
  table: RowTable,
  rows: ReadonlyArray<number>,
  range: MeasuredRange,
  { exactFirst, floorMs }: GridRequest
): AttentionGrid | undefined => {
  const byTokens = latencies(table, rows, floorMs)
  const lengths = Float64Array.from(byTokens.keys()).toSorted()
  const strips: Array<Strip> = []
  for (let i = 1; i < lengths.length; i++) {
    const between = strip(byTokens.get(lengths[i - 1]!)!, byTokens.get(lengths[i]!)!)
    if (between === undefined) return undefined
    strips.push(between)
  }
  if (strips.length === 0) return undefined
  const cells = new TokenBatchGrid(lengths, strips, range)
  return exactFirst
    ? new ExactFirst(
        lengths,
        Array.from(lengths, (length) => rowOf(byTokens.get(length)!)),
        cells
      )
    : cells
}

interface GridRequest {
  readonly section: string
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly window: number
  readonly floorMs: FloorMs
  /** Whether a measured point is answered with its measurement; else always with the cell above it. */
  readonly exactFirst: boolean
}

const describe = ({ headDim, heads, kvHeads, section, window }: GridRequest): string =>
  `'${section}' has no rows for ${heads} heads, ${kvHeads} KV heads, head size ${headDim}`
  + (window > 0 ? `, window ${window}` : "")

/** The grid for an operation's head count; measured head counts are read as they are. */
export const attentionGrid = Effect.fnUntraced(function* (
  tables: PerfTables,
  range: MeasuredRange,
  request: GridRequest
) {
  const table = yield* tables.section(request.section)
  const key = {
    kv_heads: request.heads === request.kvHeads ? 0 : request.kvHeads,
    head_dim: request.headDim,
    window: request.window
  }
  const rows = rowsWhere(table, key)
  const allHeads = column(table, "heads")
  const gridOf = (heads: number) =>
    gridOfRows(
      table,
      rows.filter((row) => allHeads[row] === heads),
      range,
      request
    )
  const counts = Float64Array.from(new Set(rows.map((row) => allHeads[row]!))).toSorted()
  const exact = counts.includes(request.heads) ? gridOf(request.heads) : undefined
  if (exact !== undefined) return exact
  if (counts.length >= 2) {
    const i = segmentOf(counts, request.heads)
    const [fewer, more] = [gridOf(counts[i]!), gridOf(counts[i + 1]!)]
    if (fewer !== undefined && more !== undefined) {
      return new BetweenHeads(request.heads, [counts[i]!, fewer], [counts[i + 1]!, more])
    }
  }
  return yield* new AicError({ where: tables.label, problem: describe(request) })
})
