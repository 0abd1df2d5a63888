/**
 * Every value of one metric, in pages.
 *
 * Pages make growth free of copies and of unused room: a million values take 8 MB, not up to 24. They are sorted one
 * by one and in place; a rank in the whole is then found by narrowing a range in each page, so nothing is ever
 * merged into a second array either.
 */
import { emptyStatistics, type SampleStatistics, withPercentiles } from "./SampleStatistics.ts"

const pageValues = 8192

export class SamplePages {
  length = 0
  private readonly pages: Array<Float64Array> = []
  /** The page being filled and how full it is. */
  private page: Float64Array = new Float64Array(0)
  private used = 0

  add(value: number): void {
    if (this.used === this.page.length) this.addPage()
    this.page[this.used++] = value
    this.length += 1
  }

  forEach(visit: (value: number) => void): void {
    for (const page of this.filledPages()) for (let index = 0; index < page.length; index++) visit(page[index]!)
  }

  /** Exact statistics. Reorders the values, keeps them all, and may be asked again after more were added. */
  statistics(): SampleStatistics {
    if (this.length === 0) return emptyStatistics
    const pages = this.filledPages()
    let min = Number.POSITIVE_INFINITY
    let max = Number.NEGATIVE_INFINITY
    let sum = 0
    for (const page of pages) {
      page.sort()
      min = Math.min(min, page[0]!)
      max = Math.max(max, page[page.length - 1]!)
      for (let index = 0; index < page.length; index++) sum += page[index]!
    }
    const mean = sum / this.length
    const std = Math.sqrt(squaredDistances(pages, mean) / this.length)
    return withPercentiles({ mean, min, max, std }, this.length, (rank) => valueAtRank(pages, rank))
  }

  private addPage(): void {
    this.page = new Float64Array(pageValues)
    this.pages.push(this.page)
    this.used = 0
  }

  private filledPages(): Array<Float64Array> {
    return this.pages.map((page) => (page === this.page ? page.subarray(0, this.used) : page))
  }
}

const squaredDistances = (pages: ReadonlyArray<Float64Array>, mean: number): number => {
  let squares = 0
  for (const page of pages) {
    for (let index = 0; index < page.length; index++) {
      const distance = page[index]! - mean
      squares += distance * distance
    }
  }
  return squares
}

/** The value at `rank` of the ascending order of all pages together; each page is sorted. */
const valueAtRank = (pages: ReadonlyArray<Float64Array>, rank: number): number => {
  const from = new Int32Array(pages.length)
  const to = Int32Array.from(pages, (page) => page.length)
  let left = rank
  for (;;) {
    const pivot = middleOfWidest(pages, from, to)
    let below = 0
    let upTo = 0
    for (let index = 0; index < pages.length; index++) {
      below += firstNotBelow(pages[index]!, pivot, from[index]!, to[index]!) - from[index]!
      upTo += firstAbove(pages[index]!, pivot, from[index]!, to[index]!) - from[index]!
    }
    // Only NaN, which is in no order, finds nothing.
    if (upTo === below || (left >= below && left < upTo)) return pivot
    for (let index = 0; index < pages.length; index++) {
      if (left < below) to[index] = firstNotBelow(pages[index]!, pivot, from[index]!, to[index]!)
      else from[index] = firstAbove(pages[index]!, pivot, from[index]!, to[index]!)
    }
    if (left >= below) left -= upTo
  }
}

const middleOfWidest = (pages: ReadonlyArray<Float64Array>, from: Int32Array, to: Int32Array): number => {
  let widest = 0
  for (let index = 1; index < pages.length; index++) {
    if (to[index]! - from[index]! > to[widest]! - from[widest]!) widest = index
  }
  return pages[widest]![(from[widest]! + to[widest]!) >>> 1]!
}

const firstNotBelow = (page: Float64Array, value: number, from: number, to: number): number => {
  while (from < to) {
    const middle = (from + to) >>> 1
    if (page[middle]! < value) from = middle + 1
    else to = middle
  }
  return from
}

const firstAbove = (page: Float64Array, value: number, from: number, to: number): number => {
  while (from < to) {
    const middle = (from + to) >>> 1
    if (page[middle]! <= value) from = middle + 1
    else to = middle
  }
  return from
}
