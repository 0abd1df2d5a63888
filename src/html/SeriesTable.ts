/**
 * The time series of a run as the page shows them. Nobody knows beforehand how long a run takes, so short rows are merged whenever
 * there are too many.
 */
import { packColumn, type PackedColumn } from "./PackedColumns.ts"

/** What a point of the series tells, over all workers: an interval of simulated time. */
export interface SeriesPoint {
  readonly startMs: number
  readonly endMs: number
  /** At the end of the interval. */
  readonly waiting: number
  readonly running: number
  readonly routerQueue: number | null
  readonly activeBlocks: number
  readonly cachedBlocks: number
  readonly freeBlocks: number
  /** `null` where workers have no KV tiers. */
  readonly hostBlocks: number | null
  readonly diskBlocks: number | null
  /** Over the interval. */
  readonly prefillTokens: number
  readonly decodeTokens: number
  readonly preemptions: number
}

/** Twice as many at most. */
const fewestPoints = 600

const columns: ReadonlyArray<readonly [name: string, of: (point: SeriesPoint) => number]> = [
  ["end_ms", ({ endMs }) => endMs],
  ["waiting", ({ routerQueue, waiting }) => waiting + (routerQueue ?? 0)],
  ["running", ({ running }) => running],
  ["active_blocks", ({ activeBlocks }) => activeBlocks],
  ["cached_blocks", ({ cachedBlocks }) => cachedBlocks],
  ["free_blocks", ({ freeBlocks }) => freeBlocks],
  ["prefill_tokens_per_s", ({ endMs, prefillTokens, startMs }) => (1000 * prefillTokens) / (endMs - startMs)],
  ["decode_tokens_per_s", ({ decodeTokens, endMs, startMs }) => (1000 * decodeTokens) / (endMs - startMs)],
  ["preemptions", ({ preemptions }) => preemptions]
]

/** Of runs with KV tiers only. */
const tierColumns: typeof columns = [
  ["host_blocks", ({ hostBlocks }) => hostBlocks ?? 0],
  ["disk_blocks", ({ diskBlocks }) => diskBlocks ?? 0]
]

export class SeriesTable {
  private points: Array<SeriesPoint> = []
  /** Points shorter than this are merged with the next. */
  private spanMs = 0

  add(point: SeriesPoint): void {
    if (point.endMs <= point.startMs) return
    this.append(point)
    if (this.points.length < 2 * fewestPoints) return
    const { points } = this
    const durationMs = point.endMs - (points[0]?.startMs ?? 0)
    this.spanMs = durationMs / fewestPoints
    this.points = []
    for (const each of points) this.append(each)
  }

  private append(point: SeriesPoint): void {
    const last = this.points.at(-1)
    if (last !== undefined && last.endMs - last.startMs < this.spanMs)
      this.points[this.points.length - 1] = merged(last, point)
    else this.points.push(point)
  }

  pack(): Readonly<Record<string, PackedColumn>> {
    const hasTiers = this.points.some(({ hostBlocks }) => hostBlocks !== null)
    return Object.fromEntries(
      [...columns, ...(hasTiers ? tierColumns : [])].map(([name, of], index) => [
        name,
        packColumn(this.points.map(of), 1, index === 0)
      ])
    )
  }
}

/** State is that of the later one. */
const merged = (first: SeriesPoint, second: SeriesPoint): SeriesPoint => ({
  ...second,
  startMs: first.startMs,
  prefillTokens: first.prefillTokens + second.prefillTokens,
  decodeTokens: first.decodeTokens + second.decodeTokens,
  preemptions: first.preemptions + second.preemptions
})
