/** Who decides how many workers there are, and what that can be combined with. */
import * as Result from "effect/Result"
import { decodePlannerConfig } from "../../autoscaler/reference/PlannerConfig.ts"
import { plannerProblem } from "../../autoscaler/reference/PlannerProblem.ts"
import type { Deployment, ScalingOptions } from "../../run/ReplayOptions.ts"
import { usageError } from "../../settings/SettingsError.ts"
import type { ConfigError } from "../ConfigError.ts"
import { decodePlaced, placedError } from "../DecodeSettings.ts"
import type { GivenOptions } from "../GivenOptions.ts"
import { nodeOf } from "../JsonSetting.ts"
import type { Problem } from "./Rule.ts"

const given = ({ autoscaleSchedule, plannerConfig }: GivenOptions): ReadonlyArray<string> =>
  (
    [
      ["--planner-config", plannerConfig],
      ["--autoscale-schedule", autoscaleSchedule]
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

export const scalingOf = (
  { autoscaleSchedule, plannerConfig }: GivenOptions,
  deployment: Deployment
): Result.Result<ScalingOptions | undefined, ConfigError> => {
  if (autoscaleSchedule !== undefined) return Result.succeed({ _tag: "Schedule", file: autoscaleSchedule })
  if (plannerConfig === undefined) return Result.succeed(undefined)
  return Result.gen(function* () {
    const placed = yield* nodeOf(plannerConfig)
    const config = yield* decodePlaced(placed, decodePlannerConfig)
    const problem = plannerProblem(config, deployment._tag === "Disaggregated")
    if (problem !== undefined) return yield* Result.fail(placedError(placed, problem))
    return { _tag: "Planner" as const, config }
  })
}
