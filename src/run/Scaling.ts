/** Who scales the pools of a run, from its options and the files that they name. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type { PoolRole } from "../autoscaler/Autoscaler.ts"
import * as Schedule from "../autoscaler/Schedule.ts"
import type { Plain } from "../settings/Decode.ts"
import { type SettingsError, settingsError, type UsageError, usageError } from "../settings/SettingsError.ts"
import type { WorkerEvent } from "../simulation/WorkerEvent.ts"
import { workerEventOf } from "../simulation/WorkerEventLine.ts"
import type { ReplayOptions } from "./ReplayOptions.ts"
import { readTextFile } from "../settings/TextFile.ts"

const rolesOf = ({ deployment }: Pick<ReplayOptions, "deployment">): ReadonlyArray<PoolRole> =>
  deployment._tag === "Aggregated" ? ["aggregated"] : ["prefill", "decode"]

/** The autoscaler that the options ask for; `undefined` where they ask for none. */
export const autoscalerOf = Effect.fnUntraced(function* (
  options: Pick<ReplayOptions, "deployment" | "scaling">
): Effect.fn.Return<Layer.Layer<never> | undefined, UsageError, FileSystem.FileSystem> {
  const { scaling } = options
  if (scaling === undefined) return undefined
  if (scaling._tag === "Planner") {
    const { layer } = yield* Effect.promise(() => import("../autoscaler/reference/ReferencePlanner.ts"))
    return layer(scaling.config)
  }
  if (scaling._tag === "Utilisation") {
    const { layer } = yield* Effect.promise(() => import("../autoscaler/utilisation/TargetUtilisation.ts"))
    return Layer.orDie(layer(scaling.config))
  }
  if (scaling._tag === "Sla") {
    const { layer } = yield* Effect.promise(() => import("../autoscaler/sla/SlaAutoscaler.ts"))
    return Layer.orDie(layer(scaling.config))
  }
  const roles = rolesOf(options)
  const steps = yield* readLines("--autoscale-schedule", scaling.file, '{"at_s": 60, "workers": 4}', (written) =>
    Schedule.stepOf(written, roles)
  )
  return Schedule.layer(steps)
})

/** What happens to workers from outside. */
export const workerEventsOf = (
  options: Pick<ReplayOptions, "deployment" | "workerEvents">
): Effect.Effect<ReadonlyArray<WorkerEvent>, UsageError, FileSystem.FileSystem> => {
  const { workerEvents } = options
  const roles = rolesOf(options)
  return workerEvents === undefined
    ? Effect.succeed([])
    : readLines("--worker-events", workerEvents, '{"at_s": 30, "worker": 1, "event": "fail"}', (written) =>
        workerEventOf(written, roles)
      )
}

/** A file of JSON objects, one a line. */
const readLines = Effect.fnUntraced(function* <A>(
  flag: string,
  file: string,
  example: string,
  decodeLine: (written: Plain) => Result.Result<A, SettingsError>
): Effect.fn.Return<ReadonlyArray<A>, UsageError, FileSystem.FileSystem> {
  const text = yield* readTextFile(file, (reason) => usageError(flag, `cannot read ${file}: ${reason}`))
  const found: Array<A> = []
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue
    const decoded = Result.flatMap(objectOf(line, example), decodeLine)
    if (Result.isFailure(decoded)) {
      return yield* usageError(flag, `${file}:${index + 1}: ${decoded.failure.message}`, decoded.failure.hint)
    }
    found.push(decoded.success)
  }
  if (found.length === 0) return yield* usageError(flag, `${file} is empty`, `write lines such as ${example}`)
  return found
})

const objectOf = (line: string, example: string): Result.Result<Plain, SettingsError> => {
  const value = Result.try({ try: (): unknown => JSON.parse(line), catch: () => settingsError("", "not JSON") })
  return Result.flatMap(value, (object) =>
    typeof object === "object" && object !== null && !Array.isArray(object)
      ? Result.succeed(new Map(Object.entries(object)))
      : Result.fail(settingsError("", `expected an object, such as ${example}`))
  )
}
