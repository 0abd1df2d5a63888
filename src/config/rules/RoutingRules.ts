/** How requests find a worker, and what the router may know of prefill times. */
import { fieldOf } from "../FlagSpec.ts"
import type { GivenOptions } from "../GivenOptions.ts"
import { replayFlags } from "../ReplayFlags.ts"
import type { Deployment, PrefillEstimateArgs } from "../../run/ReplayOptions.ts"
import type { RouterConfig } from "../../router/kv/RouterConfig.ts"
import { usageError } from "../../settings/SettingsError.ts"
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

/** The options of the router's AIC estimates. */
const aicFlags = Object.keys(replayFlags).filter((flag) => flag.startsWith("aic-") && flag !== "aic-bundle")

/** How the reference spells "as the model says". */
const asTheModel = "auto"

/** Whether any option asks for estimates. */
export const wantsEstimate = (given: GivenOptions): boolean => {
  const fields: ReadonlyMap<string, unknown> = new Map(Object.entries(given))
  const values = aicFlags.map((flag) => fields.get(fieldOf(flag)))
  return values.some((value) => value !== undefined && value !== asTheModel)
}

export const incompleteEstimateProblem = (given: GivenOptions): Problem => {
  if (!wantsEstimate(given)) return undefined
  const missing = missingOf([
    ["--aic-backend", given.aicBackend],
    ["--aic-system", given.aicSystem],
    ["--aic-model-path", given.aicModelPath]
  ])
  return missing.length === 0
    ? undefined
    : usageError(missing[0]!, "is missing", `AIC prefill estimates also need ${missing.join(", ")}`)
}

export const estimateProblem = (given: GivenOptions, config: RouterConfig): Problem => {
  const wanted = config.routerPrefillLoadModel === "aic"
  if (!wantsEstimate(given)) {
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

const dtypeOf = (given: string | undefined): string | undefined => (given === asTheModel ? undefined : given)

export const estimateOf = (given: GivenOptions): PrefillEstimateArgs | undefined =>
  given.aicBackend === undefined
    ? undefined
    : {
        backend: given.aicBackend,
        system: given.aicSystem,
        backendVersion: given.aicBackendVersion,
        modelPath: given.aicModelPath,
        tpSize: given.aicTpSize ?? 1,
        moeTpSize: given.aicMoeTpSize,
        moeEpSize: given.aicMoeEpSize,
        attentionDpSize: given.aicAttentionDpSize ?? 1,
        gemmDtype: dtypeOf(given.aicGemmDtype),
        moeDtype: dtypeOf(given.aicMoeDtype),
        fmhaDtype: dtypeOf(given.aicFmhaDtype),
        kvCacheDtype: dtypeOf(given.aicKvCacheDtype),
        commDtype: dtypeOf(given.aicCommDtype),
        moeTokens: undefined,
        nextnCost: undefined
      }
