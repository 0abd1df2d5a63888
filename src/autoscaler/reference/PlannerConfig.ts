/**
 * Configuration of the reference's planner (`--planner-config`): every key, alias, range and rule of ai-dynamo 1.3.1, checked in its
 * order. Keys of live deployments are checked and make no difference here; unknown keys are left to whoever reads them.
 */
import * as Result from "effect/Result"
import { Decimal } from "../../settings/Decimal.ts"
import { decode, type Plain } from "../../settings/Decode.ts"
import { anything, type Kind, oneOf } from "../../settings/Kind.ts"
import { entriesOf, group, nullable, optional, setting, type Values } from "../../settings/Setting.ts"
import { complete } from "../../settings/Decode.ts"
import { type SettingsError, settingsError } from "../../settings/SettingsError.ts"

/** A number, or its spelling as a string, as the reference takes both. */
const spelledNumber = (value: unknown): number | undefined => {
  if (value instanceof Decimal) return value.value
  if (typeof value === "bigint") return Number(value)
  if (typeof value === "string" && value.trim() !== "") return spelledNumber(Number(value))
  return typeof value === "number" && Number.isFinite(value) ? value : undefined
}

const looseNumber = (minimum: number, maximum = Number.MAX_VALUE, open = false): Kind<number> => ({
  expected: numberRange("a number", minimum, maximum, open),
  form: "number",
  schema: { type: ["number", "string"] },
  read: (value) => {
    const number = spelledNumber(value)
    return number !== undefined && (open ? number > minimum : number >= minimum) && number <= maximum
      ? number
      : undefined
  }
})

const looseInteger = (minimum: number): Kind<number> => ({
  ...looseNumber(minimum),
  expected: numberRange("an integer", minimum, Number.MAX_VALUE, false),
  form: "integer",
  schema: { type: ["integer", "string"] },
  read: (value) => {
    const number = spelledNumber(value)
    return number !== undefined && Number.isSafeInteger(number) && number >= minimum ? number : undefined
  }
})

const numberRange = (what: string, minimum: number, maximum: number, open: boolean): string => {
  if (minimum === -Number.MAX_VALUE) return what
  if (open) return `${what} above ${minimum}`
  return maximum === Number.MAX_VALUE ? `${what} of at least ${minimum}` : `${what} from ${minimum} to ${maximum}`
}

const trueWords: ReadonlySet<unknown> = new Set([true, 1, "true", "True", "1", "yes", "on", "t", "y"])
const falseWords: ReadonlySet<unknown> = new Set([false, 0, "false", "False", "0", "no", "off", "f", "n"])

const looseBoolean: Kind<boolean> = {
  expected: "true or false",
  form: "switch",
  schema: { type: "boolean" },
  read: (value) => (trueWords.has(value) ? true : falseWords.has(value) ? false : undefined)
}

const anyInteger = looseInteger(-Number.MAX_VALUE)
const anyReal = looseNumber(-Number.MAX_VALUE)
const live = "Live deployments only"
const word = (doc: string) => optional(anything, undefined, doc)

const schedulingSettings = {
  scaleIntervalSeconds: optional(looseNumber(0, Number.MAX_VALUE, true), undefined, "Time between two ticks, seconds")
}

const modes = ["disagg", "prefill", "decode", "agg"] as const
const targets = ["throughput", "latency", "load", "sla"] as const
const queueTokens = optional(looseInteger(0), undefined, "Queued prompt tokens of a prefill worker")
const kvRate = optional(looseNumber(0, 100), undefined, "KV use of a worker, percent")

/** All keys that make a difference, or are checked. */
export const plannerSettings = {
  mode: setting(oneOf(modes), "disagg", "Which pools are scaled"),
  optimizationTarget: setting(oneOf(targets), "throughput", "What decisions go by"),
  loadAdjustmentIntervalSeconds: setting(looseInteger(1), 5, "Time between decisions by load, seconds"),
  throughputAdjustmentIntervalSeconds: setting(anyInteger, 180, "Time between decisions by prediction, seconds"),
  enableLoadScaling: setting(looseBoolean, false, "Decide by load"),
  enableThroughputScaling: setting(looseBoolean, true, "Decide by prediction"),
  scheduling: group(schedulingSettings, "When decisions are made"),
  maxGpuBudget: setting(anyInteger, 8, "Most workers of all pools; negative for no limit"),
  minGpuBudget: setting(anyInteger, -1, "Fewest workers of all pools; negative for no limit"),
  minEndpoint: setting(anyInteger, 1, "Fewest workers of a pool"),
  ttftMs: setting(anyReal, 500, "Objective of target sla: time to first token, ms"),
  itlMs: setting(anyReal, 50, "Objective of target sla: inter-token latency, ms"),
  prefillScaleUpQueueTokens: queueTokens,
  prefillScaleDownQueueTokens: queueTokens,
  decodeScaleUpKvRate: kvRate,
  decodeScaleDownKvRate: kvRate,
  latencyModel: setting(
    oneOf(["regression", "timing"]),
    "regression",
    "Target sla: latencies are learnt from passes, or asked of the engine's timing model (not a key of the reference)"
  ),
  loadPredictor: setting(word("Predictor").kind, "arima", "How the next window is predicted"),
  loadPredictorLog1p: setting(looseBoolean, false, "Predict log(1 + x)"),
  prophetWindowSize: setting(anyInteger, 50, "Windows that Prophet looks at"),
  kalmanQLevel: setting(anyReal, 1, "Variance of the level per window"),
  kalmanQTrend: setting(anyReal, 0.1, "Variance of the trend per window"),
  kalmanR: setting(anyReal, 10, "Variance of what is measured"),
  kalmanMinPoints: setting(anyInteger, 5, "Not used by the reference"),
  loadScalingDownSensitivity: setting(
    anyInteger,
    80,
    "Share of the objective that must do for one worker less, percent"
  ),
  maxNumFpmSamples: setting(anyInteger, 64, "Passes that the latency model remembers, of each kind"),
  fpmSampleBucketSize: setting(anyInteger, 16, "Cells over which they are spread"),
  loadMinObservations: setting(anyInteger, 5, "Passes without which nothing is estimated"),
  speculativeNextn: setting(looseInteger(0), 0, "Draft tokens per step at most"),
  reportIntervalHours: nullable(anyReal, 24, undefined, "Diagnostics of the reference"),
  environment: setting(oneOf(["kubernetes", "virtual", "global-planner"]), "kubernetes", live),
  globalPlannerNamespace: word(live),
  aicPerfModel: word("Latencies from AIC")
}

/** Names of the reference that mean the same. */
const aliases: ReadonlyMap<string, string> = new Map([
  ["ttft", "ttft_ms"],
  ["itl", "itl_ms"],
  ["load_adjustment_interval", "load_adjustment_interval_seconds"],
  ["throughput_adjustment_interval", "throughput_adjustment_interval_seconds"]
])

/** Keys of live deployments that are not even looked at. */
const liveKeys: ReadonlySet<string> = new Set([
  "advisory",
  "aic_interpolation",
  "backend",
  "decode_engine_num_gpu",
  "live_dashboard_port",
  "metric_pulling_prometheus_endpoint",
  "metric_reporting_prometheus_port",
  "model_name",
  "namespace",
  "no_operation",
  "plugin_registration",
  "plugins",
  "pre_deployment_sweeping_mode",
  "prefill_engine_num_gpu",
  "profile_results_dir",
  "report_filename",
  "report_output_dir",
  "report_write_gzip_log"
])

type PlannerValues = Values<typeof plannerSettings>

/** A planner's configuration, checked, with defaults filled in. */
export interface PlannerConfig extends Omit<PlannerValues, "scheduling" | "loadPredictor"> {
  readonly loadPredictor: string
  /** Time between two ticks, seconds. */
  readonly scaleIntervalSeconds: number
  /** Keys given that the planner does not know. */
  readonly unknownKeys: ReadonlyArray<string>
}

/** Reads a configuration: the first value that cannot be accepted, then the first rule that is broken. */
export const decodePlannerConfig = (written: Plain): Result.Result<PlannerConfig, SettingsError> => {
  const known = entriesOf(plannerSettings)
  const named = new Map<string, unknown>()
  for (const [key, value] of written) {
    const name = aliases.get(key) ?? key
    if (!named.has(name) || name === key) named.set(name, value)
  }
  const unknownKeys = [...named.keys()].filter((key) => !known.has(key) && !liveKeys.has(key))
  const own = new Map([...named].filter(([key]) => known.has(key)))
  return Result.flatMap(decode(plannerSettings, own), (given) => resolve(complete(plannerSettings, given), unknownKeys))
}

const resolve = (
  given: PlannerValues,
  unknownKeys: ReadonlyArray<string>
): Result.Result<PlannerConfig, SettingsError> => {
  const { loadPredictor, scheduling, ...values } = given
  const isEasy = values.optimizationTarget !== "sla"
  const scaling = {
    ...values,
    enableLoadScaling: isEasy || values.enableLoadScaling,
    enableThroughputScaling: !isEasy && values.enableThroughputScaling
  }
  const scaleIntervalSeconds = scheduling.scaleIntervalSeconds ?? defaultInterval(scaling)
  const config = { ...scaling, loadPredictor: String(loadPredictor), scaleIntervalSeconds, unknownKeys }
  const problem = ownProblem(values) ?? thresholdProblem(values) ?? scalingProblem(config)
  return problem === undefined ? Result.succeed(config) : Result.fail(problem)
}

type Scaling = Omit<PlannerValues, "scheduling" | "loadPredictor">

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b))

const defaultInterval = (values: Scaling): number => {
  const load = values.loadAdjustmentIntervalSeconds
  const throughput = values.throughputAdjustmentIntervalSeconds
  return values.enableThroughputScaling && throughput > 0 ? greatestCommonDivisor(load, throughput) : load
}

const ownProblem = (values: Scaling): SettingsError | undefined => {
  const { environment, fpmSampleBucketSize, globalPlannerNamespace, reportIntervalHours, ttftMs } = values
  if (!(ttftMs > 0)) return settingsError("ttft_ms", `must be above 0, got ${ttftMs}`)
  if (reportIntervalHours !== undefined && !(reportIntervalHours > 0)) {
    return settingsError("report_interval_hours", `must be above 0, or null, got ${reportIntervalHours}`)
  }
  const side = Math.round(Math.sqrt(Math.max(0, fpmSampleBucketSize)))
  if (side * side !== fpmSampleBucketSize) {
    return settingsError(
      "fpm_sample_bucket_size",
      `must be a square number, got ${fpmSampleBucketSize}`,
      "such as 16 or 25"
    )
  }
  return environment === "global-planner" && !globalPlannerNamespace
    ? settingsError("global_planner_namespace", "is required with environment global-planner")
    : undefined
}

const thresholdProblem = (values: Scaling): SettingsError | undefined => {
  if (values.optimizationTarget !== "load") return undefined
  const { decodeScaleDownKvRate, decodeScaleUpKvRate, mode, prefillScaleDownQueueTokens, prefillScaleUpQueueTokens } =
    values
  const prefill = pairProblem(
    ["prefill_scale_up_queue_tokens", prefillScaleUpQueueTokens],
    ["prefill_scale_down_queue_tokens", prefillScaleDownQueueTokens]
  )
  const decode = pairProblem(
    ["decode_scale_up_kv_rate", decodeScaleUpKvRate],
    ["decode_scale_down_kv_rate", decodeScaleDownKvRate]
  )
  return (mode === "disagg" || mode === "prefill" ? prefill : undefined) ?? (mode === "prefill" ? undefined : decode)
}

type Threshold = readonly [key: string, value: number | undefined]

const pairProblem = ([upKey, up]: Threshold, [downKey, down]: Threshold): SettingsError | undefined => {
  if (up === undefined || down === undefined) {
    return settingsError(
      up === undefined ? upKey : downKey,
      `is required with optimization_target load: give ${upKey} and ${downKey}`
    )
  }
  return up > down ? undefined : settingsError(upKey, `must be above ${downKey}, got ${up} and ${down}`)
}

const divides = (part: number, whole: number): boolean => {
  const parts = whole / part
  return Math.abs(parts - Math.round(parts)) <= 1e-9 * Math.max(1, Math.abs(parts))
}

const scalingProblem = (config: PlannerConfig): SettingsError | undefined => {
  const { enableLoadScaling, enableThroughputScaling, scaleIntervalSeconds } = config
  const load = config.loadAdjustmentIntervalSeconds
  const throughput = config.throughputAdjustmentIntervalSeconds
  if (!enableLoadScaling && !enableThroughputScaling) {
    return settingsError(
      "enable_load_scaling",
      "nothing is scaled: enable_load_scaling or enable_throughput_scaling must be true"
    )
  }
  const picks = picksProblem(config)
  if (picks !== undefined) return picks
  if (enableThroughputScaling && throughput <= 0) {
    return settingsError("throughput_adjustment_interval_seconds", `must be above 0, got ${throughput}`)
  }
  if (!divides(scaleIntervalSeconds, load) || (enableThroughputScaling && !divides(scaleIntervalSeconds, throughput))) {
    return settingsError(
      "scheduling.scale_interval_seconds",
      `must divide load_adjustment_interval_seconds${enableThroughputScaling ? " and throughput_adjustment_interval_seconds" : ""}, `
        + `got ${scaleIntervalSeconds} for ${enableThroughputScaling ? `${load} and ${throughput}` : load}`
    )
  }
  return enableLoadScaling && enableThroughputScaling && load >= throughput
    ? settingsError(
        "load_adjustment_interval_seconds",
        `must be shorter than throughput_adjustment_interval_seconds, got ${load} and ${throughput}`
      )
    : undefined
}

/** Latencies from AIC need to be told how each pool is built. */
const picksProblem = ({ aicPerfModel, mode }: PlannerConfig): SettingsError | undefined => {
  if (typeof aicPerfModel !== "object" || aicPerfModel === null) return undefined
  const picks = new Map<string, unknown>(Object.entries(aicPerfModel))
  const wanted = [
    ...(mode === "disagg" || mode === "prefill" ? ["prefill_pick"] : []),
    ...(mode === "prefill" ? [] : ["decode_pick"])
  ].find((pick) => (picks.get(pick) ?? null) === null)
  return wanted === undefined ? undefined : settingsError(`aic_perf_model.${wanted}`, `is required in mode ${mode}`)
}
