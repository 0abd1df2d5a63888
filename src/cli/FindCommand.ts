/** `dynosim find`: the two common questions about capacity, without a plan file. */
import * as Effect from "effect/Effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import { fewestWorkersFlags, highestLoadFlags } from "../sweep/FindFlags.ts"
import { flagParams, settingsOf } from "./FlagParams.ts"

const traces = Argument.String("trace").pipe(
  Argument.withDescription("Trace file; none for synthetic load"),
  Argument.variadic()
)

const fewestWorkers = Command.make(
  "fewest-workers",
  { traces, flags: flagParams(fewestWorkersFlags) },
  Effect.fnUntraced(function* ({ flags, traces }) {
    const { findFewestWorkers } = yield* Effect.promise(() => import("./FindRun.ts"))
    yield* findFewestWorkers(traces, settingsOf(flags))
  })
).pipe(
  Command.withDescription("The fewest workers that meet conditions, or why no number of them does"),
  Command.withExamples([
    {
      command: "dynosim find fewest-workers trace.jsonl --where 'p99_ttft_ms < 2 s'",
      description: "How many are enough?"
    }
  ])
)

const highestLoad = Command.make(
  "highest-load",
  { traces, flags: flagParams(highestLoadFlags) },
  Effect.fnUntraced(function* ({ flags, traces }) {
    const { findHighestLoad } = yield* Effect.promise(() => import("./FindRun.ts"))
    yield* findHighestLoad(traces, settingsOf(flags))
  })
).pipe(Command.withDescription("The highest arrival speed-up under which conditions are met, to one percent"))

export const findCommand = Command.make("find").pipe(Command.withSubcommands([fewestWorkers, highestLoad]))
