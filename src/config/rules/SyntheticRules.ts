/** What synthetic load is made of, and how it must be described. */
import * as Result from "effect/Result"
import type { ArrivalProcess } from "../../workload/ArrivalProcess.ts"
import { requestRate } from "../../workload/LoadSettings.ts"
import { decodeWorkload } from "../../workload/classes/WorkloadPlan.ts"
import type { ConfigError } from "../ConfigError.ts"
import { decodeSetting } from "../DecodeSettings.ts"
import type { GivenSynthetic } from "../GivenOptions.ts"
import type { JsonSetting } from "../JsonSetting.ts"
import type { SyntheticInput, WorkloadInput } from "../../run/ReplayOptions.ts"
import { type UsageError, usageError } from "../../settings/SettingsError.ts"
import { missingOf, type Problem } from "./Rule.ts"

/** Flags that ask for synthetic load when they say anything but "off". */
export const syntheticFlagsOf = (given: GivenSynthetic): ReadonlyArray<string> => {
  const uses: ReadonlyArray<readonly [flag: string, used: boolean]> = [
    ["--workload", given.workload !== undefined],
    ["--input-tokens", given.inputTokens !== undefined],
    ["--output-tokens", given.outputTokens !== undefined],
    ["--request-count", given.requestCount !== undefined],
    ["--request-rate", given.requestRate !== undefined],
    ["--arrival-process", given.arrivalProcess !== undefined],
    ["--arrival-shape", given.arrivalShape !== undefined],
    ["--turns-per-session", (given.turnsPerSession ?? 1) !== 1],
    ["--shared-prefix-ratio", (given.sharedPrefixRatio ?? 0) !== 0],
    ["--num-prefix-groups", (given.numPrefixGroups ?? 0) !== 0],
    ["--inter-turn-delay-ms", (given.interTurnDelayMs ?? 0) !== 0]
  ]
  return uses.filter(([, used]) => used).map(([flag]) => flag)
}

/** A workload file says all there is to say, apart from how much of it is wanted. */
const workloadProblem = (given: GivenSynthetic): Problem => {
  const besides = [
    ...syntheticFlagsOf(given),
    ...(given.arrivalIntervalMs === undefined ? [] : ["--arrival-interval-ms"])
  ].find((flag) => flag !== "--workload" && flag !== "--request-count")
  return besides === undefined
    ? undefined
    : usageError(besides, "cannot be combined with --workload", "the classes of the workload say it")
}

/** Synthetic load has no default size. */
export const incompleteSyntheticProblem = (given: GivenSynthetic): Problem => {
  if (given.workload !== undefined) return workloadProblem(given)
  const [missing] = missingOf([
    ["--input-tokens", given.inputTokens],
    ["--output-tokens", given.outputTokens],
    ["--request-count", given.requestCount]
  ])
  return missing === undefined
    ? undefined
    : usageError(missing, "is missing", "synthetic load needs --input-tokens, --output-tokens and --request-count")
}

/** The load that a workload file, or the object in its place, describes. */
const workloadOf = (
  setting: JsonSetting,
  requestCount: number | undefined
): Result.Result<WorkloadInput, UsageError | ConfigError> =>
  Result.gen(function* () {
    const plan = yield* decodeSetting(setting, decodeWorkload)
    const count = requestCount ?? plan.requestCount
    if (count === undefined) {
      return yield* Result.fail(
        usageError("--request-count", "is missing", "the workload does not say how many requests there are")
      )
    }
    return { _tag: "Workload", plan, requestCount: count }
  })

/** What is made up: by classes, or by the flags of synthetic load. */
export const madeUpOf = (
  given: GivenSynthetic
): Result.Result<SyntheticInput | WorkloadInput, UsageError | ConfigError> =>
  given.workload === undefined ? syntheticOf(given) : workloadOf(given.workload, given.requestCount)

export const syntheticOf = (given: GivenSynthetic): Result.Result<SyntheticInput, UsageError> =>
  Result.gen(function* () {
    const input = {
      _tag: "Synthetic",
      inputTokens: given.inputTokens ?? 0,
      outputTokens: given.outputTokens ?? 0,
      requestCount: given.requestCount ?? 0,
      arrivalIntervalMs: given.arrivalIntervalMs ?? 1,
      turnsPerSession: given.turnsPerSession ?? 1,
      sharedPrefixRatio: given.sharedPrefixRatio ?? 0,
      prefixGroups: given.numPrefixGroups ?? 0,
      interTurnDelayMs: given.interTurnDelayMs ?? 0
    } as const
    const problem = arrivalFlagsProblem(given)
    if (problem !== undefined) return yield* Result.fail(problem)
    return { ...input, arrivals: yield* arrivalsOf(given) }
  })

const arrivalFlagsProblem = (given: GivenSynthetic): Problem => {
  if (given.requestRate !== undefined && given.arrivalIntervalMs !== undefined) {
    return usageError(
      "--request-rate",
      "cannot be combined with --arrival-interval-ms",
      "both say how often requests arrive; leave one out"
    )
  }
  if (given.arrivalShape !== undefined && given.arrivalProcess !== "gamma") {
    return usageError("--arrival-shape", "is only for --arrival-process gamma")
  }
  if (given.arrivalShape === undefined && given.arrivalProcess === "gamma") {
    return usageError(
      "--arrival-shape",
      "is missing",
      "gamma gaps need it: 1 is poisson, below it arrivals come in bursts, above it they are regular"
    )
  }
  return undefined
}

/** `undefined`: at multiples of the interval. */
const arrivalsOf = (given: GivenSynthetic): Result.Result<ArrivalProcess | undefined, UsageError> => {
  const { arrivalIntervalMs, arrivalShape = 1, requestRate: givenRate } = given
  const process = given.arrivalProcess ?? (givenRate === undefined ? "constant" : "poisson")
  if (givenRate === undefined && process === "constant") return Result.succeed(undefined)
  if (givenRate === undefined && arrivalIntervalMs === undefined) {
    return Result.fail(
      usageError("--request-rate", "is missing", `--arrival-process ${process} needs it, or --arrival-interval-ms`)
    )
  }
  const requestsPerSecond = givenRate ?? 1000 / (arrivalIntervalMs ?? 1)
  const problem = rateProblem(given, requestsPerSecond)
  if (problem !== undefined) return Result.fail(problem)
  return Result.succeed(
    process === "gamma" ? { process, requestsPerSecond, shape: arrivalShape } : { process, requestsPerSecond }
  )
}

/** A rate that was given is in its range; the interval may still be none that gaps can be drawn from. */
const rateProblem = (given: GivenSynthetic, requestsPerSecond: number): Problem =>
  requestRate.read(requestsPerSecond) === undefined
    ? usageError(
        "--arrival-interval-ms",
        `cannot be the mean of drawn gaps, got ${given.arrivalIntervalMs}`,
        "drawn gaps need a mean above 0"
      )
    : undefined
