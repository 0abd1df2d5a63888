/** Who decides how many workers there are, and what that can be combined with. */
import * as Result from "effect/Result"
import { decodeSlaConfig, slaProblem } from "../../autoscaler/sla/SlaSettings.ts"
import { decodePlannerConfig } from "../../autoscaler/reference/PlannerConfig.ts"
import { plannerProblem } from "../../autoscaler/reference/PlannerProblem.ts"
import type { StartingPool } from "../../autoscaler/GpuBudget.ts"
import { decodeUtilisationConfig, utilisationProblem } from "../../autoscaler/utilisation/UtilisationSettings.ts"
import type { AutoscalePolicy, Deployment, ScalingOptions } from "../../run/ReplayOptions.ts"
import { gpusOfPool, poolsOf } from "../../run/WorkerGroups.ts"
import type { Plain } from "../../settings/Decode.ts"
import type { SettingsError } from "../../settings/SettingsError.ts"
import { usageError } from "../../settings/SettingsError.ts"
import type { ConfigError } from "../ConfigError.ts"
import { decodePlaced, placedError } from "../DecodeSettings.ts"
import type { GivenOptions } from "../GivenOptions.ts"
import { type JsonSetting, nodeOf } from "../JsonSetting.ts"
import type { Problem } from "./Rule.ts"

const given = ({ autoscale, autoscaleConfig, autoscaleSchedule, plannerConfig }: GivenOptions): ReadonlyArray<string> =>
  (
    [
      ["--planner-config", plannerConfig],
      ["--autoscale-schedule", autoscaleSchedule],
      [autoscale === undefined ? "--autoscale-config" : "--autoscale", autoscale ?? autoscaleConfig]
    ] as const
  ).flatMap(([flag, value]) => (value === undefined ? [] : [flag]))

export const scalingFlagsProblem = (options: GivenOptions): Problem => {
  if (options.workerEvents !== undefined && options.replayMode === "online") {
    return usageError("--worker-events", "only works with --replay-mode offline")
  }
  const [flag, other] = given(options)
  if (flag === undefined) return undefined
  if (other !== undefined) return usageError(other, `does not work with ${flag}: only one can decide`, "leave one out")
  return options.replayMode === "online" ? usageError(flag, "only works with --replay-mode offline") : undefined
}

/** The pools as they start; workers that are added are of the last group. */
const startingPools = (deployment: Deployment): ReadonlyArray<StartingPool> =>
  poolsOf(deployment).map((pool) => ({
    role: pool.role,
    workers: pool.workers,
    gpus: gpusOfPool(pool),
    gpusPerWorker: (pool.groups.at(-1) ?? pool.groups[0]).engine.gpusPerWorker
  }))

/** Without settings all have their defaults. */
const noSettings: JsonSetting = { _tag: "Text", flag: "--autoscale", text: "{}" }

/** Settings read by one policy and held against the pools. */
const settingsOf = <A>(
  setting: JsonSetting,
  deployment: Deployment,
  decode: (written: Plain) => Result.Result<A, SettingsError>,
  problemOf: (config: A, pools: ReadonlyArray<StartingPool>) => SettingsError | undefined
): Result.Result<A, ConfigError> =>
  Result.gen(function* () {
    const placed = yield* nodeOf(setting)
    const config = yield* decodePlaced(placed, decode)
    const problem = problemOf(config, startingPools(deployment))
    return problem === undefined ? config : yield* Result.fail(placedError(placed, problem))
  })

const autoscaleOf = (
  policy: AutoscalePolicy,
  setting: JsonSetting,
  deployment: Deployment
): Result.Result<ScalingOptions, ConfigError> =>
  policy === "sla"
    ? Result.map(settingsOf(setting, deployment, decodeSlaConfig, slaProblem), (config) => ({ _tag: "Sla", config }))
    : Result.map(settingsOf(setting, deployment, decodeUtilisationConfig, utilisationProblem), (config) => ({
        _tag: "Utilisation",
        config
      }))

export const scalingOf = (
  { autoscale, autoscaleConfig, autoscaleSchedule, plannerConfig }: GivenOptions,
  deployment: Deployment
): Result.Result<ScalingOptions | undefined, ConfigError> => {
  if (autoscaleSchedule !== undefined) return Result.succeed({ _tag: "Schedule", file: autoscaleSchedule })
  if (autoscale !== undefined || autoscaleConfig !== undefined) {
    return autoscaleOf(autoscale ?? "target-utilisation", autoscaleConfig ?? noSettings, deployment)
  }
  if (plannerConfig === undefined) return Result.succeed(undefined)
  return Result.gen(function* () {
    const placed = yield* nodeOf(plannerConfig)
    const config = yield* decodePlaced(placed, decodePlannerConfig)
    const problem = plannerProblem(config, deployment._tag === "Disaggregated")
    if (problem !== undefined) return yield* Result.fail(placedError(placed, problem))
    return { _tag: "Planner" as const, config }
  })
}
