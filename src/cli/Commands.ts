/**
 * The commands of the program. One is loaded when its name is among the words: options and their texts are most of what the program's own
 * help would otherwise read, and no run needs those of another command.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"

/** Scripts for completion name the options of every command. */
const asksForCompletions = (word: string): boolean => word === "--completions" || word.startsWith("--completions=")

/** Schemas are compiled to code from now on; must run before the first is used. */
const compileSchemas = Effect.promise(() => import("effect/schema/SchemaJITCompiler/enable"))

/** The command as it is where the words may mean it, else its name and description alone. */
const loaded =
  <const Name extends string, Input, ContextInput, E, R>(
    name: Name,
    description: string,
    load: () => Promise<Command.Command<Name, Input, ContextInput, E, R>>
  ) =>
  (words: ReadonlyArray<string>) =>
    words.some((word) => word === name || asksForCompletions(word))
      ? Effect.map(Effect.andThen(compileSchemas, Effect.promise(load)), Command.withDescription(description))
      : Effect.succeed(Command.withDescription(Command.make(name), description))

const replay = loaded(
  "replay",
  "Replay a trace, or synthetic load, against simulated engines in virtual time; print a table and write a report",
  async () => (await import("./ReplayCommand.ts")).replayCommand
)

const compare = loaded(
  "compare",
  "Compare runs, simulated or measured, by the same definitions; fit engine arguments to a measured one",
  async () => (await import("./CompareCommand.ts")).compareCommand
)

const sweep = loaded(
  "sweep",
  "Replay the combinations of a plan, keep every report, and find the best",
  async () => (await import("./SweepCommand.ts")).sweepCommand
)

const find = loaded(
  "find",
  "How few workers are enough, and how much load is not too much",
  async () => (await import("./FindCommand.ts")).findCommand
)

const serve = loaded(
  "serve",
  "Serve simulated engines as an OpenAI-compatible HTTP endpoint, paced by the live clock",
  async () => (await import("./ServeCommand.ts")).serveCommand
)

const record = loaded(
  "record",
  "Stand before an OpenAI-compatible server and record its requests as a trace, without their text",
  async () => (await import("./RecordCommand.ts")).recordCommand
)

const trace = loaded(
  "trace",
  "Inspect, check, convert, edit and make traces",
  async () => (await import("./TraceCommand.ts")).traceCommand
)

const aic = loaded(
  "aic",
  "The measurements that AIC timing reads",
  async () => (await import("./AicCommand.ts")).aicCommand
)

/** All commands in the order of the help, for a program that is given these words. */
export const commandsFor = (words: ReadonlyArray<string>) =>
  Effect.all([
    replay(words),
    compare(words),
    sweep(words),
    find(words),
    serve(words),
    record(words),
    trace(words),
    aic(words)
  ])
