/**
 * Worker events as they are written, one JSON object a line:
 *
 *     {"at_s": 30, "pool": "decode", "worker": 1, "event": "fail", "requests": "retry"}
 *     {"at_s": 60, "worker": 0, "event": "slow", "factor": 2.5}
 *     {"at_s": 90, "event": "add", "workers": 2}
 */
import * as Result from "effect/Result"
import type { PoolRole } from "../autoscaler/Autoscaler.ts"
import { complete, decode, type Plain } from "../settings/Decode.ts"
import { duration, integer, number, oneOf } from "../settings/Kind.ts"
import { optional, setting } from "../settings/Setting.ts"
import { type SettingsError, settingsError } from "../settings/SettingsError.ts"
import type { WorkerEvent } from "./WorkerEvent.ts"

const kinds = ["fail", "drain", "slow", "add"] as const

export const workerEventSettings = {
  atS: optional(duration, undefined, "When, seconds of simulated time"),
  pool: optional(oneOf(["aggregated", "prefill", "decode"]), undefined, "Which pool; the only one by default"),
  event: optional(oneOf(kinds), undefined, "What happens"),
  worker: optional(integer(0, 2 ** 30), undefined, "To which worker: fail, drain and slow"),
  requests: setting(oneOf(["retry", "fail"]), "retry", "What becomes of the requests of a worker that fails"),
  factor: optional(number(1e-3, 1e6), undefined, "How many times as long the passes of a slow worker take"),
  workers: setting(integer(1, 2 ** 16), 1, "How many workers are added")
}

/** Keys that mean something for one kind of event only. */
const onlyFor: ReadonlyArray<readonly [key: string, kinds: ReadonlyArray<string>]> = [
  ["worker", ["fail", "drain", "slow"]],
  ["requests", ["fail"]],
  ["factor", ["slow"]],
  ["workers", ["add"]]
]

/** The event that is written, for a run with these pools. */
export const workerEventOf = (
  written: Plain,
  roles: ReadonlyArray<PoolRole>
): Result.Result<WorkerEvent, SettingsError> =>
  Result.gen(function* () {
    const { atS, event, factor, pool, requests, worker, workers } = complete(
      workerEventSettings,
      yield* decode(workerEventSettings, written)
    )
    if (atS === undefined) return yield* missing("at_s")
    if (event === undefined) return yield* missing("event")
    const stray = onlyFor.find(([key, of]) => written.has(key) && !of.includes(event))
    if (stray !== undefined) return yield* Result.fail(settingsError(stray[0], `means nothing for "event": "${event}"`))
    const role = yield* roleOf(pool, roles)
    const common = { atMs: atS * 1000, pool: role }
    if (event === "add") return { ...common, kind: event, workers }
    if (worker === undefined) return yield* missing("worker")
    if (event === "fail") return { ...common, kind: event, worker, requests }
    if (event === "drain") return { ...common, kind: event, worker }
    return factor === undefined ? yield* missing("factor") : { ...common, kind: event, worker, factor }
  })

const missing = (key: string): Result.Result<never, SettingsError> => Result.fail(settingsError(key, "is missing"))

/** The pool that is meant. */
const roleOf = (pool: PoolRole | undefined, roles: ReadonlyArray<PoolRole>): Result.Result<PoolRole, SettingsError> => {
  const [only, other] = roles
  if (pool === undefined && only !== undefined && other === undefined) return Result.succeed(only)
  if (pool === undefined) {
    return Result.fail(settingsError("pool", `is missing: the run has the pools ${roles.join(" and ")}`))
  }
  return roles.includes(pool)
    ? Result.succeed(pool)
    : Result.fail(settingsError("pool", `the run has no ${pool} pool, only ${roles.join(" and ")}`))
}
