/** Options by name, wherever they were given: words of the command line, or nodes of a configuration file -> checked values. */
import * as Result from "effect/Result"
import { closestName } from "../settings/ClosestName.ts"
import { Decimal, showValue } from "../settings/Decimal.ts"
import type { Form, Kind } from "../settings/Kind.ts"
import { exactIntegerOf, numberOf } from "../settings/NumberText.ts"
import { type UsageError, usageError } from "../settings/SettingsError.ts"
import { type ConfigError, configError } from "./ConfigError.ts"
import { fieldOf, type FlagTable, type GivenFlags } from "./FlagSpec.ts"
import { plainOf } from "../settings/JsonNode.ts"
import type { JsonSetting } from "./JsonSetting.ts"

/** Options as given, by name without dashes. */
export type FlagValues = ReadonlyMap<string, JsonSetting>

type Problem = UsageError | ConfigError

const switches: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["false", false]
])

/** What a word says, as a plain value; the word itself where it has not the form that is asked for. */
const plainOfWord = (form: Form, word: string): unknown => {
  switch (form) {
    case "integer":
    case "lengths":
      return exactIntegerOf(word) ?? word
    case "number": {
      const number = numberOf(word)
      return number === undefined ? word : new Decimal(number, word.trim())
    }
    case "switch":
      return switches.get(word) ?? word
    default:
      return word
  }
}

/** What is wrong with a value: `must be …, got …`. */
const refusal = (kind: Kind<unknown>, value: unknown, shown: string): string =>
  kind.explain?.(value) ?? `expected ${kind.expected}, got ${shown}`

/** The name that a wrong one may stand for. */
const nearest = ({ names }: Kind<unknown>, value: unknown): string | undefined => {
  const close = names === undefined || typeof value !== "string" ? undefined : closestName(value, names)
  return close === undefined ? undefined : `did you mean ${close}?`
}

/** What is wrong with the value of an option that a program gives. */
export const flagProblem = (name: string, kind: Kind<unknown>, value: unknown): UsageError | undefined =>
  value === undefined || kind.read(value) !== undefined
    ? undefined
    : usageError(`--${name}`, refusal(kind, value, showValue(value)), nearest(kind, value))

const readWord = (flag: string, word: string, kind: Kind<unknown>): Result.Result<unknown, Problem> => {
  const value = plainOfWord(kind.form, word)
  const read = kind.read(value)
  if (read !== undefined) return Result.succeed(read)
  const shown = typeof value === "string" ? JSON.stringify(word) : word.trim()
  return Result.fail(usageError(flag, refusal(kind, value, shown), nearest(kind, value)))
}

/** A JSON object; a configuration file may also hold it as a string of JSON. */
const readJson = (setting: JsonSetting): JsonSetting => {
  if (setting._tag !== "Node" || setting.node._tag !== "String") return setting
  const { node, path, source } = setting
  const where = source._tag === "File" ? `${source.name}:${node.at.line}` : source.name
  return { _tag: "Text", flag: `${where}: ${path}`, text: node.value }
}

const read = (setting: JsonSetting, kind: Kind<unknown>): Result.Result<unknown, Problem> => {
  if (setting._tag === "Node" && setting.node._tag === "Null") return Result.succeed(undefined)
  if (kind.form === "json") return Result.succeed(readJson(setting))
  if (setting._tag === "Text") return readWord(setting.flag, setting.text, kind)
  const { node, path, source } = setting
  const value = plainOf(node)
  const found = kind.read(value)
  if (found !== undefined) return Result.succeed(found)
  const unquoted = kind.form === "text" || kind.form === "path" ? "put it in quotes" : undefined
  const hint = nearest(kind, value) ?? (typeof value === "string" ? undefined : unquoted)
  return Result.fail(configError(source, path, node.at, refusal(kind, value, showValue(value)), hint))
}

/** Gives the options of a table their values: the first problem in the table's order wins. */
export const readFlags = <const Flags extends FlagTable>(
  table: Flags,
  values: FlagValues
): Result.Result<GivenFlags<Flags>, Problem> => {
  const given: Array<ReadonlyArray<unknown>> = []
  for (const [name, { kind }] of Object.entries(table)) {
    const setting = values.get(name)
    if (setting === undefined) continue
    const value = read(setting, kind)
    if (Result.isFailure(value)) return Result.fail(value.failure)
    given.push([fieldOf(name), value.success])
  }
  // Its type is the table's, because it was read by the table.
  return Result.succeed(Object.fromEntries(given))
}
