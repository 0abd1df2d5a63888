/** A growing table of numbers, `width` of them in a row, in one piece of memory that a garbage collector need not look into. */
import { grown } from "./Grown.ts"

export class NumberRows {
  readonly width: number
  length = 0
  /** Row after row; another array after {@link NumberRows.add}. */
  cells: Float64Array

  constructor(width: number) {
    this.width = width
    this.cells = new Float64Array(width * 64)
  }

  /** Adds a row of zeros and returns where it begins in {@link NumberRows.cells}. */
  add(): number {
    this.length += 1
    const needed = this.length * this.width
    if (needed > this.cells.length) this.cells = grown(this.cells)
    const { cells } = this
    // Rows are short: cheaper than a call of fill.
    for (let cell = needed - this.width; cell < needed; cell++) cells[cell] = 0
    return needed - this.width
  }

  get(row: number, column: number): number {
    return this.cells[row * this.width + column]!
  }

  set(row: number, column: number, value: number): void {
    this.cells[row * this.width + column] = value
  }

  increase(row: number, column: number, by: number): void {
    this.cells[row * this.width + column]! += by
  }

  /** Overwrites a row with another one. */
  copy(from: number, to: number): void {
    const { cells, width } = this
    cells.copyWithin(to * width, from * width, (from + 1) * width)
  }

  /** Keeps the first rows only. */
  truncate(length: number): void {
    this.length = Math.min(this.length, length)
  }
}
