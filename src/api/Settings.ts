/** From text (JSON, flags, configuration files) to checked options; what is wrong with them. */
export { parseEngineArgs, parseRouterConfig } from "../config/DecodeSettings.ts"
export { parseConfigFile, type ConfigFile } from "../config/ConfigFile.ts"
export { isFlagName, replayFlags, type FlagName } from "../config/ReplayFlags.ts"
export { readGivenOptions, type GivenOptions, type GivenSynthetic, type GivenTrace } from "../config/GivenOptions.ts"
export { validateReplayOptions } from "../config/ValidateReplayOptions.ts"
export { ConfigError, type ConfigSource } from "../config/ConfigError.ts"
export { SettingsError } from "../settings/SettingsError.ts"
export { UsageError } from "../settings/SettingsError.ts"
