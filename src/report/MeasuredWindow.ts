/**
 * The part of a run that counts, when a run is told to leave out its warm-up and its drain. What *ends* in the window counts: requests whose
 * end, and gaps whose later token, lie in it. So rates over the length of the window are what the deployment really gave, overloaded or not.
 *
 * A bound is a time, or a number of ended requests, whose time is known once they have ended. Gaps are told as passes start, with the time
 * at which they will be over: those beyond the latest end wait until it is known on which side of the bound they lie.
 */
import type { RequestRecord } from "../request/SimRequest.ts"
import type { RunSummary, TokenGapBatch } from "./ReplayEvent.ts"

export type WindowBound =
  /** At this simulated time. */
  | { readonly _tag: "Time"; readonly ms: number }
  /** When so many requests have ended, in whatever way. */
  | { readonly _tag: "Ended"; readonly requests: number }

/** Bounds left out are the start and the end of the run. */
export interface WindowBounds {
  readonly from?: WindowBound
  readonly until?: WindowBound
}

/** Gaps of a batch that count. */
export interface MeasuredGaps {
  readonly gapsMs: Float64Array
  readonly counts: Uint32Array
}

type Place = "before" | "within" | "after" | "unknown"

const runStart: WindowBound = { _tag: "Time", ms: 0 }
const runEnd: WindowBound = { _tag: "Time", ms: Number.POSITIVE_INFINITY }

export class MeasuredWindow {
  private readonly from: WindowBound
  private readonly until: WindowBound
  private ended = 0
  private latestEndMs = 0
  /** Times of bounds that are numbers of requests, once they have ended. */
  private fromEndMs: number | undefined = undefined
  private untilEndMs: number | undefined = undefined
  private waiting: ReadonlyArray<TokenGapBatch> = []
  /** Requests that ended before, in, and after the window; those cut off by the end of the run are none of them. */
  readonly requests = { before: 0, within: 0, after: 0 }

  constructor({ from = runStart, until = runEnd }: WindowBounds) {
    this.from = from
    this.until = until
    this.lookAtCounts()
  }

  /** Whether a request counts. To be asked once for each, in the order in which they end. */
  takes(record: RequestRecord): boolean {
    if (record.status === "in_flight") return false
    // Who was turned away has no token, and ended when its turn came in this order.
    const endMs = Number.isNaN(record.lastTokenMs) ? Math.max(this.latestEndMs, record.arrivalMs) : record.lastTokenMs
    const isBegun = this.from._tag === "Time" ? endMs >= this.from.ms : this.ended >= this.from.requests
    const isOver = this.until._tag === "Time" ? endMs >= this.until.ms : this.ended >= this.until.requests
    this.ended += 1
    this.latestEndMs = Math.max(this.latestEndMs, endMs)
    this.lookAtCounts()
    this.requests[isOver ? "after" : isBegun ? "within" : "before"] += 1
    return isBegun && !isOver
  }

  /** Those of the gaps so far that are now known to count. */
  takeGaps(batch: TokenGapBatch): ReadonlyArray<MeasuredGaps> {
    return this.settle([...this.waiting, batch], (tokenMs) => this.placeOf(tokenMs))
  }

  /** The rest of them, at the end of the run. */
  lastGaps(): ReadonlyArray<MeasuredGaps> {
    return this.settle(this.waiting, (tokenMs) => {
      const place = this.placeOf(tokenMs)
      if (place !== "unknown") return place
      return this.fromMs === undefined ? "before" : "within"
    })
  }

  /** Bounds in ms, in a run whose last token came at `lastTokenMs`. */
  bounds(lastTokenMs: number): { readonly fromMs: number; readonly untilMs: number } {
    const fromMs = Math.min(this.fromMs ?? lastTokenMs, lastTokenMs)
    const untilMs = Math.min(this.untilMs ?? lastTokenMs, lastTokenMs)
    return { fromMs, untilMs: Math.max(fromMs, untilMs) }
  }

  private get fromMs(): number | undefined {
    return this.from._tag === "Time" ? this.from.ms : this.fromEndMs
  }

  private get untilMs(): number | undefined {
    return this.until._tag === "Time" ? this.until.ms : this.untilEndMs
  }

  private lookAtCounts(): void {
    const { ended, from, latestEndMs, until } = this
    if (from._tag === "Ended" && ended >= from.requests) this.fromEndMs ??= latestEndMs
    if (until._tag === "Ended" && ended >= until.requests) this.untilEndMs ??= latestEndMs
  }

  /** A token at the very time of a bound is before it where the bound is the end of a request, else after it. */
  private placeOf(tokenMs: number): Place {
    const { from, fromMs, latestEndMs, until, untilMs } = this
    if (fromMs === undefined) return tokenMs <= latestEndMs ? "before" : "unknown"
    if (from._tag === "Time" ? tokenMs < fromMs : fromMs > 0 && tokenMs <= fromMs) return "before"
    if (untilMs === undefined) return tokenMs <= latestEndMs ? "within" : "unknown"
    return (until._tag === "Time" ? tokenMs < untilMs : tokenMs <= untilMs) ? "within" : "after"
  }

  private settle(
    batches: ReadonlyArray<TokenGapBatch>,
    placeOf: (tokenMs: number) => Place
  ): ReadonlyArray<MeasuredGaps> {
    const places = batches.map(({ timesMs = new Float64Array(0) }) => Array.from(timesMs, placeOf))
    const chosen = (wanted: Place): ReadonlyArray<TokenGapBatch> =>
      batches.flatMap((batch, index) => {
        const part = partOf(batch, (at) => places[index]?.[at] === wanted)
        return part.gapsMs.length === 0 ? [] : [part]
      })
    this.waiting = chosen("unknown")
    return chosen("within")
  }
}

const partOf = (
  { counts, gapsMs, timesMs = new Float64Array(0) }: TokenGapBatch,
  isWanted: (at: number) => boolean
): TokenGapBatch => ({
  _tag: "TokenGaps",
  gapsMs: gapsMs.filter((_, at) => isWanted(at)),
  counts: counts.filter((_, at) => isWanted(at)),
  timesMs: timesMs.filter((_, at) => isWanted(at))
})

/** Worker time from one simulated time to another, in worker seconds per kind of pool; `undefined` as in the summary. */
export const workerSecondsWithin = (
  { endMs, scaling, workerSeconds }: RunSummary,
  fromMs: number,
  untilMs: number
): RunSummary["workerSeconds"] => {
  if (workerSeconds === undefined) return undefined
  if (scaling !== undefined) return scaledSeconds(scaling.sizes, fromMs, untilMs)
  const share = endMs > 0 ? (untilMs - fromMs) / endMs : 0
  return { prefill: workerSeconds.prefill * share, decode: workerSeconds.decode * share }
}

/** Every worker that is there costs its time, one that starts or drains as well. */
const scaledSeconds = (
  sizes: NonNullable<RunSummary["scaling"]>["sizes"],
  fromMs: number,
  untilMs: number
): NonNullable<RunSummary["workerSeconds"]> => {
  const seconds = { prefill: 0, decode: 0 }
  for (const pool of new Set(sizes.map((size) => size.pool))) {
    const changes = sizes.filter((size) => size.pool === pool)
    changes.forEach(({ draining, ready, starting, timeMs }, index) => {
      const start = Math.max(timeMs, fromMs)
      const end = Math.min(changes[index + 1]?.timeMs ?? untilMs, untilMs)
      if (end > start)
        seconds[pool === "prefill" ? "prefill" : "decode"] += ((ready + starting + draining) * (end - start)) / 1000
    })
  }
  return seconds
}
