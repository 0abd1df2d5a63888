/** How far the live clock ran behind the modelled times: passes whose end was noticed late. Plain and synchronous. */
import { counted } from "../settings/Counted.ts"
/** How late passes ended on the live clock, real ms behind the modelled times. */
export class LagMeter {
  passes = 0
  maxMs = 0
  /** Time by which passes started later than the model had them, because their worker had fallen too far behind. */
  slippedMs = 0
  private sumMs = 0

  get meanMs(): number {
    return this.passes === 0 ? 0 : this.sumMs / this.passes
  }

  /** A pass that should have ended at `plannedMs` was seen to end at `actualMs`. */
  passEnded(plannedMs: number, actualMs: number): void {
    const lagMs = Math.max(0, actualMs - plannedMs)
    this.passes += 1
    this.sumMs += lagMs
    this.maxMs = Math.max(this.maxMs, lagMs)
  }

  /** A worker gave up catching up. */
  slipped(byMs: number): void {
    this.slippedMs += byMs
  }

  /** One sentence for people, to stand beside the report. */
  describe(): string {
    return (
      `on the live clock ${counted(this.passes, "pass", "passes")} ended ${this.meanMs.toFixed(3)} ms late on average and `
      + `${this.maxMs.toFixed(3)} ms at most; workers slipped ${this.slippedMs.toFixed(3)} ms behind their model in total`
    )
  }
}
