/**
 * Passes of a worker computed ahead of time: those that follow its last one directly, as long as nobody tells it anything and nothing
 * happens in them but one more token for everybody who runs.
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

export class PassesAhead {
  count = 0
  /** Ends of the passes, of which the first {@link count} count, ms. */
  ends = noEnds
  private lastEndMs = Number.NaN

  /** The last pass that was computed in its time ended at `lastEndMs`. */
  begin(lastEndMs: number): void {
    this.count = 0
    this.lastEndMs = lastEndMs
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

  /** Where the last pass starts, ms; only while there are passes ahead. */
  get startMs(): number {
    return this.count > 1 ? this.ends[this.count - 2]! : this.lastEndMs
  }

  /** The pass under way at `nowMs` becomes the last one; `ended`: one that ends then is over, and none starts. */
  keep(nowMs: number, ended: boolean): void {
    while (this.count > 0) {
      const { startMs } = this
      if (startMs < nowMs || (startMs === nowMs && !ended)) return
      this.count -= 1
    }
  }
}
