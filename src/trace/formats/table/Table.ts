/** Tables of any make: rows of cells under names, in file order. */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { OnBadLine } from "../../RowReader.ts"
import { TraceError } from "../../TraceError.ts"

/** Cells of the columns asked for, in that order; `undefined` where there is none. Valid only while the record is looked at. */
export type Cells = ReadonlyArray<unknown>

/**
 * Makes something of a record, or nothing. `line` is the physical line, or the number of the row where the file has no lines;
 * from 1. Records are looked at one by one, so that a table of millions leaves no garbage that has to be kept for a while.
 */
export type OfRecord<A> = (cells: Cells, line: number) => A | TraceError | undefined

export interface Table {
  /** What it is: `CSV`, `JSON Lines`, `Parquet`. */
  readonly kind: string
  /** Names as the file spells them. */
  readonly columns: ReadonlyArray<string>
  /** What is made of the records, by some columns with their exact names; the first error ends it unless bad lines are let go. */
  readonly read: <A>(columns: ReadonlyArray<string>, make: () => OfRecord<A>) => Stream.Stream<A, TraceError>
}

/** Pieces of a table, each with a loop over its records, as a stream of what is made of them. */
export const readPieces = <Piece, A>(
  pieces: Stream.Stream<Piece, TraceError>,
  each: (piece: Piece, use: (cells: Cells, line: number) => void) => void,
  make: () => OfRecord<A>
): Stream.Stream<A, TraceError> =>
  Stream.unwrap(
    Effect.map(OnBadLine, (goesOn) => {
      const ofRecord = make()
      const readPiece = (piece: Piece): Effect.Effect<ReadonlyArray<A>, TraceError> =>
        Effect.suspend(() => {
          const made: Array<A> = []
          try {
            each(piece, (cells, line) => {
              const found = ofRecord(cells, line)
              if (found instanceof TraceError) {
                if (!goesOn(found)) throw found
              } else if (found !== undefined) made.push(found)
            })
          } catch (error) {
            if (error instanceof TraceError) return Effect.fail(error)
            throw error
          }
          return Effect.succeed(made)
        })
      return Stream.rechunk(pieces, 1).pipe(
        Stream.mapEffect(readPiece),
        Stream.filter(Arr.isReadonlyArrayNonEmpty),
        Stream.flattenArray
      )
    })
  )
