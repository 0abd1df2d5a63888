/** Options that were given but cannot make a difference to the run: worth a word, not an error. */
import type { PlannerConfig } from "../autoscaler/reference/PlannerConfig.ts"
import type { EngineArgs } from "../engine/EngineArgs.ts"
import { hasTiers } from "../engine/tiers/TierArgs.ts"
import type { GivenOptions } from "./GivenOptions.ts"
import type { ReplayOptions } from "../run/ReplayOptions.ts"
import { poolsOf } from "../run/WorkerGroups.ts"

/** One sentence per flag or argument. */
export const noticesOf = (given: GivenOptions, options: Omit<ReplayOptions, "notices">): ReadonlyArray<string> => [
  ...(options.input._tag === "Trace" ? traceNotices(given) : syntheticNotices(given)),
  ...loadNotices(given),
  ...outputNotices(given),
  ...deploymentNotices(given, options),
  ...scalingNotices(given, options)
]

const scalingNotices = (
  { benchmarkGranularity }: GivenOptions,
  { scaling }: Pick<ReplayOptions, "scaling">
): ReadonlyArray<string> => [
  ...noEffect("here: the planner learns latencies from the run", [["--benchmark-granularity", benchmarkGranularity]]),
  ...(scaling?._tag === "Planner" ? plannerNotices(scaling.config) : [])
]

const plannerNotices = ({ latencyModel, optimizationTarget, unknownKeys }: PlannerConfig): ReadonlyArray<string> => [
  ...unknownKeys.map((key) => `--planner-config: unknown key ${key} has no effect`),
  ...(latencyModel === "timing" && optimizationTarget !== "sla"
    ? [`--planner-config: latency_model has no effect with optimization_target ${optimizationTarget}`]
    : [])
]

/** A deployment, and whether its workers come and go. */
interface Deployed extends Pick<ReplayOptions, "deployment">, Partial<Pick<ReplayOptions, "scaling" | "workerEvents">> {
  /** Whoever uses the server may scale it. */
  readonly isServed?: boolean
}

/** Those about what is deployed. */
export const deploymentNotices = (
  given: GivenOptions,
  options: Deployed & Pick<ReplayOptions, "routing">
): ReadonlyArray<string> => [
  ...routerNotices(given, options),
  ...tierEventNotices(options),
  ...estimateNotices(given),
  ...engineNotices(options)
]

const noEffect = (
  reason: string,
  flags: ReadonlyArray<readonly [flag: string, value: unknown]>
): ReadonlyArray<string> =>
  flags.filter(([, value]) => value !== undefined).map(([flag]) => `${flag} has no effect ${reason}`)

const traceNotices = (given: GivenOptions): ReadonlyArray<string> => [
  ...noEffect("with a trace file", [["--arrival-interval-ms", given.arrivalIntervalMs]]),
  ...(given.traceFormat === "applied_compute_agentic"
    ? []
    : noEffect(`with ${given.traceFormat ?? "mooncake"} traces`, [
        ["--trace-shared-prefix-ratio", given.traceSharedPrefixRatio],
        ["--trace-num-prefix-groups", given.traceNumPrefixGroups]
      ]))
]

const syntheticNotices = (given: GivenOptions): ReadonlyArray<string> =>
  noEffect("on synthetic load", [
    ["--trace-format", given.traceFormat],
    ["--trace-block-size", given.traceBlockSize],
    ["--time-unit", given.timeUnit],
    ["--strict", given.strict],
    ["--column", given.column],
    ["--prefix-model", given.prefixModel],
    ["--session-turns", given.sessionTurns],
    ["--default-output-tokens", given.defaultOutputTokens],
    ["--text-bytes-per-token", given.textBytesPerToken],
    ["--trace-shared-prefix-ratio", given.traceSharedPrefixRatio],
    ["--trace-num-prefix-groups", given.traceNumPrefixGroups]
  ])

const loadNotices = (given: GivenOptions): ReadonlyArray<string> =>
  given.replayConcurrency === undefined
    ? []
    : noEffect("in a closed loop", [
        ["--arrival-speedup-ratio", given.arrivalSpeedupRatio],
        ["--arrival-interval-ms", given.traces.length > 0 ? undefined : given.arrivalIntervalMs],
        ["--request-rate", given.requestRate],
        ["--arrival-process", given.arrivalProcess],
        ["--arrival-shape", given.arrivalShape]
      ])

const outputNotices = (given: GivenOptions): ReadonlyArray<string> => [
  ...(given.series === undefined
    ? noEffect("without --series", [["--series-interval-seconds", given.seriesIntervalSeconds]])
    : []),
  ...(given.timeline === undefined
    ? noEffect("without --timeline", [
        ["--timeline-from-seconds", given.timelineFromSeconds],
        ["--timeline-until-seconds", given.timelineUntilSeconds],
        ["--timeline-every", given.timelineEvery],
        ["--timeline-max-mb", given.timelineMaxMb]
      ])
    : [])
]

const routerNotices = (given: GivenOptions, options: Pick<ReplayOptions, "routing">): ReadonlyArray<string> => {
  const { inertKeys } = options.routing.config
  if (options.routing.mode === "kv_router")
    return inertKeys.map((key) => `--router-config: ${key} has no effect offline`)
  return noEffect("with --router-mode round_robin", [
    ["--router-config", given.routerConfig],
    ["--router-policy-config", given.routerPolicyConfig],
    ["--model-name", given.modelName],
    ["--tie-break", given.tieBreak]
  ])
}

/** Only workers with tiers tell of them. */
const tierEventNotices = ({
  deployment,
  routing: { config, mode }
}: Pick<ReplayOptions, "deployment" | "routing">): ReadonlyArray<string> => {
  if (mode !== "kv_router" || config.routerTierEvents !== true) return []
  return poolsOf(deployment).some(({ groups }) => groups.some(({ engine }) => hasTiers(engine)))
    ? []
    : ["--router-config: router_tier_events has no effect without KV tiers (num_g2_blocks)"]
}

/** The latency of a prefill does not depend on draft tokens, which the reference's estimator ignores as well. */
const estimateNotices = ({ aicNextn, aicNextnAcceptRates }: GivenOptions): ReadonlyArray<string> =>
  noEffect("on prefill estimates", [
    ["--aic-nextn", aicNextn],
    ["--aic-nextn-accept-rates", aicNextnAcceptRates]
  ])

/** How long a worker takes to start matters once workers come and go. */
const matters = (key: string, { isServed = false, scaling, workerEvents }: Deployed): boolean =>
  key === "startup_time" && (isServed || scaling !== undefined || workerEvents !== undefined)

const inert = (flag: string, { engineType, inertKeys }: EngineArgs, deployed: Deployed): ReadonlyArray<string> =>
  inertKeys
    .filter((key) => !matters(key, deployed))
    .map((key) => {
      const remedy = key === "num_g2_blocks" && engineType === "sglang" ? tiersOfSglang : ""
      return `${flag}: ${key} has no effect on this run${remedy}`
    })

/** What their radix cache evicts is not handed over, as in the reference. */
const tiersOfSglang = ": sglang engines have KV tiers with offload_policy write_through only"

/** Without a bandwidth KV is where it is needed at once. */
const freeTransfer = ({ kvTransferBandwidthGbS }: EngineArgs): ReadonlyArray<string> =>
  kvTransferBandwidthGbS === undefined
    ? ["--prefill-engine-args: KV transfers take no time, because kv_transfer_bandwidth is not given"]
    : []

const engineFlags = {
  aggregated: "--extra-engine-args",
  prefill: "--prefill-engine-args",
  decode: "--decode-engine-args"
} as const

const engineNotices = (deployed: Deployed): ReadonlyArray<string> => {
  const { deployment } = deployed
  const inertArgs = poolsOf(deployment).flatMap(({ groups, role }) =>
    groups.flatMap(({ engine }) => inert(engineFlags[role], engine, deployed))
  )
  return [...new Set(inertArgs), ...(deployment._tag === "Aggregated" ? [] : freeTransfer(deployment.prefill))]
}
