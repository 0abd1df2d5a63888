/** `--help` and `--help-all`: the help of a command, the common flags of it or all of them. */
import type { HelpDoc } from "effect/cli/HelpDoc"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { Screen } from "./Screen.ts"

/** Whether all flags are to be shown. */
const ShowsAll = Context.Reference<boolean>("dynosim/cli/ShowsAll", { defaultValue: () => false })

export const helpAll = GlobalFlag.Action({
  flag: Flag.Boolean("help-all").pipe(
    Flag.withDescription("Show help information with all flags"),
    Flag.withDefault(false)
  ),
  run: (value, context) => Effect.provideService(GlobalFlag.Help.run(value, context), ShowsAll, true)
})

/** The text is made by a module of its own, which runs do not load. */
export const showHelp = Effect.fnUntraced(function* (doc: HelpDoc) {
  const { helpText } = yield* Effect.promise(() => import("./HelpText.ts"))
  const isColoured = (yield* Screen)?.colour === true
  const heading = (title: string): string => (isColoured ? `\u001b[1m${title}\u001b[0m` : title)
  yield* Console.log(helpText(doc, yield* ShowsAll, heading))
})
