/**
 * A growing table of numbers, `width` of them in a row, in pieces of memory that a garbage collector need not look into.
 *
 * Pieces are of one size and stay where they are: what grows by copying leaves half of its memory behind, and calls the collector for it.
 */

import { UncountedMemory } from "./UncountedMemory.ts"

/** Rows of a piece, an even number of them, as a power of two. */
const shift = 9
const rowsPerPiece = 2 ** shift

export class NumberRows {
  readonly width: number
  length = 0
  /** The piece of the last row; that row begins in it at {@link NumberRows.last}. */
  cells: Float64Array
  last = 0
  private readonly pieces: Array<Float64Array>

  constructor(width: number) {
    this.width = width
    this.cells = this.piece()
    this.pieces = [this.cells]
  }

  /** Adds a row of zeros and returns where it begins in {@link NumberRows.cells}. */
  add(): number {
    this.length += 1
    this.seekLast()
    const { cells, last, width } = this
    // Rows are short: cheaper than a call of fill.
    for (let cell = last; cell < last + width; cell++) cells[cell] = 0
    return last
  }

  /** The piece that a row is in. */
  pieceOf(row: number): Float64Array {
    return this.pieces[row >> shift]!
  }

  /** Where a row begins in its piece. */
  offsetOf(row: number): number {
    return (row & (rowsPerPiece - 1)) * this.width
  }

  get(row: number, column: number): number {
    return this.pieceOf(row)[this.offsetOf(row) + column]!
  }

  set(row: number, column: number, value: number): void {
    this.pieceOf(row)[this.offsetOf(row) + column] = value
  }

  /** Overwrites a row with another one. */
  copy(from: number, to: number): void {
    const [source, target] = [this.pieceOf(from), this.pieceOf(to)]
    const [start, targetStart] = [this.offsetOf(from), this.offsetOf(to)]
    for (let column = 0; column < this.width; column++) target[targetStart + column] = source[start + column]!
  }

  /** Keeps the first rows only; their memory is for those to come. */
  truncate(length: number): void {
    this.length = Math.min(this.length, length)
    if (this.length > 0) this.seekLast()
  }

  private seekLast(): void {
    const row = this.length - 1
    this.cells = this.pieces[row >> shift] ??= this.piece()
    this.last = this.offsetOf(row)
  }

  private piece(): Float64Array {
    return new Float64Array(new UncountedMemory(8 * this.width * rowsPerPiece))
  }
}
