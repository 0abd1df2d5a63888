/** `dynosim trace`: tools for traces that replay nothing. Their code is imported when one of them runs. */
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
import { convertFlags, inspectFlags, synthFlags, validateFlags } from "../config/TraceToolFlags.ts"
import { flagParams, settingsOf } from "./FlagParams.ts"

const traces = Argument.String("trace").pipe(
  Argument.withDescription("Trace files, plain or gzip, - for standard input"),
  Argument.variadic()
)

const inspect = Command.make(
  "inspect",
  { traces, flags: flagParams(inspectFlags) },
  Effect.fnUntraced(function* ({ flags, traces }) {
    const { inspectTraces } = yield* Effect.promise(() => import("./InspectTraces.ts"))
    yield* inspectTraces(traces, settingsOf(flags))
  })
).pipe(Command.withDescription("Describe traces: lengths, arrivals, sessions, shared prefixes"))

const validate = Command.make(
  "validate",
  { traces, flags: flagParams(validateFlags) },
  Effect.fnUntraced(function* ({ flags, traces }) {
    const { validateTraces } = yield* Effect.promise(() => import("./ValidateTraces.ts"))
    yield* validateTraces(traces, settingsOf(flags))
  })
).pipe(
  Command.withDescription(
    "Check traces: every line that cannot be used, and what stands against a replay; exit status 2 if anything"
  )
)

const files = Argument.String("file").pipe(
  Argument.withDescription("Trace files, then the file to write; - for standard input and output, .gz to compress"),
  Argument.variadic()
)

const convert = Command.make(
  "convert",
  { files, flags: flagParams(convertFlags) },
  Effect.fnUntraced(function* ({ files, flags }) {
    const { convertTraceFile } = yield* Effect.promise(() => import("./ConvertTrace.ts"))
    yield* convertTraceFile(files, settingsOf(flags))
  })
).pipe(
  Command.withDescription("Write a trace in another format, where that can say the same"),
  Command.withExamples([
    {
      command: "dynosim trace convert --trace-format mooncake-delta --to mooncake turns.jsonl whole.jsonl.gz",
      description: "Whole prompts in place of what each turn adds"
    }
  ])
)

const out = Argument.String("out").pipe(
  Argument.withDescription("File to write, .gz to compress; - or none for standard output"),
  Argument.withDefault("-")
)

const synth = Command.make(
  "synth",
  { out, flags: flagParams(synthFlags) },
  Effect.fnUntraced(function* ({ flags, out }) {
    const { synthesiseTrace } = yield* Effect.promise(() => import("./SynthesiseTrace.ts"))
    yield* synthesiseTrace(out, settingsOf(flags))
  })
).pipe(
  Command.withDescription("Write synthetic load as a mooncake trace"),
  Command.withExamples([
    {
      command:
        "dynosim trace synth --input-tokens lognormal:2000,0.8 --output-tokens 200 --request-count 1000 --request-rate 5 load.jsonl",
      description: "A thousand requests, five per second"
    }
  ])
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

const edits = [
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

export const traceCommand = Command.make("trace").pipe(
  Command.withDescription("Inspect, check, convert, edit and make traces"),
  Command.withSubcommands([inspect, validate, convert, ...edits, synth])
)
