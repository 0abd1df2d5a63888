/** The program `dynosim`: its commands, and how it speaks to the user when something is wrong. */
import * as CliConfig from "effect/cli/CliConfig"
import type * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { version } from "../report/Version.ts"
import { closestName } from "../settings/ClosestName.ts"
import { normaliseArgv } from "./Argv.ts"
import { commandFlags } from "./CommandFlags.ts"
import { commandsFor } from "./Commands.ts"
import { completions } from "./CompletionScript.ts"
import { explain, type Message, print } from "./Explain.ts"
import { helpAll, showHelp } from "./Help.ts"

const runCommand = Effect.fnUntraced(function* (words: ReadonlyArray<string>) {
  const dynosim = Command.make("dynosim").pipe(
    Command.withDescription("Replays LLM request traces against simulated serving engines in virtual time"),
    Command.withSubcommands(yield* commandsFor(words))
  )
  return yield* Command.runWith(dynosim, { version })(words)
})

const helpHint = (path: ReadonlyArray<string>): string => `see ${path.join(" ")} --help`

const suggestion = (suggestions: ReadonlyArray<string>, path: ReadonlyArray<string>): string =>
  suggestions.length === 0 ? helpHint(path) : `did you mean ${suggestions.join(" or ")}?`

/** Of short words Effect suggests some that have little in common, and none that only goes on where the word ends. */
const likely = (
  { subcommand, suggestions }: CliError.UnknownSubcommand,
  [, ...above]: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const below = [...commandFlags.keys()].flatMap((command) => {
    const words = command.split(" ")
    return above.every((word, depth) => word === words[depth]) ? (words[above.length] ?? []) : []
  })
  const name = closestName(subcommand, [...new Set([...suggestions, ...below])])
  return name === undefined ? [] : [name]
}

/** Effect writes the choices as a union of string literals. */
const choices = (expected: string): string =>
  expected.includes(" | ") ? `one of ${expected.replaceAll('"', "").replaceAll(" | ", ", ")}` : expected

/** The choice that a wrong one may stand for. */
const nearestChoice = (value: string, expected: string): string | undefined => {
  const close = expected.includes(" | ") ? closestName(value, expected.replaceAll('"', "").split(" | ")) : undefined
  return close === undefined ? undefined : `did you mean ${close}?`
}

/** A command that has the flag, for who gives it to another one. */
const ownerOf = (flag: string): Effect.Effect<string | undefined> =>
  Effect.promise(async () => {
    for (const [command, load] of commandFlags) if (Object.hasOwn(await load(), flag.replace(/^--/, ""))) return command
    return undefined
  })

const unknownFlag = ({ option, suggestions }: CliError.UnrecognizedOption, path: ReadonlyArray<string>) =>
  Effect.map(suggestions.length > 0 ? Effect.undefined : ownerOf(option), (owner): Message => {
    const hint = suggestion(suggestions, path)
    return {
      problem: `${option}: unknown flag`,
      hint: owner === undefined ? hint : `it is one of dynosim ${owner}, not of ${path.join(" ")}; ${hint}`
    }
  })

const parserMessage = (
  error: Exclude<CliError.NonShowHelpErrors, CliError.UnrecognizedOption>,
  path: ReadonlyArray<string>
): Message => {
  switch (error._tag) {
    case "UnknownSubcommand":
      return { problem: `${error.subcommand || '""'}: unknown command`, hint: suggestion(likely(error, path), path) }
    case "InvalidValue":
      return {
        problem:
          error.value === ""
            ? `--${error.option}: needs a value, expected ${choices(error.expected)}`
            : `--${error.option}: expected ${choices(error.expected)}, got ${JSON.stringify(error.value)}`,
        hint: nearestChoice(error.value, error.expected)
      }
    case "MissingOption":
      return { problem: `--${error.option}: is missing`, hint: helpHint(path) }
    case "MissingArgument":
      return { problem: `${error.argument.toUpperCase()}: is missing`, hint: helpHint(path) }
    case "UnexpectedArgument":
      return { problem: `${error.arguments.join(" ")}: ${path.join(" ")} takes no such word`, hint: helpHint(path) }
    default:
      return { problem: error.message, hint: helpHint(path) }
  }
}

/** Errors of the parser in one line each, where Effect's own presenter would print the whole help before them; help as text of ours. */
const presenter: CliOutput.Presenter = {
  present: (event) => {
    switch (event._tag) {
      case "InvalidInvocation":
        return Effect.forEach(
          event.errors,
          (error) =>
            error._tag === "UnrecognizedOption"
              ? Effect.flatMap(unknownFlag(error, event.commandPath), print)
              : print(parserMessage(error, event.commandPath)),
          { discard: true }
        )
      case "Help":
        return showHelp(event.helpDoc)
      default:
        return CliOutput.defaultPresenter.present(event)
    }
  }
}

const services = Layer.mergeAll(
  CliConfig.layer({ builtIns: [GlobalFlag.Help, helpAll, GlobalFlag.Version, completions] }),
  CliOutput.layerPresenter(presenter)
)

/** Runs the program with the words after its name. Failures have been explained to the user; see {@link exitCodeOf}. */
export const main = (argv: ReadonlyArray<string>) =>
  normaliseArgv(argv).pipe(Effect.flatMap(runCommand), Effect.tapCause(explain), Effect.provide(services))
