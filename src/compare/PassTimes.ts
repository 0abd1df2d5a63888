/** What the passes of a worker were made of, summed up over time: how the time between two instants would change with the factors. */

/** Times in ms; a pass that lies partly in the range counts in part. */
export interface TimeSpent {
  readonly prefillMs: number
  readonly decodeMs: number
  readonly passes: number
}

export class PassTimes {
  private readonly overheadMs: number
  private readonly startsMs: Array<number> = []
  private readonly endsMs: Array<number> = []
  /** When the worker, idle before, began to work without a break until the pass. */
  private readonly busySinceMs: Array<number> = []
  /** Sums before each pass. */
  private readonly prefillMs: Array<number> = []
  private readonly decodeMs: Array<number> = []
  private prefillSumMs = 0
  private decodeSumMs = 0

  /** `overheadMs` of each pass is in its part that comes first. */
  constructor(overheadMs: number) {
    this.overheadMs = overheadMs
  }

  /** In order of time; passes that take no time are none. */
  add(startMs: number, prefillEndMs: number, endMs: number): void {
    if (endMs <= startMs) return
    const pass = this.startsMs.length
    const unbroken = pass > 0 && startMs <= (this.endsMs[pass - 1] ?? 0)
    this.busySinceMs.push(unbroken ? (this.busySinceMs[pass - 1] ?? startMs) : startMs)
    this.startsMs.push(startMs)
    this.endsMs.push(endMs)
    this.prefillMs.push(this.prefillSumMs)
    this.decodeMs.push(this.decodeSumMs)
    const prefills = prefillEndMs > startMs
    this.prefillSumMs += prefills ? prefillEndMs - startMs - this.overheadMs : 0
    this.decodeSumMs += prefills ? endMs - prefillEndMs : endMs - startMs - this.overheadMs
  }

  between(fromMs: number, toMs: number): TimeSpent {
    const [from, to] = [this.before(fromMs), this.before(toMs)]
    return {
      prefillMs: to.prefillMs - from.prefillMs,
      decodeMs: to.decodeMs - from.decodeMs,
      passes: to.passes - from.passes
    }
  }

  /** From the worker's last idle moment on. */
  sinceIdle(atMs: number): TimeSpent {
    return this.between(this.busySinceMs[this.lastStartedBefore(atMs)] ?? atMs, atMs)
  }

  private before(atMs: number): TimeSpent {
    const pass = this.lastStartedBefore(atMs)
    if (pass < 0) return { prefillMs: 0, decodeMs: 0, passes: 0 }
    const [startMs, endMs] = [this.startsMs[pass] ?? 0, this.endsMs[pass] ?? 0]
    const share = Math.min(1, (atMs - startMs) / (endMs - startMs))
    const [prefillMs, decodeMs] = [this.prefillMs[pass] ?? 0, this.decodeMs[pass] ?? 0]
    return {
      prefillMs: prefillMs + share * ((this.prefillMs[pass + 1] ?? this.prefillSumMs) - prefillMs),
      decodeMs: decodeMs + share * ((this.decodeMs[pass + 1] ?? this.decodeSumMs) - decodeMs),
      passes: pass + share
    }
  }

  private lastStartedBefore(atMs: number): number {
    let [low, high] = [0, this.startsMs.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.startsMs[middle] ?? 0) < atMs) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}
