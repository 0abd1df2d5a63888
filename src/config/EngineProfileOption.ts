/** The profile that `--engine-profile` names for all engines of a run, beside the one that their arguments may name. */
import { type EngineArgs, make as makeEngineArgs } from "../engine/EngineArgs.ts"
import type { EngineProfileName } from "../engine/EngineProfile.ts"
import type { Plain } from "../settings/Decode.ts"
import type { GivenOptions } from "./GivenOptions.ts"
import type { Problem } from "./rules/Rule.ts"
import { usageError } from "../settings/SettingsError.ts"

/** Arguments as written, under the profile of the flag unless they name one. */
export const withProfile = (written: Plain, profile: EngineProfileName | undefined): Plain =>
  profile === undefined || written.has("engine_profile") ? written : new Map([...written, ["engine_profile", profile]])

/** The engine of a run that is given no engine arguments. */
export const unnamedEngine = ({ engineProfile }: GivenOptions): EngineArgs => makeEngineArgs({ engineProfile })

/** A profile must not be named twice, differently. */
export const profileProblem = ({ engineProfile }: GivenOptions, engines: ReadonlyArray<EngineArgs>): Problem => {
  const other = engines.find((engine) => engine.engineProfile !== engineProfile)
  return engineProfile === undefined || other === undefined
    ? undefined
    : usageError(
        "--engine-profile",
        `contradicts engine_profile ${other.engineProfile} of the engine arguments, got ${engineProfile}`,
        "name it once"
      )
}
