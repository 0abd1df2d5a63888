/** What a planner cannot be asked to do, although its configuration is well-formed. */
import { type SettingsError, settingsError } from "../../settings/SettingsError.ts"
import type { PlannerConfig } from "./PlannerConfig.ts"
import { counted } from "../../settings/Counted.ts"

/** `isDisaggregated`: the run has a prefill and a decode pool. */
export const plannerProblem = (config: PlannerConfig, isDisaggregated: boolean): SettingsError | undefined =>
  modeProblem(config, isDisaggregated) ?? predictorProblem(config) ?? budgetProblem(config, isDisaggregated ? 2 : 1)

const modeProblem = ({ mode }: PlannerConfig, isDisaggregated: boolean): SettingsError | undefined => {
  if (mode !== "agg" && mode !== "disagg") {
    return settingsError("mode", `a replay scales agg or disagg, got ${JSON.stringify(mode)}`)
  }
  if (mode === "disagg" && !isDisaggregated) {
    return settingsError(
      "mode",
      "disagg needs --prefill-engine-args and --decode-engine-args",
      'write "mode": "agg" to scale the workers of an aggregated run'
    )
  }
  return mode === "agg" && isDisaggregated
    ? settingsError("mode", "agg needs an aggregated run", 'write "mode": "disagg" to scale prefill and decode workers')
    : undefined
}

const predictorProblem = (config: PlannerConfig): SettingsError | undefined => {
  if (config.aicPerfModel !== undefined) {
    return settingsError("aic_perf_model", "is not simulated: latencies are learnt from the run", "leave it out")
  }
  const { enableThroughputScaling, loadPredictor } = config
  if (!enableThroughputScaling || loadPredictor === "constant" || loadPredictor === "kalman") return undefined
  const known = loadPredictor === "arima" || loadPredictor === "prophet"
  return settingsError(
    "load_predictor",
    known ? `${loadPredictor} is not simulated` : `unknown predictor ${JSON.stringify(loadPredictor)}`,
    'write "load_predictor": "kalman", which follows a trend, or "constant"; or switch enable_throughput_scaling off'
  )
}

/** Below it the reference removes all workers and never ends. */
const budgetProblem = ({ maxGpuBudget, minEndpoint }: PlannerConfig, pools: number): SettingsError | undefined => {
  const fewest = pools * Math.max(1, minEndpoint)
  return maxGpuBudget >= 0 && maxGpuBudget < fewest
    ? settingsError(
        "max_gpu_budget",
        `${maxGpuBudget} cannot hold ${pools === 1 ? "the pool" : "both pools"} with at least ${counted(Math.max(1, minEndpoint), "worker")} each`,
        `give at least ${fewest}, or a negative number for no limit`
      )
    : undefined
}
