/** Options of a configuration file that flags override: no run uses them, and they are read like all others, so that nothing of the file is ignored. */
import * as Result from "effect/Result"
import { decodePlannerConfig } from "../autoscaler/reference/PlannerConfig.ts"
import { decodeRouterConfig } from "../router/kv/RouterConfig.ts"
import { decodeWorkload } from "../workload/classes/WorkloadPlan.ts"
import { decodeSetting } from "./DecodeSettings.ts"
import { type Checked, engineOf } from "./DeploymentOptions.ts"
import { type JsonSetting, nodeOf } from "./JsonSetting.ts"
import { type FlagValues, readFlags } from "./ReadFlags.ts"
import { replayFlags } from "./ReplayFlags.ts"

const profileFlag = { "engine-profile": replayFlags["engine-profile"] }

/** Those that the flags override. */
export const overriddenOptions = (configured: FlagValues, flags: FlagValues): FlagValues =>
  new Map([...configured].filter(([name]) => flags.has(name)))

const each = (
  settings: ReadonlyArray<JsonSetting | undefined>,
  read: (setting: JsonSetting) => Checked<unknown>
): Checked<void> =>
  Result.gen(function* () {
    for (const setting of settings) if (setting !== undefined) yield* read(setting)
  })

/** Refuses what none of them may be. Engine arguments are read under the profile that the file names, or else the flags. */
export const checkOverridden = (overridden: FlagValues, configured: FlagValues, flags: FlagValues): Checked<void> =>
  Result.gen(function* () {
    const given = yield* readFlags(replayFlags, overridden)
    const { engineProfile } = yield* readFlags(profileFlag, new Map([...flags, ...configured]))
    const engines = [given.extraEngineArgs, given.prefillEngineArgs, given.decodeEngineArgs]
    yield* each(engines, (setting) => engineOf(setting, engineProfile))
    yield* each([given.routerConfig], (setting) => decodeSetting(setting, decodeRouterConfig))
    yield* each([given.workload], (setting) => decodeSetting(setting, decodeWorkload))
    yield* each([given.plannerConfig], (setting) => decodeSetting(setting, decodePlannerConfig))
    yield* each([given.autoscaleConfig], nodeOf)
  })
