/** A growing table of numbers, `width` of them in a row, in one piece of memory that a garbage collector need not look into. */
import { grown } from "./Grown.ts"

export class NumberRows {
  readonly width: number
  length = 0
  private cells: Float64Array

  constructor(width: number) {
    this.width = width
    this.cells = new Float64Array(width * 64)
  }

  /** Adds a row of zeros. */
  add(): void {
    this.length += 1
    const needed = this.length * this.width
    if (needed > this.cells.length) this.cells = grown(this.cells)
    this.cells.fill(0, needed - this.width, needed)
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
