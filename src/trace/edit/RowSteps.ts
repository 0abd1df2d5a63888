/** Rows in, rows out, with what a plain object remembers in between: one Effect per chunk. */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import type { TraceError } from "../TraceError.ts"
import type { TraceRow } from "../TraceRow.ts"

export type Emit = (row: TraceRow) => void

/** Something done to rows in one pass over them. */
export interface RowSteps {
  /** Emits any number of rows, the given one or others that had been held back; an error ends the pass. */
  readonly take: (row: TraceRow, emit: Emit) => TraceError | undefined
  /** Emits what has been held back to the end. */
  readonly end?: (emit: Emit) => TraceError | undefined
}

type Chunk = Arr.NonEmptyReadonlyArray<TraceRow>
type ChunkPull = Pull.Pull<Chunk, TraceError>

/** The rows that come out; `make` makes the steps of one pass. Those before an error are emitted before it. */
export const throughSteps = (
  rows: Stream.Stream<TraceRow, TraceError>,
  make: () => RowSteps
): Stream.Stream<TraceRow, TraceError> =>
  Stream.transformPull(rows, (pull) =>
    Effect.sync(() => {
      const steps = make()
      let out: Array<TraceRow> = []
      let failure: TraceError | undefined
      let ended = false
      const emit: Emit = (row) => void out.push(row)
      const flush = (): ChunkPull => {
        const chunk = out
        out = []
        return Arr.isArrayNonEmpty(chunk) ? Effect.succeed(chunk) : next
      }
      const takeAll = (chunk: Chunk): ChunkPull => {
        for (const row of chunk) {
          failure = steps.take(row, emit)
          if (failure !== undefined) break
        }
        return flush()
      }
      const finish = (): ChunkPull => {
        ended = true
        failure = steps.end?.(emit)
        return flush()
      }
      const pulled: ChunkPull = Pull.matchEffect(pull, {
        onSuccess: takeAll,
        onFailure: Effect.failCause,
        onDone: finish
      })
      const next: ChunkPull = Effect.suspend(() => {
        if (failure !== undefined) return Effect.fail(failure)
        return ended ? Cause.done() : pulled
      })
      return next
    })
  )
