import type { TimingPhase } from "../timing/Timing.ts"

/** Beyond this not even whole milliseconds are exact. */
const longestMs = Number.MAX_SAFE_INTEGER

/**
 * A timing model's answer that is no duration. Engines are synchronous, so they throw this; the simulation turns it into its own error.
 */
export class TimingFault extends Error {
  override readonly name: string = "TimingFault"

  constructor(phase: TimingPhase, ms: number) {
    super(`the timing model says that the ${phase} part of a pass takes ${ms} ms: expected a number from 0 to 2^53 - 1`)
  }
}

/** The answer of a model, or a {@link TimingFault} where it is `NaN` or has no end. What is below 0 counts as 0 to engines. */
export const checkedMs = (phase: TimingPhase, ms: number): number => {
  if (ms <= longestMs) return ms
  throw new TimingFault(phase, ms)
}
