/**
 * The lane from device to host memory: copies of blocks that have been computed, and those of blocks that will have been when the pass ends.
 *
 *     copies   | 17: 40 ms, 2 runs | 18: 41 ms, 1 run | 19: -, 1 run |     by number, which counts up; each with its holder
 *                first ─┘     under way                └─ unstarted    ▲ last
 *     runs     | 96 × 32 | 640 × 8 | -32 × 1        | 648 × 24 |         first identity, length; those of one copy after another's
 *
 * Both are rings of columns, as long as what was in them at a time: a copy makes no object, and its end no number. Copies end in their order,
 * and so do their runs. 24 bytes per copy and 8 per run.
 */
import { grown } from "../../structures/Grown.ts"
import type { RunList } from "./BlockRuns.ts"
import { Lane } from "./Lane.ts"
import type { RunningCopies } from "./TierUser.ts"
import type { TransferTimes } from "./TransferTimes.ts"

const initialCopies = 16

export class HostCopies<Holder extends RunningCopies> extends Lane {
  /** Number of the copy that ends next. */
  first = 0
  private unstarted = 0
  private last = 0
  private readonly blockBytes: number
  /** By number, as far as it lasts: end, ms; blocks; runs. */
  private ends = new Float64Array(initialCopies)
  private blocks = new Int32Array(initialCopies)
  private runCounts = new Int32Array(initialCopies)
  private holders: Array<Holder | undefined> = Array.from({ length: initialCopies }, () => undefined)
  /** First identity and length of each run. */
  private runs = new Int32Array(2 * initialCopies)
  private firstRun = 0
  private lastRun = 0

  constructor(gigabytesPerSecond: number, latencyMs: number, times: TransferTimes, blockBytes: number) {
    super(gigabytesPerSecond, latencyMs, times)
    this.blockBytes = blockBytes
  }

  /** Adds a copy of these blocks, to be started with all others that were added since the last start. */
  add(runs: RunList, holder: Holder): void {
    const copy = this.last++
    if (copy - this.first === this.ends.length) this.growCopies()
    holder.copies += 1
    const at = copy & (this.ends.length - 1)
    let blocks = 0
    for (let run = 0; run < runs.count; run++) {
      this.addRun(runs.keyOf(run), runs.lengthOf(run))
      blocks += runs.lengthOf(run)
    }
    this.blocks[at] = blocks
    this.runCounts[at] = runs.count
    this.holders[at] = holder
  }

  /** The blocks of all copies that are not under way are there at `readyMs`. */
  start(readyMs: number): void {
    const { ends, holders } = this
    const mask = ends.length - 1
    for (; this.unstarted < this.last; this.unstarted++) {
      const at = this.unstarted & mask
      this.take(this.blocks[at]! * this.blockBytes, readyMs)
      ends[at] = this.tailMs
      holders[at]!.lastEndMs = this.tailMs
      if (this.unstarted === this.first) this.nextEndMs = this.tailMs
    }
  }

  /** When the copy with this number, which is under way, ends. */
  endMsOf(copy: number): number {
    return this.ends[copy & (this.ends.length - 1)]!
  }

  /** Number of the copy under way that brings a block, -1 for none. Few ask, so nobody keeps a list by block. */
  bringing(key: number): number {
    let run = this.firstRun
    for (let copy = this.first; copy < this.unstarted; copy++)
      for (const end = run + this.runCounts[copy & (this.ends.length - 1)]!; run < end; run++) {
        const cell = this.cellOf(run)
        if (key >= this.runs[cell]! && key < this.runs[cell]! + this.runs[cell + 1]!) return copy
      }
    return -1
  }

  /** The copy that ends next has ended: tells of its runs, the last one first, and returns who holds its blocks. */
  end(arrived: (key: number, count: number) => void): Holder {
    const { holders } = this
    const at = this.first & (this.ends.length - 1)
    const holder = holders[at]!
    this.account(this.blocks[at]! * this.blockBytes)
    this.times.changes += 1
    const behind = this.firstRun + this.runCounts[at]!
    // A prefix is used later than what extends it.
    for (let run = behind - 1; run >= this.firstRun; run--) {
      const cell = this.cellOf(run)
      arrived(this.runs[cell]!, this.runs[cell + 1]!)
    }
    this.firstRun = behind
    holders[at] = undefined
    this.first += 1
    this.nextEndMs = this.first < this.unstarted ? this.endMsOf(this.first) : Number.POSITIVE_INFINITY
    return holder
  }

  private addRun(key: number, count: number): void {
    if (2 * (this.lastRun - this.firstRun) === this.runs.length) this.growRuns()
    const cell = this.cellOf(this.lastRun++)
    this.runs[cell] = key
    this.runs[cell + 1] = count
  }

  private cellOf(run: number): number {
    return (2 * run) & (this.runs.length - 1)
  }

  /** What a ring holds when it grows is then there twice, so that every number finds its place by the longer mask. */
  private growCopies(): void {
    const { ends, holders } = this
    const { length } = ends
    this.ends = grown(ends).copyWithin(length, 0, length)
    this.blocks = grown(this.blocks).copyWithin(length, 0, length)
    this.runCounts = grown(this.runCounts).copyWithin(length, 0, length)
    this.holders = Array.from({ length: 2 * length }, (_, at) => holders[at & (length - 1)])
  }

  private growRuns(): void {
    const { length } = this.runs
    this.runs = grown(this.runs).copyWithin(length, 0, length)
  }
}
