/**
 * Options that exist but whose feature does not: a run that needs one of them is refused, never carried out without it.
 * A line leaves this table when its feature arrives.
 */
import type { ReplayOptions } from "../config/ReplayOptions.ts"
import { type UsageError, usageError } from "../config/UsageError.ts"

interface Missing {
  readonly flag: string
  readonly feature: string
  readonly isNeeded: (options: ReplayOptions) => boolean
}

const usesEngine = ({ deployment }: ReplayOptions, engineType: string): boolean =>
  (deployment._tag === "Aggregated" ? deployment.engine : deployment.prefill).engineType === engineType

const missing: ReadonlyArray<Missing> = [
  { flag: "--replay-mode", feature: "online replay", isNeeded: ({ mode }) => mode === "online" },
  { flag: "--planner-config", feature: "a planner in the loop", isNeeded: ({ planner }) => planner !== undefined },
  {
    flag: "--benchmark-granularity",
    feature: "a planner in the loop",
    isNeeded: ({ benchmarkGranularity }) => benchmarkGranularity !== undefined
  },
  { flag: "--extra-engine-args", feature: "engine_type=sglang", isNeeded: (options) => usesEngine(options, "sglang") }
]

/** The first feature that the run needs and that does not exist. */
export const unsupported = (options: ReplayOptions): UsageError | undefined => {
  const first = missing.find(({ isNeeded }) => isNeeded(options))
  return first === undefined ? undefined : usageError(first.flag, `${first.feature} is not supported yet`)
}
