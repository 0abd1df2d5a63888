/** Calls made ahead of their time: what their look-ups left is kept until it is known which of them were in earnest. */
import type { TimingPhase } from "../Timing.ts"
import type { Coverage } from "./Coverage.ts"
import { MeasuredRange } from "./MeasuredRange.ts"

export class CallsAhead {
  private readonly phase: TimingPhase
  private calls = 0
  /** Of those calls that left what was measured, in order: which one, and what it left. Used again and again. */
  private leftCount = 0
  private readonly leftCalls: Array<number> = []
  private readonly leftRanges: Array<MeasuredRange> = []

  constructor(phase: TimingPhase) {
    this.phase = phase
  }

  begin(): void {
    this.calls = 0
    this.leftCount = 0
  }

  /** A call has left what `range` says. */
  note(range: MeasuredRange): void {
    const call = this.calls++
    if (!range.left) return
    const kept = (this.leftRanges[this.leftCount] ??= new MeasuredRange())
    kept.reset()
    kept.addFrom(range)
    this.leftCalls[this.leftCount++] = call
  }

  /** The first `calls` of them count, and the others never happened. */
  count(calls: number, coverage: Coverage): void {
    let within = calls
    for (let index = 0; index < this.leftCount && this.leftCalls[index]! < calls; index++) {
      coverage.count(this.phase, this.leftRanges[index]!)
      within -= 1
    }
    coverage.countWithin(this.phase, within)
    this.begin()
  }
}
