/** How hard the load presses, where the run stops, what a good request is, and which trace formats can be driven how. */
import type { GivenOptions } from "../GivenOptions.ts"
import type { Load, ServiceLevelBounds, SyntheticInput, TraceInput } from "../ReplayOptions.ts"
import { usageError } from "../UsageError.ts"
import { atLeastOne, duration, type Problem } from "./Rule.ts"

export const limitProblem = ({ maxSimTimeSeconds }: GivenOptions): Problem =>
  maxSimTimeSeconds === undefined ? undefined : duration("--max-sim-time-seconds", maxSimTimeSeconds)

export const serviceLevelProblem = (given: GivenOptions): Problem => {
  const bounds: ReadonlyArray<readonly [flag: string, value: number | undefined]> = [
    ["--sla-ttft-ms", given.slaTtftMs],
    ["--sla-itl-ms", given.slaItlMs],
    ["--sla-e2e-ms", given.slaE2eMs]
  ]
  for (const [flag, value] of bounds) {
    if (value === undefined) continue
    const problem = duration(flag, value)
    if (problem !== undefined) return problem
  }
  return undefined
}

export const serviceLevelOf = (given: GivenOptions): ServiceLevelBounds => ({
  ...(given.slaTtftMs === undefined ? {} : { ttftMs: given.slaTtftMs }),
  ...(given.slaItlMs === undefined ? {} : { itlMs: given.slaItlMs }),
  ...(given.slaE2eMs === undefined ? {} : { e2eMs: given.slaE2eMs })
})

export const concurrencyProblem = (given: GivenOptions): Problem =>
  given.replayConcurrency === undefined ? undefined : atLeastOne("--replay-concurrency", given.replayConcurrency)

export const speedupProblem = (given: GivenOptions): Problem => {
  const ratio = given.arrivalSpeedupRatio
  if (ratio === undefined || given.replayConcurrency !== undefined) return undefined
  return Number.isFinite(ratio) && ratio > 0
    ? undefined
    : usageError("--arrival-speedup-ratio", `must be a finite number above 0, got ${ratio}`)
}

export const loadOf = (given: GivenOptions): Load =>
  given.replayConcurrency === undefined
    ? { _tag: "OpenLoop", arrivalSpeedup: given.arrivalSpeedupRatio ?? 1 }
    : { _tag: "ClosedLoop", concurrency: given.replayConcurrency }

/** Graphs of requests have their own order, which leaves nothing for a fixed concurrency to decide. */
export const formatProblem = (given: GivenOptions, input: TraceInput | SyntheticInput): Problem =>
  input._tag === "Trace" && input.format === "agentic_mooncake" && given.replayConcurrency !== undefined
    ? usageError("--replay-concurrency", "agentic_mooncake traces cannot be replayed in a closed loop")
    : undefined
