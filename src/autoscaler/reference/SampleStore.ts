/**
 * Samples of pass times that a line is fitted to: at most so many, spread over the range that was seen. When there are too many, the
 * oldest of the fullest cell leaves; of cells equally full the first one, where the reference leaves it to chance.
 */
import { leastSquares } from "./LeastSquares.ts"

interface Sample {
  readonly x: ReadonlyArray<number>
  readonly y: number
}

export interface SampleLimits {
  readonly most: number
  /** Cells in all, a square number where samples have two dimensions. */
  readonly cells: number
  /** Samples without which nothing is fitted. */
  readonly fewest: number
}

export class SampleStore {
  private readonly limits: SampleLimits
  private readonly samples: Array<Sample> = []
  private readonly least: Array<number> = []
  private readonly greatest: Array<number> = []
  private fitted: ReadonlyArray<number> | undefined
  private isFitted = false

  constructor(limits: SampleLimits) {
    this.limits = limits
  }

  add(x: ReadonlyArray<number>, y: number): void {
    x.forEach((value, axis) => {
      this.least[axis] = Math.min(this.least[axis] ?? value, value)
      this.greatest[axis] = Math.max(this.greatest[axis] ?? value, value)
    })
    this.samples.push({ x, y })
    if (this.samples.length > this.limits.most) this.thinOut()
    this.isFitted = false
  }

  /** Coefficients of 1, x1, x2, …; `undefined` while there are too few samples. */
  coefficients(): ReadonlyArray<number> | undefined {
    if (this.isFitted) return this.fitted
    this.isFitted = true
    const { samples } = this
    this.fitted =
      samples.length < Math.max(1, this.limits.fewest)
        ? undefined
        : leastSquares(
            samples.map(({ x }) => x),
            samples.map(({ y }) => y)
          )
    return this.fitted
  }

  private thinOut(): void {
    const counts = new Map<number, number>()
    const cells = this.samples.map(({ x }) => this.cellOf(x))
    for (const cell of cells) counts.set(cell, (counts.get(cell) ?? 0) + 1)
    let fullest = cells[0]!
    for (const [cell, count] of counts) {
      const most = counts.get(fullest)!
      if (count > most || (count === most && cell < fullest)) fullest = cell
    }
    this.samples.splice(cells.indexOf(fullest), 1)
  }

  private cellOf(x: ReadonlyArray<number>): number {
    const perAxis = Math.max(1, x.length === 1 ? this.limits.cells : Math.round(Math.sqrt(this.limits.cells)))
    return x.reduce((cell, value, axis) => {
      const range = this.greatest[axis]! - this.least[axis]!
      const at = range === 0 ? 0 : Math.floor(((value - this.least[axis]!) / range) * perAxis)
      return cell * perAxis + Math.min(perAxis - 1, at)
    }, 0)
  }
}
