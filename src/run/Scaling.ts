/** Who scales the pools of a run, from its options and the files that they name. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type { PoolRole } from "../autoscaler/Autoscaler.ts"
import * as Schedule from "../autoscaler/Schedule.ts"
import { reasonOf } from "../settings/FileProblem.ts"
import { type UsageError, usageError } from "../settings/UsageError.ts"
import type { ReplayOptions } from "./ReplayOptions.ts"

const scheduleFlag = "--autoscale-schedule"

/** The autoscaler that the options ask for; `undefined` where they ask for none. */
export const autoscalerOf = Effect.fnUntraced(function* ({
  deployment,
  scaling
}: Pick<ReplayOptions, "deployment" | "scaling">): Effect.fn.Return<
  Layer.Layer<never> | undefined,
  UsageError,
  FileSystem.FileSystem
> {
  if (scaling === undefined) return undefined
  if (scaling._tag === "Planner") {
    const { layer } = yield* Effect.promise(() => import("../autoscaler/reference/ReferencePlanner.ts"))
    return layer(scaling.config)
  }
  const roles: ReadonlyArray<PoolRole> = deployment._tag === "Aggregated" ? ["aggregated"] : ["prefill", "decode"]
  return Schedule.layer(yield* readSchedule(scaling.file, roles))
})

const readSchedule = Effect.fnUntraced(function* (
  file: string,
  roles: ReadonlyArray<PoolRole>
): Effect.fn.Return<ReadonlyArray<Schedule.ScheduleStep>, UsageError, FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  const text = yield* Effect.mapError(files.readFileString(file), (error) =>
    usageError(scheduleFlag, `cannot read ${file}: ${reasonOf(error)}`)
  )
  const steps: Array<Schedule.ScheduleStep> = []
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue
    const step = Schedule.parseStep(line)
    const problem = Result.isFailure(step) ? step.failure : Schedule.stepProblem(step.success, roles)
    if (problem !== undefined)
      return yield* usageError(scheduleFlag, `${file}:${index + 1}: ${problem.message}`, problem.hint)
    if (Result.isSuccess(step)) steps.push(step.success)
  }
  if (steps.length === 0) {
    return yield* usageError(scheduleFlag, `${file} has no steps`, 'write lines such as {"at_s": 60, "workers": 4}')
  }
  return steps
})
