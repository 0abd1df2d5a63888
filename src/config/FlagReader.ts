/**
 * Reads options by name and kind, wherever they were given, and keeps the first that has the wrong form.
 */
import { ConfigError, configError, type ConfigSource } from "./ConfigError.ts"
import type { FlagKind, FlagTable } from "./FlagSpec.ts"
import { type JsonNode, showNode } from "./JsonNode.ts"
import type { JsonSetting } from "./JsonSetting.ts"
import { integerOf, numberOf } from "./NumberText.ts"
import type { replayFlags } from "./ReplayFlags.ts"
import type { serveFlags } from "./ServeFlags.ts"
import { lengthsOf, lengthsSyntax, type TokenLengths } from "./TokenLengths.ts"
import type { convertFlags, inspectFlags, synthFlags, validateFlags } from "./TraceToolFlags.ts"
import { type UsageError, usageError } from "./UsageError.ts"

/** Options as given, by name without dashes: words of the command line, or nodes of a configuration file. */
export type FlagValues = ReadonlyMap<string, JsonSetting>

type Reading<A> = {
  readonly expected: string
  readonly ofText: (text: string) => A | undefined
  readonly ofNode: (node: JsonNode) => A | undefined
}

const integer: Reading<number> = {
  expected: "an integer",
  ofText: integerOf,
  ofNode: (node) => (node._tag === "Integer" ? Number(node.value) : undefined)
}

const number: Reading<number> = {
  expected: "a number",
  ofText: numberOf,
  ofNode: (node) => (node._tag === "Integer" || node._tag === "Float" ? Number(node.value) : undefined)
}

const text: Reading<string> = {
  expected: "a string",
  ofText: (given) => given,
  ofNode: (node) => (node._tag === "String" ? node.value : undefined)
}

const onOff: Reading<boolean> = {
  expected: "true or false",
  ofText: (given) => (given === "true" ? true : given === "false" ? false : undefined),
  ofNode: (node) => (node._tag === "Boolean" ? node.value : undefined)
}

const lengths: Reading<TokenLengths> = {
  expected: lengthsSyntax,
  ofText: lengthsOf,
  ofNode: (node) => (node._tag === "String" ? lengthsOf(node.value) : integer.ofNode(node))
}

/** One name or several. */
const names: Reading<ReadonlyArray<string>> = {
  expected: "a string or a list of strings",
  ofText: (given) => [given],
  ofNode: (node) => {
    const items = node._tag === "Array" ? node.items : [node]
    const found = items.flatMap((item) => (item._tag === "String" ? [item.value] : []))
    return found.length === items.length ? found : undefined
  }
}

const choice = <const Name extends string>(names: ReadonlyArray<Name>): Reading<Name> => {
  const find = (given: string): Name | undefined => names.find((name) => name === given)
  return {
    expected: `one of ${names.join(", ")}`,
    ofText: find,
    ofNode: (node) => (node._tag === "String" ? find(node.value) : undefined)
  }
}

/** The options of all commands. */
type Tables =
  | typeof replayFlags
  | typeof serveFlags
  | typeof inspectFlags
  | typeof validateFlags
  | typeof convertFlags
  | typeof synthFlags

type NameIn<Table, Kind extends FlagKind> = Table extends FlagTable
  ? { readonly [Name in keyof Table & string]: Table[Name]["kind"] extends Kind ? Name : never }[keyof Table & string]
  : never

/** Names of the options of some kinds. */
type NameOf<Kind extends FlagKind> = NameIn<Tables, Kind>

export class FlagReader {
  /** The first option of the wrong form, in the order of reading. */
  problem: UsageError | ConfigError | undefined
  private readonly values: FlagValues

  constructor(values: FlagValues) {
    this.values = values
  }

  integer(name: NameOf<"integer">): number | undefined {
    return this.read(name, integer)
  }

  number(name: NameOf<"number">): number | undefined {
    return this.read(name, number)
  }

  text(name: NameOf<"text" | "path">): string | undefined {
    return this.read(name, text)
  }

  paths(name: NameOf<"paths">): ReadonlyArray<string> | undefined {
    return this.read(name, names)
  }

  texts(name: NameOf<"texts">): ReadonlyArray<string> | undefined {
    return this.read(name, names)
  }

  lengths(name: NameOf<"lengths">): TokenLengths | undefined {
    return this.read(name, lengths)
  }

  choice<const Name extends string>(name: NameOf<"choice">, names: ReadonlyArray<Name>): Name | undefined {
    return this.read(name, choice(names))
  }

  switch(name: NameOf<"switch">): boolean | undefined {
    return this.read(name, onOff)
  }

  /** A JSON object; a configuration file may also hold it as a string of JSON. */
  json(name: NameOf<"json">): JsonSetting | undefined {
    const setting = this.values.get(name)
    if (setting?._tag !== "Node" || setting.node._tag !== "String") return setting
    const where =
      setting.source._tag === "File" ? `${setting.source.name}:${setting.node.at.line}` : setting.source.name
    return { _tag: "Text", flag: `${where}: ${setting.path}`, text: setting.node.value }
  }

  private read<A>(name: string, reading: Reading<A>): A | undefined {
    const setting = this.values.get(name)
    if (setting === undefined) return undefined
    if (setting._tag === "Text") {
      const value = reading.ofText(setting.text)
      if (value === undefined) {
        this.problem ??= usageError(setting.flag, `expected ${reading.expected}, got ${JSON.stringify(setting.text)}`)
      }
      return value
    }
    if (setting.node._tag === "Null") return undefined
    const value = reading.ofNode(setting.node)
    if (value === undefined) this.problem ??= wrongNode(setting.source, setting.path, setting.node, reading.expected)
    return value
  }
}

const wrongNode = (source: ConfigSource, path: string, node: JsonNode, expected: string): ConfigError =>
  configError(
    source,
    path,
    node.at,
    `expected ${expected}, got ${showNode(node)}`,
    expected === text.expected ? "put it in quotes" : undefined
  )
