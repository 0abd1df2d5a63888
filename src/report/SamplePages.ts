/**
 * Every value of one metric, in pages: the first ones in memory, further ones in a scratch file until they are asked for.
 *
 *     memory   [8192] [8192] … [8192]                         [being filled]
 *     file                            [8192] [8192] … [8192]
 *
 * Pages make growth free of copies and of unused room: a million values take 1 MB, and 8 MB while their statistics are made, metric after metric.
 * They are sorted one by one and in place; a rank in the whole is then found by narrowing a range in each page, so nothing is ever
 * merged into a second array either. Where there is no scratch file, or no room in it, pages stay in memory.
 */
import { openScratchFile, type ScratchFile } from "../host/Node.ts"
import { type ColumnSource, newColumns } from "../structures/SpareColumns.ts"
import { emptyStatistics, type SampleStatistics, withPercentiles } from "./SampleStatistics.ts"

const pageValues = 8192

/** 131,072 values: runs of fewer requests have nothing to do with files. */
const pagesInMemory = 16

export class SamplePages {
  length = 0
  /** Of these, the first {@link pagesInMemory} come before those in the file, and the others after them. */
  private readonly pages: Array<Float64Array> = []
  /** The page being filled, the last one in memory, and how full it is. */
  private page: Float64Array = new Float64Array(0)
  private used = 0
  private readonly columns: ColumnSource
  private readonly openFile: () => ScratchFile | undefined
  private file: ScratchFile | undefined = undefined
  private filePages = 0
  private keepsAll = false

  constructor(columns: ColumnSource = newColumns, openFile: () => ScratchFile | undefined = openScratchFile) {
    this.columns = columns
    this.openFile = openFile
  }

  add(value: number): void {
    if (this.used === this.page.length) this.nextPage()
    this.page[this.used++] = value
    this.length += 1
  }

  /** In the order in which they were added, or were sorted since. */
  forEach(visit: (value: number) => void): void {
    this.withPages((pages) => {
      for (const page of pages) for (let index = 0; index < page.length; index++) visit(page[index]!)
    })
  }

  /** Exact statistics. Reorders the values, keeps them all, and may be asked again after more were added. */
  statistics(): SampleStatistics {
    return this.length === 0 ? emptyStatistics : this.withPages((pages) => sortedStatistics(pages, this.length))
  }

  private nextPage(): void {
    this.used = 0
    if (this.pages.length > pagesInMemory && this.moveToFile(this.page)) return
    this.page = this.columns.fractions(pageValues)
    this.pages.push(this.page)
  }

  /** Whether the page is in the file now. The first time it is not, there will be no further try: the order of pages stays. */
  private moveToFile(page: Float64Array): boolean {
    if (this.keepsAll) return false
    this.file ??= this.openFile()
    if (this.file?.append(new Uint8Array(page.buffer)) === true) this.filePages += 1
    else this.keepsAll = true
    return !this.keepsAll
  }

  /** What comes of all pages in their order; those of the file are in memory for as long as this takes, and no longer. */
  private withPages<A>(use: (pages: Array<Float64Array>) => A): A {
    const pages = this.pages.map((page) => (page === this.page ? page.subarray(0, this.used) : page))
    const filed = this.pagesOfFile()
    const result = use([...pages.slice(0, pagesInMemory), ...filed, ...pages.slice(pagesInMemory)])
    // The next metric comes before the next collection.
    filed[0]?.buffer.transfer(0)
    return result
  }

  private pagesOfFile(): ReadonlyArray<Float64Array<ArrayBuffer>> {
    const values = new Float64Array(this.filePages * pageValues)
    this.file?.read(0, new Uint8Array(values.buffer))
    return Array.from({ length: this.filePages }, (_, page) =>
      values.subarray(page * pageValues, (page + 1) * pageValues)
    )
  }
}

/** Of `count` values; sorts each page. */
const sortedStatistics = (pages: ReadonlyArray<Float64Array>, count: number): SampleStatistics => {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  let sum = 0
  for (const page of pages) {
    sortAscending(page)
    min = Math.min(min, page[0]!)
    max = Math.max(max, page[page.length - 1]!)
    for (let index = 0; index < page.length; index++) sum += page[index]!
  }
  const mean = sum / count
  const std = Math.sqrt(squaredDistances(pages, mean) / count)
  return withPercentiles({ mean, min, max, std }, count, (rank) => valueAtRank(pages, rank))
}

/** Like `values.sort()`, in half the time: bits of doubles without a sign, taken as whole numbers, are in the same order. */
const sortAscending = (values: Float64Array): void => {
  new BigUint64Array(values.buffer, values.byteOffset, values.length).sort()
  // Those with a sign, of zero or of NaN too, are last now.
  const last = values[values.length - 1] ?? 0
  if (!(1 / last > 0)) values.sort()
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
