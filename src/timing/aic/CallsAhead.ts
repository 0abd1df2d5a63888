/** Calls made ahead of their time: what their look-ups left is kept until it is known which of them were in earnest. */
import type { TimingPhase } from "../Timing.ts"
import type { Coverage } from "./Coverage.ts"
import { MeasuredRange } from "./MeasuredRange.ts"

export class CallsAhead {
  private readonly phase: TimingPhase
  private calls = 0
  /** Of those calls that left what was measured, in order: which ones in a row, and what each of them left. Used again and again. */
  private leftCount = 0
  private readonly leftFrom: Array<number> = []
  private readonly leftTo: Array<number> = []
  private readonly leftRanges: Array<MeasuredRange> = []

  constructor(phase: TimingPhase) {
    this.phase = phase
  }

  begin(): void {
    this.calls = 0
    this.leftCount = 0
  }

  /** So many more calls have each left what `range` says. */
  note(range: MeasuredRange, calls: number): void {
    const from = this.calls
    this.calls += calls
    if (!range.left) return
    const kept = (this.leftRanges[this.leftCount] ??= new MeasuredRange())
    kept.reset()
    kept.addFrom(range)
    this.leftFrom[this.leftCount] = from
    this.leftTo[this.leftCount] = this.calls
    this.leftCount += 1
  }

  /** The first `calls` of them count, and the others never happened. */
  count(calls: number, coverage: Coverage): void {
    let within = calls
    for (let index = 0; index < this.leftCount && this.leftFrom[index]! < calls; index++) {
      const left = Math.min(this.leftTo[index]!, calls) - this.leftFrom[index]!
      coverage.count(this.phase, this.leftRanges[index]!, left)
      within -= left
    }
    coverage.countWithin(this.phase, within)
    this.begin()
  }
}
