/**
 * A file of options (`--config`), JSON or YAML: flag names without their dashes as keys, underscores allowed for dashes, and
 * `traces` for the trace files. Engine arguments and router configuration are objects, strings of JSON, or
 * `@FILE` for a file that holds them.
 *
 * `data/schema/config.schema.json` describes it for editors; a key `$schema` that names it is not looked at.
 *
 * Relative paths in the file mean what they mean on the command line: they start at the working directory.
 */
import * as Result from "effect/Result"
import type { ConfigError, ConfigSource } from "./ConfigError.ts"
import { type ConfigFile, readConfig } from "./ReadConfig.ts"
import { parseSettingsFile } from "./SettingsFile.ts"

/** Reads the text of a configuration file; a name ending in `.json` makes it strict JSON. */
export const parseConfigFile = (file: string, text: string): Result.Result<ConfigFile, ConfigError> => {
  const source: ConfigSource = { _tag: "File", name: file }
  return Result.flatMap(parseSettingsFile(file, text), (node) => readConfig(source, node))
}
