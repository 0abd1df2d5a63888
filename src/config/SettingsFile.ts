/** Files of settings: YAML, or strict JSON where the name ends in `.json`. */
import * as Result from "effect/Result"
import { type ConfigError, configError, type ConfigSource } from "./ConfigError.ts"
import type { JsonNode } from "./JsonNode.ts"
import * as StrictJson from "./StrictJson.ts"
import { parseYaml } from "./YamlTree.ts"

/** The tree that the text of a file stands for; errors name the file as it is called here, and the line. */
export const parseSettingsFile = (file: string, text: string): Result.Result<JsonNode, ConfigError> => {
  const source: ConfigSource = { _tag: "File", name: file }
  return file.endsWith(".json") ? parseJson(source, text) : parseYaml(source, text)
}

const parseJson = (source: ConfigSource, text: string): Result.Result<JsonNode, ConfigError> =>
  Result.mapError(StrictJson.parse(text), (error) =>
    configError(source, "", error, `not JSON: ${error.problem} (column ${error.column})`, error.hint)
  )
