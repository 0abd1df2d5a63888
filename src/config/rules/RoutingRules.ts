/** How requests find a worker, and what the router may know of prefill times. */
import type { GivenAicOptions, GivenOptions } from "../GivenOptions.ts"
import type { Deployment, PrefillEstimateArgs } from "../ReplayOptions.ts"
import type { RouterConfig } from "../../router/kv/RouterConfig.ts"
import { usageError } from "../UsageError.ts"
import { missingOf, type Problem } from "./Rule.ts"

export const routerModeProblem = (given: GivenOptions, deployment: Deployment): Problem =>
  given.routerMode === "kv_router"
  && given.replayMode !== "online"
  && deployment._tag === "Aggregated"
  && deployment.workers < 2
    ? usageError("--router-mode", "kv_router needs --num-workers of at least 2", "one worker leaves nothing to choose")
    : undefined

export const modelNameProblem = ({ modelName }: GivenOptions): Problem =>
  modelName === "" ? usageError("--model-name", "must not be empty") : undefined

export const incompleteEstimateProblem = (aic: GivenAicOptions | undefined): Problem => {
  if (aic === undefined) return undefined
  const missing = missingOf([
    ["--aic-backend", aic.backend],
    ["--aic-system", aic.system],
    ["--aic-model-path", aic.modelPath]
  ])
  return missing.length === 0
    ? undefined
    : usageError(missing[0]!, "is missing", `AIC prefill estimates also need ${missing.join(", ")}`)
}

export const estimateProblem = (given: GivenOptions, config: RouterConfig): Problem => {
  const wanted = config.routerPrefillLoadModel === "aic"
  if (given.aic === undefined) {
    return wanted
      ? usageError(
          "--router-config",
          "router_prefill_load_model=aic needs --aic-backend, --aic-system and --aic-model-path"
        )
      : undefined
  }
  if (given.routerMode !== "kv_router") {
    return usageError(
      "--aic-backend",
      "needs --router-mode kv_router",
      "to time the engine by AIC, put aic_backend into --extra-engine-args"
    )
  }
  return wanted
    ? undefined
    : usageError(
        "--aic-backend",
        "needs router_prefill_load_model=aic",
        'add --router-config \'{"router_prefill_load_model": "aic"}\''
      )
}

export const estimateOf = (aic: GivenAicOptions | undefined): PrefillEstimateArgs | undefined =>
  aic === undefined || aic.backend === undefined
    ? undefined
    : {
        backend: aic.backend,
        system: aic.system,
        backendVersion: aic.backendVersion,
        modelPath: aic.modelPath,
        tpSize: aic.tpSize ?? 1,
        moeTpSize: aic.moeTpSize,
        moeEpSize: aic.moeEpSize,
        attentionDpSize: aic.attentionDpSize ?? 1,
        gemmDtype: aic.gemmDtype,
        moeDtype: aic.moeDtype,
        fmhaDtype: aic.fmhaDtype,
        kvCacheDtype: aic.kvCacheDtype,
        commDtype: aic.commDtype,
        moeTokens: undefined,
        nextnCost: undefined
      }
