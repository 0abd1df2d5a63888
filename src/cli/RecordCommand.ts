/** `dynosim record`: the flags, and the hand-over to the code that does the work, which is imported when the recorder starts. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { recordFlags } from "../config/RecordFlags.ts"
import { flagParams, settingsOf } from "./FlagParams.ts"

const out = Argument.String("out").pipe(Argument.withDescription("Trace to write, mooncake JSON Lines"))

export const recordCommand = Command.make(
  "record",
  { out, flags: flagParams(recordFlags) },
  Effect.fnUntraced(function* ({ flags, out }) {
    const { runRecord } = yield* Effect.promise(() => import("./RunRecord.ts"))
    return yield* runRecord(out, settingsOf(flags))
  })
).pipe(
  Command.withExamples([
    {
      command: "dynosim record --upstream http://127.0.0.1:8000 --port 8001 recorded.jsonl",
      description: "What clients send to port 8001 is answered by the server on port 8000; Ctrl-C ends the recording"
    }
  ])
)
