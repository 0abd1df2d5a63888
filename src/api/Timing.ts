/** How long a pass takes, and what a timing model of one's own implements. */
export {
  Timing,
  type DecodeAhead,
  type Extrapolation,
  type TimingCoverage,
  type TimingModel,
  type TimingPhase,
  type TimingTables
} from "../timing/Timing.ts"
