/**
 * An autoscaler that follows a schedule: so many workers from a time on, whatever the load. For questions of the kind "what if".
 *
 *     {"at_s": 60, "workers": 4}
 *     {"at_s": 300, "workers": 2, "pool": "decode"}
 *
 * One step a line, in any order; of several for one pool at one time the last counts.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { complete, decode } from "../settings/Decode.ts"
import { duration, integer, oneOf } from "../settings/Kind.ts"
import { optional, setting } from "../settings/Setting.ts"
import { type SettingsError, settingsError } from "../settings/SettingsError.ts"
import { Autoscaler, type Decider, type PoolRole } from "./Autoscaler.ts"

export const scheduleSettings = {
  atS: setting(duration, 0, "From when on, seconds of simulated time"),
  workers: setting(integer(0, 2 ** 16), 0, "How many workers the pool has then"),
  pool: optional(oneOf(["aggregated", "prefill", "decode"]), undefined, "Which pool; the only one by default")
}

export interface ScheduleStep {
  readonly atMs: number
  readonly workers: number
  readonly pool: PoolRole | undefined
}

/** A step of a schedule as it is written in a line. */
export const parseStep = (line: string): Result.Result<ScheduleStep, SettingsError> =>
  Result.gen(function* () {
    const written = new Map(Object.entries(yield* parsed(line)))
    const missing = ["at_s", "workers"].find((key) => !written.has(key))
    if (missing !== undefined) return yield* Result.fail(settingsError(missing, "is missing"))
    const { atS, pool, workers } = complete(scheduleSettings, yield* decode(scheduleSettings, written))
    return { atMs: atS * 1000, workers, pool }
  })

const parsed = (line: string): Result.Result<object, SettingsError> => {
  const value = Result.try({ try: (): unknown => JSON.parse(line), catch: () => settingsError("", "not JSON") })
  return Result.flatMap(value, (object) =>
    typeof object === "object" && object !== null && !Array.isArray(object)
      ? Result.succeed(object)
      : Result.fail(settingsError("", 'expected an object, such as {"at_s": 60, "workers": 4}'))
  )
}

/** What is wrong with a step for a run with these pools. */
export const stepProblem = ({ pool }: ScheduleStep, roles: ReadonlyArray<PoolRole>): SettingsError | undefined => {
  if (pool === undefined && roles.length > 1) {
    return settingsError("pool", `is missing: the run has the pools ${roles.join(" and ")}`)
  }
  return pool === undefined || roles.includes(pool)
    ? undefined
    : settingsError("pool", `the run has no ${pool} pool, only ${roles.join(" and ")}`)
}

const deciderOf = (steps: ReadonlyArray<ScheduleStep>, only: PoolRole): Decider | undefined => {
  const ordered = steps.toSorted((a, b) => a.atMs - b.atMs)
  const [first] = ordered
  if (first === undefined) return undefined
  return {
    firstTickMs: first.atMs,
    decide: ({ nowMs }) =>
      Effect.sync(() => ({
        targets: Object.fromEntries(
          ordered.filter(({ atMs }) => atMs === nowMs).map(({ pool, workers }) => [pool ?? only, workers])
        ),
        nextTickMs: ordered.find(({ atMs }) => atMs > nowMs)?.atMs
      }))
  }
}

/** Follows the steps; see {@link stepProblem} for those that a run cannot follow. */
export const layer = (steps: ReadonlyArray<ScheduleStep>): Layer.Layer<never> =>
  Layer.succeed(Autoscaler, {
    name: "schedule",
    make: (pools) => deciderOf(steps, pools[0]?.role ?? "aggregated")
  })
