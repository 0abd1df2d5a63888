/** `--completions SHELL`: Effect's script for a shell, told which words are names of files. */
import * as Completions from "effect/cli/Completions"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { FlagTable } from "../config/FlagSpec.ts"
import { commandFlags } from "./CommandFlags.ts"

const someFile = { _tag: "Path", pathType: "either" } as const

const namesFile = (table: FlagTable, name: string): boolean => {
  const form = table[name]?.kind.form
  return form === "path" || form === "paths"
}

/** Whatever stands without a flag is a file or a folder, in every command. */
const withFiles = async (
  command: Completions.CommandDescriptor,
  path: ReadonlyArray<string>
): Promise<Completions.CommandDescriptor> => {
  const table = (await commandFlags.get(path.join(" "))?.()) ?? {}
  return {
    ...command,
    flags: command.flags.map((flag) => (namesFile(table, flag.name) ? { ...flag, type: someFile } : flag)),
    arguments: command.arguments.map((argument) => ({ ...argument, type: someFile })),
    subcommands: await Promise.all(command.subcommands.map((each) => withFiles(each, [...path, each.name])))
  }
}

export const completions = GlobalFlag.Action({
  flag: GlobalFlag.Completions.flag.pipe(Flag.withMetavar("SHELL")),
  run: Effect.fnUntraced(function* (shell, { command }) {
    if (Option.isNone(shell)) return
    const descriptor = yield* Effect.promise(() => withFiles(Completions.fromCommand(command), []))
    yield* Console.log(Completions.generate(command.name, shell.value, descriptor))
  })
})
