/** What `--autoscale sla` can be told: objectives, when to decide, and how many workers and GPUs there may be. */
import * as Result from "effect/Result"
import { check, complete, decode, type Plain } from "../../settings/Decode.ts"
import { boolean, integer, oneOf, positive, share } from "../../settings/Kind.ts"
import { type Given, optional, setting, type Values } from "../../settings/Setting.ts"
import { type SettingsError, settingsError } from "../../settings/SettingsError.ts"
import { gpuProblem, type StartingPool } from "../GpuBudget.ts"
import { type PlannerConfig, plannerSettings } from "../reference/PlannerConfig.ts"
import { counted } from "../../settings/Counted.ts"

const milliseconds = positive(1e-3, 1e12)
const seconds = positive(1e-3, 1e9)

/** The table of the autoscaler that keeps latencies: each setting's range, default and meaning. */
export const slaSettings = {
  ttftMs: setting(milliseconds, 500, "Objective for time to first token, ms"),
  itlMs: setting(milliseconds, 50, "Objective for inter-token latency, ms"),
  intervalS: setting(seconds, 5, "Time between decisions by load, seconds"),
  predictIntervalS: setting(seconds, 60, "Time between predictions, seconds; a multiple of interval_s"),
  byLoad: setting(boolean, true, "A worker more or less by what the last passes say"),
  byPrediction: setting(boolean, true, "At least as many workers as the predicted load needs"),
  predictor: setting(
    oneOf(["kalman", "constant"]),
    "kalman",
    "How the load of the next interval is predicted: by its trend, or as it was"
  ),
  calmShare: setting(share, 0.8, "Share of the objectives that must do with a worker less"),
  minWorkers: setting(integer(1, 2 ** 16), 1, "Fewest workers of a pool"),
  maxWorkers: setting(integer(1, 2 ** 16), 32, "Most workers of a pool"),
  maxGpus: optional(integer(1, 2 ** 24), undefined, "GPUs of all pools together at most; none is the limit by default")
}

/** All settings, checked; objectives in ms, intervals in seconds. */
export type SlaConfig = Values<typeof slaSettings>
/** Settings that differ from their defaults. */
export type GivenSla = Given<typeof slaSettings>

const completed = (given: GivenSla): Result.Result<SlaConfig, SettingsError> => {
  const config = complete(slaSettings, given)
  const problem = ownProblem(config)
  return problem === undefined ? Result.succeed(config) : Result.fail(problem)
}

export const decodeSlaConfig = (written: Plain): Result.Result<SlaConfig, SettingsError> =>
  Result.flatMap(decode(slaSettings, written), completed)

/** Defaults filled in, or which setting is out of range or contradicts another. */
export const makeSlaConfig = (given: GivenSla): Result.Result<SlaConfig, SettingsError> =>
  Result.flatMap(check(slaSettings, given), completed)

const ownProblem = (config: SlaConfig): SettingsError | undefined => {
  const { byLoad, byPrediction, intervalS, maxWorkers, minWorkers, predictIntervalS } = config
  if (!byLoad && !byPrediction) {
    return settingsError("by_load", "nothing is scaled: by_load or by_prediction must be true")
  }
  const intervals = predictIntervalS / intervalS
  if (byPrediction && (Math.abs(intervals - Math.round(intervals)) > 1e-9 * intervals || intervals < 1)) {
    return settingsError(
      "predict_interval_s",
      `must be a multiple of interval_s, got ${predictIntervalS} and ${intervalS}`
    )
  }
  return minWorkers > maxWorkers
    ? settingsError("min_workers", `must not exceed max_workers, got ${minWorkers} and ${maxWorkers}`)
    : undefined
}

/** What cannot be kept in a run over these pools. */
export const slaProblem = (
  { maxGpus, maxWorkers, minWorkers }: SlaConfig,
  pools: ReadonlyArray<StartingPool>
): SettingsError | undefined => {
  const most = pools.find(({ workers }) => workers > maxWorkers)
  if (most !== undefined) {
    return settingsError(
      "max_workers",
      `the ${most.role} pool starts with ${counted(most.workers, "worker")}, which is more than ${maxWorkers}`
    )
  }
  const fewest = pools.find(({ workers }) => workers < minWorkers)
  return fewest === undefined
    ? gpuProblem(maxGpus, pools, () => minWorkers)
    : settingsError(
        "min_workers",
        `the ${fewest.role} pool starts with ${counted(fewest.workers, "worker")}, which is fewer than ${minWorkers}`
      )
}

/** The planner that keeps these objectives by the engine's own timing model. */
export const plannerConfigOf = (config: SlaConfig): PlannerConfig => {
  const {
    loadPredictor: _,
    scheduling: __,
    ...values
  } = complete(plannerSettings, {
    optimizationTarget: "sla",
    latencyModel: "timing",
    loadAdjustmentIntervalSeconds: config.intervalS,
    throughputAdjustmentIntervalSeconds: config.predictIntervalS,
    enableLoadScaling: config.byLoad,
    enableThroughputScaling: config.byPrediction,
    minEndpoint: config.minWorkers,
    ttftMs: config.ttftMs,
    itlMs: config.itlMs,
    loadScalingDownSensitivity: config.calmShare * 100
  })
  return { ...values, loadPredictor: config.predictor, scaleIntervalSeconds: config.intervalS, unknownKeys: [] }
}
