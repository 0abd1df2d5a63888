/** How hard the load presses, where the run stops, what a good request is, and which trace formats can be driven how. */
import type { GivenOptions } from "../GivenOptions.ts"
import { measuredPartProblem } from "../../run/MeasuredPart.ts"
import type { Load, ReplayOptions, RunInput, ServiceLevelBounds } from "../../run/ReplayOptions.ts"
import { usageError } from "../../settings/SettingsError.ts"
import { arrivalSpeedup } from "../../workload/LoadSettings.ts"
import { flagProblem } from "../ReadFlags.ts"
import type { Problem } from "./Rule.ts"

export const serviceLevelOf = (given: GivenOptions): ServiceLevelBounds => ({
  ...(given.slaTtftMs === undefined ? {} : { ttftMs: given.slaTtftMs }),
  ...(given.slaItlMs === undefined ? {} : { itlMs: given.slaItlMs }),
  ...(given.slaE2eMs === undefined ? {} : { e2eMs: given.slaE2eMs })
})

/** Nothing where the whole run counts. */
export const measureOf = ({ measureFrom, measureUntil }: GivenOptions): Pick<ReplayOptions, "measure"> => {
  if (measureFrom === undefined && measureUntil === undefined) return {}
  return {
    measure: {
      ...(measureFrom === undefined ? {} : { from: measureFrom }),
      ...(measureUntil === undefined ? {} : { until: measureUntil })
    }
  }
}

export const measureProblem = (given: GivenOptions): Problem => {
  const { measure = {} } = measureOf(given)
  const problem = measuredPartProblem(measure)
  return problem === undefined ? undefined : usageError("--measure-until", problem)
}

/** A closed loop has no arrivals to speed up, so there the ratio is never looked at. */
export const speedupProblem = (given: GivenOptions): Problem =>
  given.replayConcurrency === undefined
    ? flagProblem("arrival-speedup-ratio", arrivalSpeedup, given.arrivalSpeedupRatio)
    : undefined

export const loadOf = (given: GivenOptions): Load =>
  given.replayConcurrency === undefined
    ? { _tag: "OpenLoop", arrivalSpeedup: given.arrivalSpeedupRatio ?? 1 }
    : { _tag: "ClosedLoop", concurrency: given.replayConcurrency }

/** Graphs of requests have their own order, which leaves nothing for a fixed concurrency to decide. */
export const formatProblem = (given: GivenOptions, input: RunInput): Problem =>
  input._tag === "Trace" && input.format === "agentic_mooncake" && given.replayConcurrency !== undefined
    ? usageError("--replay-concurrency", "agentic_mooncake traces cannot be replayed in a closed loop")
    : undefined
