/** `dynosim compare A B...`: the flags, and the hand-over to the code that does the work. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { compareFlags } from "../config/CompareFlags.ts"
import { flagParams, settingsOf } from "./FlagParams.ts"

const runs = Argument.String("run").pipe(
  Argument.withDescription(
    "The reference, then what is held against it: reports, per-request lines, results of AIPerf (files or its folder), GuideLLM, vllm bench serve;"
      + " files of one run with a comma between them"
  ),
  Argument.variadic()
)

export const compareCommand = Command.make(
  "compare",
  { runs, flags: flagParams(compareFlags) },
  Effect.fnUntraced(function* ({ flags, runs }) {
    const { compareRuns } = yield* Effect.promise(() => import("./CompareRuns.ts"))
    yield* compareRuns(runs, settingsOf(flags))
  })
).pipe(
  Command.withExamples([
    {
      command: "dynosim compare artifacts/ report.json,requests.jsonl",
      description: "A simulated run against one that AIPerf measured"
    },
    {
      command: "dynosim compare --calibrate --config run.yaml profile_export.jsonl",
      description: "Engine arguments by which run.yaml comes closest to what was measured"
    }
  ])
)
