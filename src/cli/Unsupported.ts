/**
 * Options that exist but whose feature does not: a run that needs one of them is refused, never carried out without it.
 * A line leaves this table when its feature arrives.
 */
import type { ReplayOptions } from "../run/ReplayOptions.ts"
import { type UsageError, usageError } from "../settings/UsageError.ts"

interface Missing {
  readonly flag: string
  readonly feature: string
  readonly isNeeded: (options: ReplayOptions) => boolean
}

const missing: ReadonlyArray<Missing> = [
  { flag: "--planner-config", feature: "a planner in the loop", isNeeded: ({ planner }) => planner !== undefined },
  {
    flag: "--benchmark-granularity",
    feature: "a planner in the loop",
    isNeeded: ({ benchmarkGranularity }) => benchmarkGranularity !== undefined
  }
]

/** The first feature that the run needs and that does not exist. */
export const unsupported = (options: ReplayOptions): UsageError | undefined => {
  const first = missing.find(({ isNeeded }) => isNeeded(options))
  return first === undefined ? undefined : usageError(first.flag, `${first.feature} is not supported yet`)
}
