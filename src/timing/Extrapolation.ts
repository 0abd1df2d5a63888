/** Says in a sentence how often and how far pass times went beyond what was measured, and in what. */
import type { Extrapolation, TimingCoverage } from "./Timing.ts"

const one = ({ calls, direction, farthest, measured, phase, quantity }: Extrapolation): string =>
  `${calls} ${phase} times by ${quantity} (${farthest}, measured ${direction === "above" ? "up to" : "from"} ${measured})`

/** `undefined` where nothing was extrapolated. */
export const describeExtrapolation = (coverage: TimingCoverage | undefined): string | undefined =>
  coverage === undefined || coverage.extrapolated === 0
    ? undefined
    : `${coverage.extrapolated} of ${coverage.calls} pass times lie beyond what was measured: `
      + coverage.beyond.map(one).join(", ")
