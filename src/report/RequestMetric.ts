/**
 * One value per request: exact as long as the values fit the budget, a sketch of stated error past it.
 */
import type { ColumnSource } from "../structures/SpareColumns.ts"
import { SamplePages } from "./SamplePages.ts"
import type { SampleStatistics } from "./SampleStatistics.ts"
import { ValueSketch } from "./ValueSketch.ts"

/** Values of each metric that are kept for exact percentiles, at 8 bytes each, most of them in a scratch file. */
export const defaultExactRequests = 1_000_000

export class RequestMetric {
  private readonly exactValues: number
  private values: SamplePages | ValueSketch

  constructor(exactValues: number = defaultExactRequests, columns?: ColumnSource) {
    this.exactValues = exactValues
    this.values = new SamplePages(columns)
  }

  get exact(): boolean {
    return this.values instanceof SamplePages
  }

  /** `value` is finite and >= 0. */
  add(value: number): void {
    const { values } = this
    if (values instanceof ValueSketch) values.add(value, 1)
    else if (values.length < this.exactValues) values.add(value)
    else this.startSketch(values).add(value, 1)
  }

  statistics(): SampleStatistics {
    return this.values.statistics()
  }

  private startSketch(pages: SamplePages): ValueSketch {
    const sketch = new ValueSketch()
    pages.forEach((value) => sketch.add(value, 1))
    this.values = sketch
    return sketch
  }
}
