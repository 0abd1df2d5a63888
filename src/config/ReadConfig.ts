/** Options by name, out of the tree that the text of a configuration file stands for. */
import * as Result from "effect/Result"
import { closestName } from "../settings/ClosestName.ts"
import { type JsonEntry, type JsonNode, showNode } from "../settings/JsonNode.ts"
import { type ConfigError, configError, type ConfigSource } from "./ConfigError.ts"
import type { JsonSetting } from "./JsonSetting.ts"
import type { FlagValues } from "./ReadFlags.ts"
import { isFlagName, replayFlags } from "./ReplayFlags.ts"

/** What a `--config` file says. */
export interface ConfigFile {
  /** Trace files that it names. */
  readonly traces: ReadonlyArray<string>
  /** Options by flag name; those written as null are left out. */
  readonly values: FlagValues
}

/** Where an editor finds the schema of the file. */
const schemaKey = "$schema"
/** The key of the trace files, which have no flag. */
const tracesKey = "traces"

/** Reads the options of a tree, such as a part of a larger file. */
export const readConfig = (source: ConfigSource, root: JsonNode): Result.Result<ConfigFile, ConfigError> => {
  if (root._tag !== "Object") {
    return Result.fail(configError(source, "", root.at, `expected options by name, got ${showNode(root)}`))
  }
  const values = new Map<string, JsonSetting>()
  let traces: ReadonlyArray<string> = []
  for (const [key, entry] of root.entries) {
    if (key === schemaKey) continue
    const name = key.replaceAll("_", "-")
    if (name === tracesKey) {
      const read = tracesOf(source, entry)
      if (Result.isFailure(read)) return Result.fail(read.failure)
      traces = read.success
      continue
    }
    const problem = keyProblem(source, key, name, entry, values)
    if (problem !== undefined) return Result.fail(problem)
    if (entry.value._tag !== "Null") values.set(name, { _tag: "Node", source, path: key, node: entry.value })
  }
  return Result.succeed({ traces, values })
}

const keyProblem = (
  source: ConfigSource,
  key: string,
  name: string,
  entry: JsonEntry,
  values: FlagValues
): ConfigError | undefined => {
  const error = (problem: string, hint?: string): ConfigError => configError(source, key, entry.keyAt, problem, hint)
  if (name === "config") return error("a configuration file cannot name another one")
  if (values.has(name)) return error("the same option twice, with dashes and with underscores")
  if (isFlagName(name)) return undefined
  const close = closestName(name, [tracesKey, ...Object.keys(replayFlags)])
  return error(
    "unknown option",
    close === undefined ? "keys are the flags of dynosim replay without dashes" : `did you mean ${close}?`
  )
}

/** One file or a list of them. */
const tracesOf = (source: ConfigSource, { value }: JsonEntry): Result.Result<ReadonlyArray<string>, ConfigError> => {
  const items = value._tag === "Array" ? value.items : [value]
  const files: Array<string> = []
  for (const item of items) {
    if (item._tag !== "String") {
      return Result.fail(
        configError(source, tracesKey, item.at, `expected a file or a list of files, got ${showNode(item)}`)
      )
    }
    files.push(item.value)
  }
  return Result.succeed(files)
}
