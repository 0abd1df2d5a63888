/** What a planner in the loop can be combined with. */
import type { GivenOptions } from "../GivenOptions.ts"
import { usageError } from "../../settings/UsageError.ts"
import type { Problem } from "./Rule.ts"

export const plannerOutputProblem = (given: GivenOptions): Problem => {
  if (given.plannerConfig === undefined) return undefined
  if (given.reportJsonl !== undefined) return usageError("--report-jsonl", "does not work with --planner-config")
  if (given.maxSimTimeSeconds !== undefined)
    return usageError("--max-sim-time-seconds", "does not work with --planner-config")
  return undefined
}

export const plannerFormatProblem = (given: GivenOptions): Problem => {
  if (given.plannerConfig === undefined) return undefined
  if (given.replayMode === "online") return usageError("--planner-config", "only works with --replay-mode offline")
  if ((given.traceFormat ?? "mooncake") !== "mooncake") {
    return usageError("--planner-config", "only works with --trace-format mooncake")
  }
  return undefined
}
