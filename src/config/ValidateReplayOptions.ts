/**
 * Holds the options of a run against each other: the first rule that is broken, in the order of the reference
 * (ai-dynamo 1.3.1), or the complete {@link ReplayOptions}.
 *
 * Pure: no file is opened. What depends on the content of a trace or policy file is checked where that file is read.
 */
import * as Result from "effect/Result"
import type { ConfigError } from "./ConfigError.ts"
import type { EngineArgs } from "../engine/EngineArgs.ts"
import { decodeEngineArgs } from "../engine/EngineArgs.ts"
import type { GivenOptions } from "./GivenOptions.ts"
import { decodeSetting } from "./DecodeSettings.ts"
import type { JsonSetting } from "./JsonSetting.ts"
import { noticesOf } from "./OptionNotices.ts"
import type { Deployment, ReplayOptions } from "./ReplayOptions.ts"
import { defaultRouterConfig, decodeRouterConfig, type RouterConfig } from "../router/kv/RouterConfig.ts"
import { aggregatedProblem, deploymentOf, disaggregationProblem, poolProblem } from "./rules/DeploymentRules.ts"
import { countProblem, inputOf, inputProblem, traceProblem } from "./rules/InputRules.ts"
import {
  concurrencyProblem,
  formatProblem,
  limitProblem,
  loadOf,
  serviceLevelOf,
  serviceLevelProblem,
  speedupProblem
} from "./rules/LoadRules.ts"
import { plannerFormatProblem, plannerOutputProblem } from "./rules/PlannerRules.ts"
import { estimateOf, estimateProblem, incompleteEstimateProblem, routerModeProblem } from "./rules/RoutingRules.ts"
import type { Problem } from "./rules/Rule.ts"
import { type UsageError, usageError } from "./UsageError.ts"

type Checked<A> = Result.Result<A, UsageError | ConfigError>

/** Ends the validation when a rule is broken. */
const check = (problem: Problem): Result.Result<void, UsageError> =>
  problem === undefined ? Result.succeed(undefined) : Result.fail(problem)

const engineOf = (setting: JsonSetting | undefined): Checked<EngineArgs | undefined> =>
  setting === undefined ? Result.succeed(undefined) : decodeSetting(setting, decodeEngineArgs)

const routerConfigOf = (setting: JsonSetting | undefined): Checked<RouterConfig> =>
  setting === undefined ? Result.succeed(defaultRouterConfig) : decodeSetting(setting, decodeRouterConfig)

/** Of runs that name none; the one that the reference draws synthetic load from. */
export const defaultSeed = 42

export const validateReplayOptions = (given: GivenOptions): Checked<ReplayOptions> =>
  Result.gen(function* () {
    yield* check(inputProblem(given) ?? plannerOutputProblem(given))
    const extra = yield* engineOf(given.extraEngineArgs)
    const prefill = yield* engineOf(given.prefillEngineArgs)
    const decode = yield* engineOf(given.decodeEngineArgs)
    const config = yield* routerConfigOf(given.routerConfig)
    yield* check(
      incompleteEstimateProblem(given.aic)
        ?? plannerFormatProblem(given)
        ?? countProblem(given)
        ?? poolProblem(given)
        ?? estimateProblem(given, config)
        ?? (given.modelName === "" ? usageError("--model-name", "must not be empty") : undefined)
        ?? limitProblem(given)
        ?? serviceLevelProblem(given)
        ?? concurrencyProblem(given)
    )
    const input = yield* inputOf(given)
    const deployment = deploymentOf(given, extra, prefill, decode)
    yield* check(
      disaggregationProblem(given, deployment)
        ?? routerModeProblem(given, deployment)
        ?? (deployment._tag === "Aggregated" ? aggregatedProblem(deployment.workers, deployment.engine) : undefined)
        ?? formatProblem(given, input)
        ?? traceProblem(input)
        ?? speedupProblem(given)
    )
    const options = {
      input,
      load: loadOf(given),
      deployment,
      routing: {
        mode: given.routerMode ?? "round_robin",
        config,
        policyFile: given.routerPolicyConfig ?? config.routerPolicyConfig,
        modelName: given.modelName,
        prefillEstimate: estimateOf(given.aic),
        tieBreak: given.tieBreak ?? "random"
      },
      seed: given.seed ?? defaultSeed,
      mode: given.replayMode ?? "offline",
      maxSimTimeMs: given.maxSimTimeSeconds === undefined ? undefined : given.maxSimTimeSeconds * 1000,
      serviceLevel: serviceLevelOf(given),
      outputs: { reportJson: given.reportJson, reportJsonl: given.reportJsonl },
      planner: given.plannerConfig,
      benchmarkGranularity: given.benchmarkGranularity,
      aicBundles: bundlesOf(given, deployment),
      check: given.check ?? false,
      quiet: given.quiet ?? false
    } satisfies Omit<ReplayOptions, "notices">
    return { ...options, notices: noticesOf(given, options) }
  })

/** Bundles of the run and of its engines, each once. */
const bundlesOf = ({ aicBundles = [] }: GivenOptions, deployment: Deployment): ReadonlyArray<string> => {
  const engines = deployment._tag === "Aggregated" ? [deployment.engine] : [deployment.prefill, deployment.decode]
  const own = engines.map(({ aicBundle }) => aicBundle).filter((file) => file !== undefined)
  return [...new Set([...aicBundles, ...own])]
}
