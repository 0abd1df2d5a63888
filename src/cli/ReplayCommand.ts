/**
 * `dynosim replay [TRACE...]`: the flags, and the hand-over to the code that does the work.
 *
 * That code is imported when a replay starts, so that `--help`, `--version` and completions stay cheap.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type { JsonSetting } from "../config/JsonSetting.ts"
import { type FlagKind, flagSpecs } from "../config/ReplayFlags.ts"

const metavars: Readonly<Record<Exclude<FlagKind, "choice" | "switch">, string>> = {
  integer: "INTEGER",
  number: "NUMBER",
  text: "TEXT",
  path: "FILE",
  json: "JSON"
}

/** Every value is passed on as the word it was given as; {@link readGivenOptions} gives it its type. */
const flagOf = ([name, spec]: (typeof flagSpecs)[number]): Flag.Flag<Option.Option<string>> => {
  const description = spec.default === undefined ? spec.description : `${spec.description} (default: ${spec.default})`
  if (spec.kind === "switch") {
    return Flag.Boolean(name).pipe(
      Flag.withDescription(description),
      Flag.withoutNegation,
      Flag.map(String),
      Flag.optional
    )
  }
  const flag: Flag.Flag<string> = spec.choices === undefined ? Flag.String(name) : Flag.Literals(name, spec.choices)
  const described = Flag.optional(Flag.withDescription(flag, description))
  return spec.kind === "choice" ? described : Flag.withMetavar(described, metavars[spec.kind])
}

/** The flags that were given, as settings. */
const settingsOf = (flags: Readonly<Record<string, Option.Option<string>>>): ReadonlyMap<string, JsonSetting> => {
  const settings = new Map<string, JsonSetting>()
  for (const [name, word] of Object.entries(flags)) {
    if (Option.isSome(word)) settings.set(name, { _tag: "Text", flag: `--${name}`, text: word.value })
  }
  return settings
}

const traces = Argument.String("trace").pipe(
  Argument.withDescription("Trace file, - for standard input; none for synthetic load"),
  Argument.variadic()
)

export const replayCommand = Command.make(
  "replay",
  { traces, flags: Object.fromEntries(flagSpecs.map((spec) => [spec[0], flagOf(spec)])) },
  Effect.fnUntraced(function*({ flags, traces }) {
    const { runReplay } = yield* Effect.promise(() => import("./RunReplay.ts"))
    yield* runReplay(traces, settingsOf(flags))
  })
).pipe(
  Command.withDescription(
    "Replay a trace, or synthetic load, against simulated engines in virtual time; print a table and write a report"
  ),
  Command.withExamples([
    { command: "dynosim replay trace.jsonl --num-workers 4", description: "Four workers, round robin" },
    {
      command: "dynosim replay trace.jsonl --num-workers 4 --router-mode kv_router --replay-concurrency 64",
      description: "Closed loop of 64 sessions behind the KV router"
    },
    {
      command: "dynosim replay --input-tokens 4000 --output-tokens 200 --request-count 1000 --arrival-interval-ms 50",
      description: "Synthetic load"
    },
    {
      command: "dynosim replay trace.jsonl --extra-engine-args '{\"num_gpu_blocks\": 4096, \"block_size\": 32}'",
      description: "Another KV pool"
    }
  ])
)
