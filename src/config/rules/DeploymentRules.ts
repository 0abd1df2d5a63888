/** Which engines serve the load, and how many: aggregated, or a prefill and a decode pool. */
import type { EngineArgs } from "../../engine/EngineArgs.ts"
import type { GivenOptions } from "../GivenOptions.ts"
import type { Deployment, GroupOptions } from "../../run/ReplayOptions.ts"
import { usageError } from "../../settings/SettingsError.ts"
import { missingOf, type Problem } from "./Rule.ts"

const isDisaggregated = (given: GivenOptions): boolean =>
  given.prefillEngineArgs !== undefined || given.decodeEngineArgs !== undefined

export const poolProblem = (given: GivenOptions): Problem => {
  if (!isDisaggregated(given)) {
    const pool =
      (given.numPrefillWorkers ?? 1) !== 1
        ? "--num-prefill-workers"
        : (given.numDecodeWorkers ?? 1) !== 1
          ? "--num-decode-workers"
          : undefined
    return pool === undefined
      ? undefined
      : usageError(
          pool,
          "is only for disaggregated runs",
          "use --num-workers, or give --prefill-engine-args and --decode-engine-args"
        )
  }
  if (given.extraEngineArgs !== undefined) {
    return usageError("--extra-engine-args", "cannot be combined with --prefill-engine-args and --decode-engine-args")
  }
  const [missing] = missingOf([
    ["--prefill-engine-args", given.prefillEngineArgs],
    ["--decode-engine-args", given.decodeEngineArgs]
  ])
  if (missing !== undefined) {
    return usageError(
      missing,
      "is missing",
      "a disaggregated run needs both --prefill-engine-args and --decode-engine-args"
    )
  }
  return (given.numWorkers ?? 1) === 1
    ? undefined
    : usageError("--num-workers", "is only for aggregated runs", "use --num-prefill-workers and --num-decode-workers")
}

/** Workers of a pool: so many equal ones, or groups. */
export type EngineGroups = EngineArgs | readonly [GroupOptions, ...ReadonlyArray<GroupOptions>]

const isMixed = (engine: EngineGroups): engine is Exclude<EngineGroups, EngineArgs> => Array.isArray(engine)

/** First arguments, workers, and groups where there are several. */
const poolOf = (engine: EngineGroups, workers: number) =>
  isMixed(engine)
    ? {
        engine: engine[0].engine,
        workers: engine.reduce((sum, group) => sum + group.workers, 0),
        ...(engine.length === 1 ? {} : { groups: engine })
      }
    : { engine, workers }

export const deploymentOf = (
  given: GivenOptions,
  aggregated: EngineGroups,
  prefill: EngineGroups | undefined,
  decode: EngineGroups | undefined
): Deployment => {
  if (prefill === undefined || decode === undefined) {
    return { _tag: "Aggregated", ...poolOf(aggregated, given.numWorkers ?? 1) }
  }
  const source = poolOf(prefill, given.numPrefillWorkers ?? 1)
  const destination = poolOf(decode, given.numDecodeWorkers ?? 1)
  return {
    _tag: "Disaggregated",
    prefillWorkers: source.workers,
    decodeWorkers: destination.workers,
    prefill: source.engine,
    decode: destination.engine,
    ...(source.groups === undefined ? {} : { prefillGroups: source.groups }),
    ...(destination.groups === undefined ? {} : { decodeGroups: destination.groups })
  }
}

/** A list of groups says itself how many workers there are. */
export const groupSizeProblem = (
  given: GivenOptions,
  engines: Readonly<Record<"extra" | "prefill" | "decode", EngineGroups | undefined>>
): Problem => {
  const found = (
    [
      ["--num-workers", "--extra-engine-args", given.numWorkers, engines.extra],
      ["--num-prefill-workers", "--prefill-engine-args", given.numPrefillWorkers, engines.prefill],
      ["--num-decode-workers", "--decode-engine-args", given.numDecodeWorkers, engines.decode]
    ] as const
  ).find(([, , workers, engine]) => workers !== undefined && engine !== undefined && isMixed(engine))
  return found === undefined
    ? undefined
    : usageError(found[0], `cannot be combined with a list in ${found[1]}`, "give each entry of the list its workers")
}

export const disaggregationProblem = (deployment: Deployment): Problem => {
  if (deployment._tag === "Aggregated") return undefined
  const { decode, prefill } = deployment
  if (prefill.engineType === "trtllm" || decode.engineType === "trtllm") {
    const flag = prefill.engineType === "trtllm" ? "--prefill-engine-args" : "--decode-engine-args"
    return usageError(flag, "disaggregation does not support engine_type=trtllm")
  }
  if (prefill.engineType !== decode.engineType) {
    return usageError(
      "--decode-engine-args",
      `engine_type must be that of the prefill side, got ${prefill.engineType} and ${decode.engineType}`
    )
  }
  return (
    workerTypeProblem("--prefill-engine-args", prefill, "prefill")
    ?? workerTypeProblem("--decode-engine-args", decode, "decode")
    ?? dpProblem("--prefill-engine-args", prefill)
    ?? dpProblem("--decode-engine-args", decode)
    ?? (prefill.blockTokens === decode.blockTokens
      ? undefined
      : usageError(
          "--decode-engine-args",
          `block_size must be that of the prefill side, got ${prefill.blockTokens} and ${decode.blockTokens}`
        ))
  )
}

const workerTypeProblem = (flag: string, args: EngineArgs, expected: EngineArgs["workerType"]): Problem =>
  args.workerType === expected
    ? undefined
    : usageError(flag, `worker_type must be ${expected}, got ${args.workerType}`, `add "worker_type": "${expected}"`)

const dpProblem = (flag: string, args: EngineArgs): Problem =>
  args.dpSize === 1
    ? undefined
    : usageError(
        flag,
        `only dp_size=1 can be simulated, got ${args.dpSize}`,
        "simulate data parallel ranks as more workers"
      )

/** Of workers that serve alone. */
export const workerProblem = (deployment: Deployment): Problem => {
  if (deployment._tag === "Disaggregated") return undefined
  const { engine } = deployment
  return engine.workerType === "aggregated"
    ? dpProblem("--extra-engine-args", engine)
    : usageError(
        "--extra-engine-args",
        `worker_type must be aggregated, got ${engine.workerType}`,
        "for a disaggregated run give --prefill-engine-args and --decode-engine-args instead"
      )
}
