/** Settings written as a JSON object: to checked values, or to an error that names the place. */
import * as Result from "effect/Result"
import { decodeEngineArgs, type EngineArgs } from "../engine/EngineArgs.ts"
import { decodeRouterConfig, type RouterConfig } from "../router/kv/RouterConfig.ts"
import type { Plain } from "../settings/Decode.ts"
import type { SettingsError } from "../settings/SettingsError.ts"
import { type ConfigError, configError } from "./ConfigError.ts"
import { type JsonNode, plainMap, type Position, showNode } from "../settings/JsonNode.ts"
import { type JsonSetting, nodeOf, type PlacedNode } from "./JsonSetting.ts"

/** Where in a tree the value under some keys was written, or its key; of what is not there, where it would belong. */
const positionOf = (root: JsonNode, { aboutKey, path }: SettingsError): Position => {
  let node = root
  for (const [depth, key] of path.entries()) {
    if (node._tag === "Array") {
      node = node.items[Number(key)] ?? node
      continue
    }
    const entry = node._tag === "Object" ? node.entries.get(key) : undefined
    if (entry === undefined) return node.at
    if (aboutKey && depth === path.length - 1) return entry.keyAt
    node = entry.value
  }
  return node.at
}

/** The error of what was written in a tree. */
export const placedError = ({ node, path, source }: PlacedNode, error: SettingsError): ConfigError =>
  configError(
    source,
    [path, ...error.path].filter((key) => key !== "").join("."),
    positionOf(node, error),
    error.problem,
    error.hint
  )

/** Reads an object of settings by what its owner makes of it. */
export const decodePlaced = <A>(
  placed: PlacedNode,
  decode: (written: Plain) => Result.Result<A, SettingsError>
): Result.Result<A, ConfigError> => {
  const { node, path, source } = placed
  return node._tag === "Object"
    ? Result.mapError(decode(plainMap(node)), (error) => placedError(placed, error))
    : Result.fail(configError(source, path, node.at, `expected an object with settings, got ${showNode(node)}`))
}

/** {@link decodePlaced} of what a flag or a file holds. */
export const decodeSetting = <A>(
  setting: JsonSetting,
  decode: (written: Plain) => Result.Result<A, SettingsError>
): Result.Result<A, ConfigError> => Result.flatMap(nodeOf(setting), (placed) => decodePlaced(placed, decode))

/** Reads engine arguments from text, a JSON object. */
export const parseEngineArgs = (text: string): Result.Result<EngineArgs, ConfigError> =>
  decodeSetting({ _tag: "Text", flag: "engine arguments", text }, decodeEngineArgs)

/** Reads a router configuration from text, a JSON object. */
export const parseRouterConfig = (text: string): Result.Result<RouterConfig, ConfigError> =>
  decodeSetting({ _tag: "Text", flag: "router configuration", text }, decodeRouterConfig)
