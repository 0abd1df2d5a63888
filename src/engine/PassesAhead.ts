/**
 * Passes of a worker computed ahead of time: those that follow its last one directly, as long as nobody tells it anything and nothing
 * happens in them that anybody could notice: one more token for everybody who runs, and the KV blocks that those tokens need.
 *
 *     last pass │ ahead 0 │ ahead 1 │ ahead 2 │
 *               ▲         ▲         ▲         ▲
 *         lastEndMs     ends[0]   ends[1]   ends[2] = endMs
 *
 * Whoever moves time visits the last end only. Before somebody tells the worker something, the passes that would start after that are
 * taken back ({@link PassesAhead.keep}). What is left of them the worker carries out when they are over.
 */

/** Shared by all workers that have not run ahead yet. */
const noEnds = new Float64Array(0)

/** Ends of passes that were computed ahead of their time; those that have not begun can be taken back. */
export class PassesAhead {
  count = 0
  /** Requests, all of which emit one token in each of the passes, but for the last one where that {@link isUneven}. */
  batch = 0
  /** All of them have begun: none is taken back any more. */
  allBegun = false
  /** Cached blocks are evicted in them of which somebody is told who asks (`WorkerCore.tellBegun`). */
  evictsHeard = false
  /** In the last of them some may find no room for their token: what follows is known once it has been carried out. */
  isUneven = false
  /** Ends of the passes, of which the first {@link count} count, ms. */
  ends = noEnds
  /** What whoever times them keeps to: {@link bound}. */
  maxPasses = 0
  untilMs = Number.POSITIVE_INFINITY
  startsBeforeMs = Number.POSITIVE_INFINITY
  private lastEndMs = Number.NaN

  /** The last pass that was computed in its time ended at `lastEndMs`. */
  begin(lastEndMs: number): void {
    this.count = 0
    this.allBegun = false
    this.evictsHeard = false
    this.isUneven = false
    this.lastEndMs = lastEndMs
  }

  /** At most `maxPasses` of them are wanted, which end by `untilMs` and start before `startsBeforeMs`. */
  bound(maxPasses: number, untilMs: number, startsBeforeMs = Number.POSITIVE_INFINITY): void {
    this.maxPasses = maxPasses
    this.untilMs = untilMs
    this.startsBeforeMs = startsBeforeMs
  }

  /** Makes room for so many passes in {@link ends}; whoever writes them there sets {@link count}. */
  reserve(passes: number): Float64Array {
    if (passes > this.ends.length) this.ends = new Float64Array(Math.max(16, 2 * passes))
    return this.ends
  }

  /** Where the last pass ends, ms. */
  get endMs(): number {
    return this.count === 0 ? this.lastEndMs : this.ends[this.count - 1]!
  }

  /** Where the last pass starts, ms; while there are none ahead, where it would. */
  get startMs(): number {
    return this.startOf(this.count - 1)
  }

  /** Where one of them starts, ms; where the last one computed in its time ended, for the first. */
  startOf(pass: number): number {
    return pass < 1 ? this.lastEndMs : this.ends[pass - 1]!
  }

  /** How many of them begin before `timeMs`. */
  begunBefore(timeMs: number): number {
    const { count, ends, lastEndMs } = this
    if (count === 0 || lastEndMs >= timeMs) return 0
    // All but the last pass end where the next one starts.
    let from = 0
    let to = count - 1
    while (from < to) {
      const middle = (from + to) >> 1
      if (ends[middle]! < timeMs) from = middle + 1
      else to = middle
    }
    return from + 1
  }

  /** How many of them have begun at `nowMs`; `ended`: where one ends then, the next one has not begun yet. */
  begunAt(nowMs: number, ended: boolean): number {
    const before = this.begunBefore(nowMs)
    return !ended && before < this.count && this.startOf(before) === nowMs ? before + 1 : before
  }

  /** The pass under way at `nowMs` becomes the last one; `ended`: one that ends then is over, and none starts. */
  keep(nowMs: number, ended: boolean): void {
    this.allBegun = true
    while (this.count > 0) {
      const { startMs } = this
      if (startMs < nowMs || (startMs === nowMs && !ended)) return
      this.count -= 1
      this.isUneven = false
    }
  }
}
