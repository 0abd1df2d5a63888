/**
 * The help of a command as text within 100 columns. Where there are many flags they stand under topics, and only the common ones unless all
 * are asked for.
 */
import * as Option from "effect/Option"
import type { ArgDoc, FlagDoc, HelpDoc } from "effect/cli/HelpDoc"
import { helpTopics } from "./HelpTopics.ts"

const columns = 100
/** Commands with fewer flags show them all, in one list. */
const manyFlags = 30
/** Names that are longer have their description on the next line. */
const widestName = 36

type Entry = readonly [name: string, description: string]

interface Section {
  readonly title: string
  readonly lines: ReadonlyArray<string>
}

const wrapped = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, line]
}

const indented = (text: string, indent: number): ReadonlyArray<string> =>
  wrapped(text, columns - indent).map((line) => " ".repeat(indent) + line)

/** Where descriptions stand beside these names. */
const indentOf = (entries: ReadonlyArray<Entry>): number =>
  Math.max(0, ...entries.map(([name]) => name.length).filter((width) => width <= widestName)) + 6

/** Names to the left, what they mean to the right. */
const list = (entries: ReadonlyArray<Entry>, indent = indentOf(entries)): ReadonlyArray<string> => {
  return entries.flatMap(([name, description]) => {
    const [first = "", ...others] = indented(description, indent)
    if (name.length > widestName) return [`  ${name}`, first, ...others]
    return [`  ${name}`.padEnd(indent) + first.trimStart(), ...others]
  })
}

const described = ({ description }: FlagDoc | ArgDoc): string => Option.getOrElse(description, () => "")

const metavarOf = ({ type }: FlagDoc): string => {
  if (type === "boolean") return ""
  return type === "choice" ? " CHOICE" : ` ${type}`
}

const flagEntry = (flag: FlagDoc): Entry => [
  [`--${flag.name}`, ...flag.aliases].join(", ") + metavarOf(flag),
  described(flag)
]

const flagSection = (title: string, flags: ReadonlyArray<FlagDoc>, indent?: number): Section => ({
  title,
  lines: list(flags.map(flagEntry), indent)
})

/** Those of the command itself first, then by topic. */
const flagSections = (flags: ReadonlyArray<FlagDoc>, all: boolean): ReadonlyArray<Section> => {
  if (flags.length < manyFlags) return [flagSection("FLAGS", flags)]
  const byName = new Map(flags.map((flag) => [flag.name, flag]))
  const indent = indentOf(flags.map(flagEntry))
  const topics = helpTopics.map(({ common, more, title }) =>
    flagSection(
      title,
      [...common, ...(all ? more : [])].flatMap((name) => byName.get(name) ?? []),
      indent
    )
  )
  const inTopics = new Set(helpTopics.flatMap(({ common, more }) => [...common, ...more]))
  return [
    flagSection(
      "FLAGS",
      flags.filter(({ name }) => !inTopics.has(name)),
      indent
    ),
    ...topics
  ]
}

const hiddenFlags = (flags: ReadonlyArray<FlagDoc>, all: boolean): number => {
  if (all || flags.length < manyFlags) return 0
  const more = new Set(helpTopics.flatMap((topic) => topic.more))
  return flags.filter(({ name }) => more.has(name)).length
}

/** `heading` makes a title stand out. */
export const helpText = (doc: HelpDoc, all: boolean, heading: (title: string) => string): string => {
  const { args = [], examples = [], flags, globalFlags = [], subcommands = [], usage } = doc
  const hidden = hiddenFlags(flags, all)
  const command = (doc.commandPath ?? []).join(" ")
  const sections: ReadonlyArray<Section> = [
    { title: "DESCRIPTION", lines: doc.description === "" ? [] : indented(doc.description, 2) },
    { title: "USAGE", lines: [`  ${usage}`] },
    {
      title: "SUBCOMMANDS",
      lines: list(
        subcommands.flatMap(({ commands }) => commands.map(({ description, name }): Entry => [name, description]))
      )
    },
    {
      title: "ARGUMENTS",
      lines: list(args.map((arg): Entry => [arg.name + (arg.variadic ? "..." : ""), described(arg)]))
    },
    ...flagSections(flags, all),
    {
      title: "MORE",
      lines: hidden === 0 ? [] : [`  ${hidden} more flags, for special cases: ${command} --help-all`]
    },
    flagSection("GLOBAL FLAGS", globalFlags),
    {
      title: "EXAMPLES",
      lines: examples.flatMap(({ command: example, description }) => [
        ...(description === undefined ? [] : indented(`# ${description}`, 2)),
        `  ${wrapped(example, columns - 4).join(" \\\n    ")}`
      ])
    }
  ]
  return sections
    .filter(({ lines }) => lines.length > 0)
    .map(({ lines, title }) => [heading(title), ...lines].join("\n"))
    .join("\n\n")
}
