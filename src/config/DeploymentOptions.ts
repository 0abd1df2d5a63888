/**
 * The part of a run's options that decides what is deployed: engines, pools, routing. A replay and the HTTP endpoint share it.
 *
 * Pure: no file is opened.
 */
import { runSettings } from "../run/RunSettings.ts"
import * as Result from "effect/Result"
import type { EngineArgs } from "../engine/EngineArgs.ts"
import type { EngineProfileName } from "../engine/EngineProfile.ts"
import { decodeRouterConfig, defaultRouterConfig, type RouterConfig } from "../router/kv/RouterConfig.ts"
import type { ConfigError } from "./ConfigError.ts"
import { decodeSetting } from "./DecodeSettings.ts"
import { decodeEngines } from "./EngineGroups.ts"
import { profileProblem, unnamedEngine, withProfile } from "./EngineProfileOption.ts"
import type { GivenOptions } from "./GivenOptions.ts"
import { type JsonSetting, nodeOf } from "./JsonSetting.ts"
import { deploymentNotices } from "./OptionNotices.ts"
import type { Deployment, DeploymentOptions, ReplayOptions } from "../run/ReplayOptions.ts"
import { enginesOf } from "../run/WorkerGroups.ts"
import { replayFlags } from "./ReplayFlags.ts"
import {
  deploymentOf,
  disaggregationProblem,
  type EngineGroups,
  groupSizeProblem,
  poolProblem,
  workerProblem
} from "./rules/DeploymentRules.ts"
import { rangeProblem } from "./rules/InputRules.ts"
import {
  estimateOf,
  estimateProblem,
  incompleteEstimateProblem,
  modelNameProblem,
  routerModeProblem
} from "./rules/RoutingRules.ts"
import { check, type Problem } from "./rules/Rule.ts"
import type { UsageError } from "../settings/SettingsError.ts"

export type Checked<A> = Result.Result<A, UsageError | ConfigError>

/** The settings objects of a deployment, each decoded on its own. */
export interface DeploymentSettings {
  readonly extra: EngineGroups | undefined
  readonly prefill: EngineGroups | undefined
  readonly decode: EngineGroups | undefined
  readonly router: RouterConfig
}

export const engineOf = (
  setting: JsonSetting | undefined,
  profile: EngineProfileName | undefined
): Checked<EngineGroups | undefined> =>
  setting === undefined
    ? Result.succeed(undefined)
    : Result.flatMap(nodeOf(setting), (placed) => decodeEngines(placed, (written) => withProfile(written, profile)))

const argsOf = (engines: EngineGroups | undefined): ReadonlyArray<EngineArgs> => {
  if (engines === undefined) return []
  return "engineType" in engines ? [engines] : engines.map(({ engine }) => engine)
}

const routerConfigOf = (setting: JsonSetting | undefined): Checked<RouterConfig> =>
  setting === undefined ? Result.succeed(defaultRouterConfig) : decodeSetting(setting, decodeRouterConfig)

export const decodeDeployment = (given: GivenOptions): Checked<DeploymentSettings> =>
  Result.gen(function* () {
    const { engineProfile } = given
    const engines = {
      extra: yield* engineOf(given.extraEngineArgs, engineProfile),
      prefill: yield* engineOf(given.prefillEngineArgs, engineProfile),
      decode: yield* engineOf(given.decodeEngineArgs, engineProfile)
    }
    const router = yield* routerConfigOf(given.routerConfig)
    yield* check(profileProblem(given, Object.values(engines).flatMap(argsOf)) ?? groupSizeProblem(given, engines))
    return { ...engines, router }
  })

export const deploymentOptionsOf = (
  given: GivenOptions,
  { decode, extra, prefill, router }: DeploymentSettings
): DeploymentOptions => {
  const deployment = deploymentOf(given, extra ?? unnamedEngine(given), prefill, decode)
  return {
    deployment,
    routing: {
      mode: given.routerMode ?? runSettings.routerMode.absent,
      config: router,
      policyFile: given.routerPolicyConfig ?? router.routerPolicyConfig,
      modelName: given.modelName,
      prefillEstimate: estimateOf(given),
      tieBreak: given.tieBreak ?? runSettings.tieBreak.absent
    },
    seed: given.seed ?? runSettings.seed.absent,
    aicBundles: bundlesOf(given, deployment)
  }
}

/** The first rule on the deployment as a whole that is broken. */
export const deploymentProblem = (given: GivenOptions, deployment: Deployment): Problem =>
  disaggregationProblem(deployment) ?? routerModeProblem(given, deployment) ?? workerProblem(deployment)

/** A deployment that runs on the live clock and is given its requests from outside. */
export const validateLiveDeployment = (
  options: GivenOptions
): Checked<DeploymentOptions & Pick<ReplayOptions, "notices" | "quiet">> =>
  Result.gen(function* () {
    const given: GivenOptions = { ...options, replayMode: "online" }
    const settings = yield* decodeDeployment(given)
    yield* check(
      incompleteEstimateProblem(given)
        ?? rangeProblem(replayFlags, given)
        ?? poolProblem(given)
        ?? estimateProblem(given, settings.router)
        ?? modelNameProblem(given)
    )
    const deployed = deploymentOptionsOf(given, settings)
    yield* check(deploymentProblem(given, deployed.deployment))
    return {
      ...deployed,
      notices: deploymentNotices(given, { ...deployed, isServed: true }),
      quiet: given.quiet ?? false
    }
  })

/** Bundles of the run and of its engines, each once. */
const bundlesOf = ({ aicBundle = [] }: GivenOptions, deployment: Deployment): ReadonlyArray<string> => {
  const engines = enginesOf(deployment)
  const own = engines.map(({ aicBundle }) => aicBundle).filter((file) => file !== undefined)
  return [...new Set([...aicBundle, ...own])]
}
