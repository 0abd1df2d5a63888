/**
 * What `target-utilisation` can be told. Targets, limits and steps hold for every pool; `prefill` and `decode` say otherwise for one pool
 * of a disaggregated run. Null switches a target off.
 */
import * as Result from "effect/Result"
import { check, complete, decode, type Plain } from "../../settings/Decode.ts"
import { duration, integer, number, positive } from "../../settings/Kind.ts"
import { type Given, group, nullable, optional, setting, type Values } from "../../settings/Setting.ts"
import { type SettingsError, settingsError } from "../../settings/SettingsError.ts"
import type { PoolRole } from "../Autoscaler.ts"
import { gpuProblem, type StartingPool } from "../GpuBudget.ts"
import { counted } from "../../settings/Counted.ts"

const workers = (fewest: number) => integer(fewest, 2 ** 16)
const use = positive(0.01, 1)
const amount = positive(1e-6, 1e9)
const milliseconds = positive(1e-3, 1e12)
const seconds = positive(1e-3, 1e9)

const kvUse = "Share of KV blocks in use, mean over workers and time, that is aimed at; pools that decode"
const busyShare = "Share of time in which workers compute that is aimed at; prefill pools"
const queuedRequests = "Requests per worker that wait, mean over time, beyond which workers are added"
const requestsPerSecond = "Arriving requests per second and worker that are aimed at"
const minWorkers = "Fewest workers of a pool"
const maxWorkers = "Most workers of a pool"
const maxStepUp = "Workers added to a pool at a time, at most"
const maxStepDown = "Workers taken from a pool at a time, at most"

/** Of one pool where it differs; `undefined` is as everywhere, null is off. */
const poolSettings = {
  minWorkers: optional(workers(0), undefined, minWorkers),
  maxWorkers: optional(workers(1), undefined, maxWorkers),
  maxStepUp: optional(workers(1), undefined, maxStepUp),
  maxStepDown: optional(workers(1), undefined, maxStepDown),
  kvUse: nullable<number, number | null | undefined>(use, undefined, null, kvUse),
  busyShare: nullable<number, number | null | undefined>(use, undefined, null, busyShare),
  queuedRequests: nullable<number, number | null | undefined>(amount, undefined, null, queuedRequests),
  requestsPerSecond: nullable<number, number | null | undefined>(amount, undefined, null, requestsPerSecond)
}

/** The table of `--autoscale target-utilisation`: each setting's range, default and meaning. */
export const utilisationSettings = {
  intervalS: setting(seconds, 10, "Time between two decisions, seconds"),
  windowS: setting(seconds, 60, "Time over which use, queues and latencies are averaged, seconds"),
  upCooldownS: setting(duration, 30, "Time after growth before a pool grows again, seconds"),
  downCooldownS: setting(duration, 300, "Time in which nothing may have asked for more before a pool shrinks, seconds"),
  tolerance: setting(
    number(0, 0.5),
    0.1,
    "How far off its target a use may be without a change, as a share of the workers"
  ),
  minWorkers: setting(workers(0), 1, minWorkers),
  maxWorkers: setting(workers(1), 32, maxWorkers),
  maxStepUp: setting(workers(1), 4, maxStepUp),
  maxStepDown: setting(workers(1), 1, maxStepDown),
  maxGpus: optional(integer(1, 2 ** 24), undefined, "GPUs of all pools together at most; none is the limit by default"),
  kvUse: nullable<number, number | null>(use, 0.7, null, kvUse),
  busyShare: nullable<number, number | null>(use, 0.7, null, busyShare),
  queuedRequests: nullable<number, number | null>(amount, 4, null, queuedRequests),
  requestsPerSecond: nullable<number, number | null>(amount, null, null, requestsPerSecond),
  ttftMs: optional(milliseconds, undefined, "Bound for time to first token beyond which workers are added, ms"),
  itlMs: optional(milliseconds, undefined, "Bound for inter-token latency beyond which workers are added, ms"),
  latencyPercentile: setting(positive(1, 100), 95, "Percentile of the window that is held against these bounds"),
  goodShare: optional(
    positive(0.01, 0.9999),
    undefined,
    "Share of requests that must keep both bounds, instead of a percentile"
  ),
  prefill: group(poolSettings, "Where the prefill pool differs"),
  decode: group(poolSettings, "Where the decode pool differs")
}

/** All settings, checked; times in seconds. */
export type UtilisationConfig = Values<typeof utilisationSettings>

/** What holds for one pool; `null` is off. */
export interface PoolPolicy {
  readonly minWorkers: number
  readonly maxWorkers: number
  readonly maxStepUp: number
  readonly maxStepDown: number
  readonly tolerance: number
  readonly kvUse: number | null
  readonly busyShare: number | null
  readonly queuedRequests: number | null
  readonly requestsPerSecond: number | null
  readonly ttftMs: number | undefined
  readonly itlMs: number | undefined
  readonly latencyPercentile: number
  readonly goodShare: number | undefined
}

/** KV fills up where tokens are decoded, computing time where prompts are; first tokens come from one, later ones from the other. */
export const policyOf = (config: UtilisationConfig, role: PoolRole): PoolPolicy => {
  const own: Partial<UtilisationConfig["prefill"]> = role === "aggregated" ? {} : config[role]
  const isPrefill = role === "prefill"
  const either = <A>(ownValue: A | undefined, common: A): A => (ownValue === undefined ? common : ownValue)
  return {
    minWorkers: either(own.minWorkers, config.minWorkers),
    maxWorkers: either(own.maxWorkers, config.maxWorkers),
    maxStepUp: either(own.maxStepUp, config.maxStepUp),
    maxStepDown: either(own.maxStepDown, config.maxStepDown),
    tolerance: config.tolerance,
    kvUse: either(own.kvUse, isPrefill ? null : config.kvUse),
    busyShare: either(own.busyShare, isPrefill ? config.busyShare : null),
    queuedRequests: either(own.queuedRequests, config.queuedRequests),
    requestsPerSecond: either(own.requestsPerSecond, config.requestsPerSecond),
    ttftMs: role === "decode" ? undefined : config.ttftMs,
    itlMs: isPrefill ? undefined : config.itlMs,
    latencyPercentile: config.latencyPercentile,
    goodShare: config.goodShare
  }
}

/** Settings that differ from their defaults. */
export type GivenUtilisation = Given<typeof utilisationSettings>

const completed = (given: GivenUtilisation): Result.Result<UtilisationConfig, SettingsError> => {
  const config = complete(utilisationSettings, given)
  const problem = ownProblem(config)
  return problem === undefined ? Result.succeed(config) : Result.fail(problem)
}

/** From what was written. */
export const decodeUtilisationConfig = (written: Plain): Result.Result<UtilisationConfig, SettingsError> =>
  Result.flatMap(decode(utilisationSettings, written), completed)

/** From what a program gives. */
export const makeUtilisationConfig = (given: GivenUtilisation): Result.Result<UtilisationConfig, SettingsError> =>
  Result.flatMap(check(utilisationSettings, given), completed)

const ownProblem = (config: UtilisationConfig): SettingsError | undefined => {
  const { goodShare, intervalS, itlMs, ttftMs, windowS } = config
  if (windowS < intervalS) {
    return settingsError("window_s", `must be at least interval_s, got ${windowS} and ${intervalS}`)
  }
  if (goodShare !== undefined && ttftMs === undefined && itlMs === undefined) {
    return settingsError("good_share", "needs a bound that good requests keep", "give ttft_ms, itl_ms, or both")
  }
  const pools = [
    ["", "aggregated"],
    ["prefill.", "prefill"],
    ["decode.", "decode"]
  ] as const
  for (const [path, role] of pools) {
    const { maxWorkers, minWorkers } = policyOf(config, role)
    if (minWorkers > maxWorkers) {
      return settingsError(`${path}min_workers`, `must not exceed max_workers, got ${minWorkers} and ${maxWorkers}`)
    }
  }
  return undefined
}

/** What cannot be kept in a run over these pools: limits that the start is beyond, or a budget that the fewest workers do not fit in. */
export const utilisationProblem = (
  config: UtilisationConfig,
  pools: ReadonlyArray<StartingPool>
): SettingsError | undefined => {
  const isGiven = (role: "prefill" | "decode"): boolean =>
    Object.values(config[role]).some((value) => value !== undefined)
  const stray = (["prefill", "decode"] as const).find(
    (role) => isGiven(role) && pools.every((pool) => pool.role !== role)
  )
  if (stray !== undefined) return settingsError(stray, `the run has no ${stray} pool`, "leave it out")
  for (const { role, workers } of pools) {
    const problem = startProblem(policyOf(config, role), role, workers)
    if (problem !== undefined) return problem
  }
  return gpuProblem(config.maxGpus, pools, (role) => policyOf(config, role).minWorkers)
}

const startProblem = (
  { maxWorkers, minWorkers }: PoolPolicy,
  role: PoolRole,
  workers: number
): SettingsError | undefined => {
  const pool = role === "aggregated" ? "the run" : `the ${role} pool`
  const range = minWorkers === maxWorkers ? "" : `${minWorkers} to `
  const hint = `start with ${range}${counted(maxWorkers, "worker")}, or change the limit`
  if (workers > maxWorkers) {
    return settingsError(
      "max_workers",
      `${pool} starts with ${counted(workers, "worker")}, which is more than ${maxWorkers}`,
      hint
    )
  }
  return workers < minWorkers
    ? settingsError(
        "min_workers",
        `${pool} starts with ${counted(workers, "worker")}, which is fewer than ${minWorkers}`,
        hint
      )
    : undefined
}
