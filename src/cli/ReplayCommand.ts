/**
 * `dynosim replay [TRACE...]`: the flags, and the hand-over to the code that does the work.
 *
 * That code is imported when a replay starts, so that `--help`, `--version` and completions stay cheap.
 */
import * as Effect from "effect/Effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import { replayFlags } from "../config/ReplayFlags.ts"
import { flagParams, settingsOf } from "./FlagParams.ts"

const traces = Argument.String("trace").pipe(
  Argument.withDescription("Trace file, - for standard input; none for synthetic load"),
  Argument.variadic()
)

export const replayCommand = Command.make(
  "replay",
  { traces, flags: flagParams(replayFlags) },
  Effect.fnUntraced(function* ({ flags, traces }) {
    const { runReplay } = yield* Effect.promise(() => import("./RunReplay.ts"))
    yield* runReplay(traces, settingsOf(flags))
  })
).pipe(
  Command.withExamples([
    { command: "dynosim replay trace.jsonl --num-workers 4", description: "Four workers, round robin" },
    {
      command: "dynosim replay trace.jsonl --num-workers 4 --router-mode kv_router --replay-concurrency 64",
      description: "Closed loop of 64 sessions behind the KV router"
    },
    {
      command: "dynosim replay --input-tokens 4000 --output-tokens 200 --request-count 1000 --request-rate 20",
      description: "Synthetic load"
    },
    {
      command: 'dynosim replay trace.jsonl --extra-engine-args \'{"num_gpu_blocks": 4096, "block_size": 32}\'',
      description: "Another KV pool"
    }
  ])
)
