/** Files of settings: YAML, or strict JSON where the name ends in `.json`. */
import * as Result from "effect/Result"
import { type ConfigError, configError, type ConfigSource } from "./ConfigError.ts"
import type { JsonNode } from "../settings/JsonNode.ts"
import * as StrictJson from "../settings/StrictJson.ts"
import { parseYaml } from "../settings/YamlTree.ts"

/** The tree that the text of a file stands for; errors name the file as it is called here, and the line. */
export const parseSettingsFile = (file: string, text: string): Result.Result<JsonNode, ConfigError> => {
  const source: ConfigSource = { _tag: "File", name: file }
  return file.endsWith(".json") ? parseJson(source, text) : parseYamlFile(source, text)
}

const parseJson = (source: ConfigSource, text: string): Result.Result<JsonNode, ConfigError> =>
  Result.mapError(StrictJson.parse(text), (error) =>
    configError(source, "", error, `not JSON: ${error.problem} (column ${error.column})`, error.hint)
  )

const parseYamlFile = (source: ConfigSource, text: string): Result.Result<JsonNode, ConfigError> =>
  Result.mapError(parseYaml(text), (error) => configError(source, "", error, error.problem))
