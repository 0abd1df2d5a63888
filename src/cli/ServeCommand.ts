/**
 * `dynosim serve`: the flags, and the hand-over to the code that does the work, which is imported when the server starts.
 */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import { serveFlags } from "../config/ServeFlags.ts"
import { flagParams, settingsOf } from "./FlagParams.ts"

export const serveCommand = Command.make(
  "serve",
  { flags: flagParams(serveFlags) },
  Effect.fnUntraced(function* ({ flags }) {
    const { runServe } = yield* Effect.promise(() => import("./RunServe.ts"))
    return yield* runServe(settingsOf(flags))
  })
).pipe(
  Command.withExamples([
    { command: "dynosim serve", description: "One worker on http://127.0.0.1:8000" },
    {
      command: "dynosim serve --num-workers 4 --router-mode kv_router --port 9000",
      description: "Four workers behind the KV router"
    },
    {
      command: "dynosim serve --extra-engine-args '{\"speedup_ratio\": 10}' --served-model-name org/model",
      description: "Ten times as fast, under another name"
    }
  ])
)
