/** From tables of options to flags of Effect's parser, and from what it parsed to settings. */
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import type { FlagSpec, FlagTable } from "../config/FlagSpec.ts"
import type { FlagValues } from "../config/ReadFlags.ts"
import type { Form } from "../settings/Kind.ts"
import { emptyObject, type JsonNode } from "../settings/JsonNode.ts"
import type { JsonSetting } from "../config/JsonSetting.ts"

const metavars: Readonly<Record<Exclude<Form, "switch">, string>> = {
  integer: "INTEGER",
  number: "NUMBER",
  text: "TEXT",
  path: "FILE",
  paths: "FILE",
  texts: "TEXT",
  lengths: "TOKENS",
  json: "JSON|@FILE",
  other: "VALUE"
}

/** The words that a flag was given with; none when it was not given. */
export type FlagWords = ReadonlyArray<string>

/** Every value is passed on as the word it was given as; {@link readFlags} gives it its type. */
const flagOf = (name: string, spec: FlagSpec): Flag.Flag<FlagWords> => {
  const description = spec.default === undefined ? spec.description : `${spec.description} (default: ${spec.default})`
  const { form, names } = spec.kind
  if (form === "switch") {
    return atMostOnce(
      Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withoutNegation, Flag.map(String))
    )
  }
  if (names !== undefined) return atMostOnce(Flag.withDescription(Flag.Literals(name, names), description))
  const flag = Flag.String(name).pipe(Flag.withDescription(description), Flag.withMetavar(metavars[form]))
  return isRepeated(form) ? Flag.atLeast(flag, 0) : atMostOnce(flag)
}

/** Options that may be given several times, and collect what they are given. */
export const isRepeated = (form: Form | undefined): boolean => form === "paths" || form === "texts"

const atMostOnce = (flag: Flag.Flag<string>): Flag.Flag<FlagWords> => Flag.map(Flag.optional(flag), Option.toArray)

/** The flags of a command, in the order of its help. */
export const flagParams = (table: FlagTable): Record<string, Flag.Flag<FlagWords>> =>
  Object.fromEntries(Object.entries(table).map(([name, spec]) => [name, flagOf(name, spec)]))

const { at } = emptyObject

const settingOf = (flag: string, words: FlagWords): JsonSetting => {
  const [text, ...others] = words
  if (text !== undefined && others.length === 0) return { _tag: "Text", flag, text }
  const items = words.map((value): JsonNode => ({ _tag: "String", value, at }))
  return { _tag: "Node", source: { _tag: "Flag", name: flag }, path: "", node: { _tag: "Array", items, at } }
}

/** The flags that were given, as settings. */
export const settingsOf = (flags: Readonly<Record<string, FlagWords>>): FlagValues =>
  new Map(
    Object.entries(flags)
      .filter(([, words]) => words.length > 0)
      .map(([name, words]) => [name, settingOf(`--${name}`, words)])
  )
