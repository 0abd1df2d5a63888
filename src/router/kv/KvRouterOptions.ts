/** What the KV router is configured with. */
import * as Result from "effect/Result"
import type { SettingsError } from "../../settings/SettingsError.ts"
import { defaultRouterConfig, routerConfigProblem, type RouterConfig } from "./RouterConfig.ts"
import type { PoolRole } from "../Router.ts"
import type { TieBreak } from "./Choice.ts"
import type { PolicyProfile } from "./PolicyProfile.ts"
import type { PrefillEstimator } from "./PrefillLoad.ts"

/** The part of the configuration that is a setting already, not the name of something to load. */
type Settings = Omit<RouterConfig, "routerPrefillLoadModel" | "routerPolicyConfig" | "inertKeys">

/** What a KV router is built from. */
export interface KvRouterOptions extends Settings {
  /** Profile of the policy file; `undefined` without one. */
  readonly policyProfile: PolicyProfile | undefined
  /** Present for `router_prefill_load_model: "aic"`: outstanding prefills count down at the estimated pace. */
  readonly prefillEstimator: PrefillEstimator | undefined
  /** Seed of ties and of the softmax draw, an integer. */
  readonly seed: bigint | number
  readonly tieBreak: TieBreak
}

/** The reference's defaults; seed 0. */
export const defaultKvRouterOptions: KvRouterOptions = {
  ...defaultRouterConfig,
  policyProfile: undefined,
  prefillEstimator: undefined,
  seed: 0,
  tieBreak: "random"
}

/** Options, checked where a router is built from them: they may be defaults with some replaced. */
export const checkedOptions = (options: KvRouterOptions): Result.Result<KvRouterOptions, SettingsError> => {
  const problem = routerConfigProblem(options)
  return problem === undefined ? Result.succeed(options) : Result.fail(problem)
}

/** What the options mean for one side of a disaggregated run: prefill workers hold no blocks, decode workers no prefills. */
export const optionsForRole = (options: KvRouterOptions, role: PoolRole): KvRouterOptions => {
  switch (role) {
    case "aggregated":
      return options
    case "prefill":
      return { ...options, routerTrackActiveBlocks: false }
    case "decode":
      return {
        ...options,
        overlapScoreCredit: 0,
        routerAssumeKvReuse: false,
        routerTrackPrefillTokens: false,
        prefillEstimator: undefined
      }
  }
}
