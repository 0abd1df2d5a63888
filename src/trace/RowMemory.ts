/**
 * Rows of a first pass, kept while they are few: a small trace is read and parsed once, however often it is replayed.
 */
import type * as Arr from "effect/Array"
import * as Stream from "effect/Stream"
import type { TraceRow } from "./TraceRow.ts"

/** Hash ids kept at the most, a few MiB; a row counts as sixteen more. */
const maxCost = 1 << 20
const rowCost = 16

/** A chunk of rows in a form that takes less room, and gives equal rows back. */
export interface PackedRows<Row> {
  readonly rows: () => Arr.NonEmptyReadonlyArray<Row>
}

export type Pack<Row> = (rows: Arr.NonEmptyReadonlyArray<Row>) => PackedRows<Row> | undefined

export class RowMemory<Row extends TraceRow> {
  /** `undefined` once there were too many. */
  private chunks: Array<PackedRows<Row>> | undefined = []
  private cost = 0
  private readonly pack: Pack<Row>

  /** `pack`: how chunks of rows are kept, where it can be done better than as they are. */
  constructor(pack: Pack<Row> = () => undefined) {
    this.pack = pack
  }

  /** The same rows, remembered on their way; for one pass from start to end. */
  watch<E, R>(rows: Stream.Stream<Row, E, R>): Stream.Stream<Row, E, R> {
    return Stream.mapArray(rows, (chunk) => {
      this.keep(chunk)
      return chunk
    })
  }

  /** All rows again: from memory, or read anew. */
  replay<E, R>(rows: Stream.Stream<Row, E, R>): Stream.Stream<Row, E, R> {
    if (this.chunks === undefined) return rows
    return Stream.flattenArray(
      Stream.fromIterable(this.chunks, { chunkSize: 1 }).pipe(Stream.map((chunk) => chunk.rows()))
    )
  }

  private keep(chunk: Arr.NonEmptyReadonlyArray<Row>): void {
    if (this.chunks === undefined) return
    for (const row of chunk) this.cost += rowCost + row.hashIds.length + (row.outputTokenIds?.length ?? 0)
    if (this.cost > maxCost) this.chunks = undefined
    else this.chunks.push(this.pack(chunk) ?? { rows: () => chunk })
  }
}
