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
import { complete, decode, type Plain } from "../settings/Decode.ts"
import { duration, integer, oneOf } from "../settings/Kind.ts"
import { optional, setting } from "../settings/Setting.ts"
import { type SettingsError, settingsError } from "../settings/SettingsError.ts"
import { Autoscaler, type Decider, type PoolRole } from "./Autoscaler.ts"

/** The table of one step of a schedule file. */
export const scheduleSettings = {
  atS: setting(duration, 0, "From when on, seconds of simulated time"),
  workers: setting(integer(0, 2 ** 16), 0, "How many workers the pool has then"),
  pool: optional(oneOf(["aggregated", "prefill", "decode"]), undefined, "Which pool; the only one by default")
}

/** From `atMs` on (simulated ms) the pool has so many workers; `undefined` for the only pool. */
export interface ScheduleStep {
  readonly atMs: number
  readonly workers: number
  readonly pool: PoolRole | undefined
}

/** A step as it is written, for a run with these pools. */
export const stepOf = (written: Plain, roles: ReadonlyArray<PoolRole>): Result.Result<ScheduleStep, SettingsError> =>
  Result.gen(function* () {
    const missing = ["at_s", "workers"].find((key) => !written.has(key))
    const given = yield* decode(scheduleSettings, written)
    if (missing !== undefined) return yield* Result.fail(settingsError(missing, "is missing"))
    const { atS, pool, workers } = complete(scheduleSettings, given)
    const step = { atMs: atS * 1000, workers, pool }
    const problem = stepProblem(step, roles)
    return problem === undefined ? step : yield* Result.fail(problem)
  })

const stepProblem = ({ pool }: ScheduleStep, roles: ReadonlyArray<PoolRole>): SettingsError | undefined => {
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

/** Follows the steps. */
export const layer = (steps: ReadonlyArray<ScheduleStep>): Layer.Layer<never> =>
  Layer.succeed(Autoscaler, {
    name: "schedule",
    make: (pools) => deciderOf(steps, pools[0]?.role ?? "aggregated")
  })
