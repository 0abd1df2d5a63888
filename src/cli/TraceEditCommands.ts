/** The commands of `dynosim trace` that edit traces. Their code is imported when one of them runs. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import type { FlagTable } from "../config/FlagSpec.ts"
import {
  anonymiseFlags,
  capGapsFlags,
  mergeFlags,
  sampleFlags,
  scaleFlags,
  shiftFlags,
  sliceFlags
} from "../config/TraceEditFlags.ts"
import { flagParams, settingsOf } from "./FlagParams.ts"

const files = Argument.String("file").pipe(
  Argument.withDescription("Trace files, then the file to write; - for standard input and output, .gz to compress"),
  Argument.variadic()
)

const editor = () => Effect.promise(() => import("./EditTrace.ts"))
type Editor = Effect.Success<ReturnType<typeof editor>>

/** A command of the editor: the files to read, the one to write, and how. */
const edit = (
  name: string,
  flags: FlagTable,
  run: (editor: Editor) => Editor[keyof Editor],
  description: string,
  example: { readonly command: string; readonly description: string }
) =>
  Command.make(
    name,
    { files, flags: flagParams(flags) },
    Effect.fnUntraced(function* ({ files, flags }) {
      yield* run(yield* editor())(files, settingsOf(flags))
    })
  ).pipe(Command.withDescription(description), Command.withExamples([example]))

/** All of them, in the order of the help. */
export const editCommands = [
  edit(
    "slice",
    sliceFlags,
    ({ sliceTrace }) => sliceTrace,
    "Write a part of a trace, by time or number, sessions whole",
    {
      command: "dynosim trace slice --from-seconds 600 --until-seconds 1200 day.jsonl.gz ten-minutes.jsonl",
      description: "What starts in the second ten minutes"
    }
  ),
  edit(
    "sample",
    sampleFlags,
    ({ sampleTrace }) => sampleTrace,
    "Write some sessions or requests of a trace, drawn by a seed",
    {
      command: "dynosim trace sample --share 0.1 day.jsonl tenth.jsonl",
      description: "A tenth of the sessions"
    }
  ),
  edit("merge", mergeFlags, ({ mergeTraces }) => mergeTraces, "Write several traces as one, in the order of arrival", {
    command: "dynosim trace merge chat.jsonl batch.jsonl both.jsonl",
    description: "Two loads at a time"
  }),
  edit(
    "scale",
    scaleFlags,
    ({ scaleTrace }) => scaleTrace,
    "Write a trace that comes faster or slower, or with other lengths",
    {
      command: "dynosim trace scale --rate-factor 2 --input-factor 0.5 day.jsonl fast.jsonl",
      description: "Twice as fast, prompts half as long"
    }
  ),
  edit(
    "cap-gaps",
    capGapsFlags,
    ({ capGapsOfTrace }) => capGapsOfTrace,
    "Write a trace with its long pauses cut short",
    {
      command: "dynosim trace cap-gaps --max-gap-seconds 5 --max-wait-seconds 60 day.jsonl busy.jsonl",
      description: "No more than five seconds between sessions, a minute between turns"
    }
  ),
  edit("shift", shiftFlags, ({ shiftTrace }) => shiftTrace, "Write a trace at other times", {
    command: "dynosim trace shift --to-seconds 0 day.jsonl at-zero.jsonl",
    description: "The first arrival at 0"
  }),
  edit(
    "anonymise",
    anonymiseFlags,
    ({ anonymiseTrace }) => anonymiseTrace,
    "Write a trace that tells nothing but its shape",
    {
      command: "dynosim trace anonymise --jitter-seconds 2 day.jsonl to-share.jsonl",
      description: "Names and ids become numbers, times are moved a little"
    }
  )
] as const
