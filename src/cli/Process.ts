/** The program as a process: signals, standard streams, exit code. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as CommandServices from "./CommandServices.ts"
import * as Effect from "effect/Effect"
import { exitCodeOf, interrupted } from "./ExitCode.ts"
import { main } from "./Main.ts"
import { ProgressTerminal } from "./Progress.ts"
import { Screen } from "./Screen.ts"
import { endInterrupted, letGo } from "./Signals.ts"

/**
 * The first signal ends the run at its next event; {@link NodeRuntime.runMain} sees to that. From then on nobody listens, so
 * that a second one ends the process at once, as signals do by default, whatever it is waiting for. A lost terminal (SIGHUP) ends
 * the run like a first Ctrl-C.
 */
process.on("SIGINT", letGo)
process.on("SIGTERM", letGo)
let terminalLost = false
process.once("SIGHUP", () => {
  terminalLost = true
  process.emit("SIGINT", "SIGINT")
})

/**
 * What is printed is no reason to lose what else is written, so the run goes on where it cannot be. Whoever read it has seen enough, as in
 * `dynosim … | head`; a lost terminal was told by its signal. Outputs that go to standard output listen for themselves, and say what is lost.
 */
let unprinted = false
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (unprinted || process.stdout.listenerCount("error") > 1) return
  unprinted = true
  if (error.code === "EPIPE") return
  process.exitCode = terminalLost ? interrupted : 1
  if (!terminalLost)
    process.stderr.write(`error: standard output: cannot be written (${error.message}); redirect it elsewhere\n`)
})

/** Where messages cannot be written there is nobody to tell. */
process.stderr.on("error", () => {})

const terminal = process.stderr.isTTY ? (text: string): void => void process.stderr.write(text) : undefined

/** A terminal that says nothing of its width has the usual one. */
const screen = process.stdout.isTTY
  ? { columns: process.stdout.columns ?? 80, colour: (process.env["NO_COLOR"] ?? "") === "" }
  : undefined

main(process.argv.slice(2)).pipe(
  Effect.provideService(Screen, screen),
  Effect.provideService(ProgressTerminal, terminal),
  Effect.provide(CommandServices.layer),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    teardown: (exit, onExit) => {
      const code = exitCodeOf(exit)
      if (code === interrupted) endInterrupted(() => onExit(code))
      else onExit(code)
    }
  })
)
