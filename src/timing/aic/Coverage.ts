/** Which calls of a pool's models left what was measured: in which phase, along which quantity, how often and how far. */
import type { Extrapolation, TimingCoverage, TimingPhase } from "../Timing.ts"
import { distanceBeyond, isAbove, type MeasuredRange, quantityOf, slots } from "./MeasuredRange.ts"

class PhaseCoverage {
  calls = 0
  extrapolated = 0
  private readonly times = new Float64Array(slots)
  private readonly values = new Float64Array(slots)
  private readonly limits = new Float64Array(slots)

  count(range: MeasuredRange, calls: number): void {
    this.calls += calls
    if (!range.left) return
    this.extrapolated += calls
    for (let slot = 0; slot < slots; slot++) {
      const value = range.values[slot]!
      if (value > 0) this.note(slot, value, range.limits[slot]!, calls)
    }
  }

  private note(slot: number, value: number, limit: number, calls: number): void {
    const times = this.times[slot]!
    this.times[slot] = times + calls
    if (times === 0 || this.isFarther(slot, value, limit)) {
      this.values[slot] = value
      this.limits[slot] = limit
    }
  }

  /** Of two that are as far, the greater value: so the order of calls makes no difference. */
  private isFarther(slot: number, value: number, limit: number): boolean {
    const known = this.values[slot]!
    const farther = distanceBeyond(value, limit) - distanceBeyond(known, this.limits[slot]!)
    return farther > 0 || (farther === 0 && value > known)
  }

  extrapolations(phase: TimingPhase): ReadonlyArray<Extrapolation> {
    return Array.from({ length: slots }, (_, slot) => slot)
      .filter((slot) => this.times[slot]! > 0)
      .map((slot) => ({
        phase,
        quantity: quantityOf(slot),
        direction: isAbove(slot) ? "above" : "below",
        calls: this.times[slot]!,
        farthest: this.values[slot]!,
        measured: this.limits[slot]!
      }))
  }
}

/** Counts calls; allocates only when asked for the result. */
export class Coverage {
  private readonly prefill = new PhaseCoverage()
  private readonly decode = new PhaseCoverage()

  /** So many calls, one if not said, that each left what `range` says. */
  count(phase: TimingPhase, range: MeasuredRange, calls = 1): void {
    ;(phase === "prefill" ? this.prefill : this.decode).count(range, calls)
  }

  /** So many calls that left nothing. */
  countWithin(phase: TimingPhase, calls: number): void {
    ;(phase === "prefill" ? this.prefill : this.decode).calls += calls
  }

  snapshot(): TimingCoverage {
    const { decode, prefill } = this
    return {
      calls: prefill.calls + decode.calls,
      extrapolated: prefill.extrapolated + decode.extrapolated,
      beyond: [...prefill.extrapolations("prefill"), ...decode.extrapolations("decode")]
    }
  }
}
