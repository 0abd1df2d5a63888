/** `dynosim trace`: tools for traces that replay nothing. Their code is imported when one of them runs. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { convertFlags, fitFlags, inspectFlags, synthFlags, validateFlags } from "../config/TraceToolFlags.ts"
import { flagParams, settingsOf } from "./FlagParams.ts"
import { editCommands } from "./TraceEditCommands.ts"

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

const fit = Command.make(
  "fit",
  { files, flags: flagParams(fitFlags) },
  Effect.fnUntraced(function* ({ files, flags }) {
    const { fitTraceFile } = yield* Effect.promise(() => import("./FitTraceFile.ts"))
    yield* fitTraceFile(files, settingsOf(flags))
  })
).pipe(
  Command.withDescription("Describe a trace as a small workload file, from which any number of requests can be made"),
  Command.withExamples([
    {
      command: "dynosim trace fit day.jsonl day.yaml",
      description: "Arrivals, lengths, sharing and sessions of a day, to be edited by hand"
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
  Command.withDescription("Write made-up load as a mooncake trace: by flags, or by the classes of a workload file"),
  Command.withExamples([
    {
      command:
        "dynosim trace synth --input-tokens lognormal:2000,0.8 --output-tokens 200 --request-count 1000 --request-rate 5 load.jsonl",
      description: "A thousand requests, five per second"
    },
    {
      command: "dynosim trace synth --workload day.yaml --request-count 100000 load.jsonl",
      description: "A hundred thousand requests as a workload file describes them"
    }
  ])
)

export const traceCommand = Command.make("trace").pipe(
  Command.withSubcommands([inspect, validate, convert, ...editCommands, fit, synth])
)
