/**
 * A setting that is itself a JSON object: the text of a flag such as `--router-config`, or a part of a configuration file.
 */
import * as Result from "effect/Result"
import { ConfigError, type ConfigSource } from "./ConfigError.ts"
import type { JsonNode } from "../settings/JsonNode.ts"
import * as StrictJson from "../settings/StrictJson.ts"

export type JsonSetting =
  | {
      readonly _tag: "Text"
      /** Flag with its dashes. */
      readonly flag: string
      readonly text: string
    }
  | {
      readonly _tag: "Node"
      readonly source: ConfigSource
      /** Where the node stands in the source. */
      readonly path: string
      readonly node: JsonNode
    }

export interface PlacedNode {
  readonly source: ConfigSource
  readonly path: string
  readonly node: JsonNode
}

/** The setting as a tree. */
export const nodeOf = (setting: JsonSetting): Result.Result<PlacedNode, ConfigError> => {
  if (setting._tag === "Node") return Result.succeed(setting)
  const { flag, text } = setting
  return StrictJson.parse(text).pipe(
    Result.map((node) => ({ source: { _tag: "Flag" as const, name: flag }, path: "", node })),
    Result.mapError((error) => {
      const hint = text.includes("{") ? error.hint : "give the JSON object itself, or @FILE for a file that holds it"
      return new ConfigError({
        where: flag,
        path: "",
        line: error.line,
        column: error.column,
        problem: `not JSON: ${error.message}`,
        ...(hint === undefined ? {} : { hint })
      })
    })
  )
}
