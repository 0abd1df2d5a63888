/** Rows that are made one by one, as a stream of chunks that hold about as many ids as fit, whatever the length of the prompts. */
import * as Arr from "effect/Array"
import * as Stream from "effect/Stream"
import type { TraceRow } from "../trace/TraceRow.ts"

/** Ids per chunk of rows, about: long prompts come in small chunks. */
const idsPerChunk = 1 << 16
const rowsPerChunk = 1024

function* inChunks(rows: Iterable<TraceRow>): Generator<Arr.NonEmptyReadonlyArray<TraceRow>> {
  let chunk: Array<TraceRow> = []
  let ids = 0
  for (const row of rows) {
    chunk.push(row)
    ids += row.hashIds.length
    if (ids >= idsPerChunk || chunk.length === rowsPerChunk) {
      if (Arr.isArrayNonEmpty(chunk)) yield chunk
      chunk = []
      ids = 0
    }
  }
  if (Arr.isArrayNonEmpty(chunk)) yield chunk
}

/** `make` makes the rows of one run. */
export const rowChunks = (make: () => Iterable<TraceRow>): Stream.Stream<TraceRow> =>
  Stream.flattenArray(Stream.suspend(() => Stream.fromIterable(inChunks(make()), { chunkSize: 1 })))
