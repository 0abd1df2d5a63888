/** A command line run through the library: options, layers, run and report, with every event kept. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { FlagValues } from "../../src/config/ReadFlags.ts"
import { readGivenOptions } from "../../src/config/GivenOptions.ts"
import type { JsonSetting } from "../../src/config/JsonSetting.ts"
import { validateReplayOptions } from "../../src/config/ValidateReplayOptions.ts"
import type { Report } from "../../src/report/Report.ts"
import { DecisionWatch } from "../../src/router/kv/KvRouter.ts"
import type { DecisionHook } from "../../src/router/kv/KvRouterCore.ts"
import * as Run from "../../src/run/Run.ts"
import { type Outcome, outcomeOf } from "./Replays.ts"

export interface CommandOutcome extends Outcome {
  readonly report: Report
}

/** Flags by name without dashes, each followed by its value. */
const flagsOf = (words: ReadonlyArray<string>): FlagValues => {
  const flags = new Map<string, JsonSetting>()
  for (let at = 0; at < words.length; at += 2) {
    const [flag, text] = [words[at]!, words[at + 1]]
    if (!flag.startsWith("--") || text === undefined) throw new Error(`${flag} is not a flag with a value`)
    flags.set(flag.slice(2), { _tag: "Text", flag, text })
  }
  return flags
}

/** `traces` are paths of trace files, `flags` the rest of the command line; `hook` may choose for the KV router. */
export const runCommand = (
  traces: ReadonlyArray<string>,
  flags: ReadonlyArray<string>,
  { check = true, hook }: { readonly check?: boolean; readonly hook?: DecisionHook | undefined } = {}
): Effect.Effect<CommandOutcome, unknown> =>
  Effect.gen(function* () {
    const given = yield* Effect.fromResult(readGivenOptions(traces, flagsOf(flags)))
    const options = yield* Effect.fromResult(validateReplayOptions(given))
    const run = yield* Run.prepare({ ...options, check })
    const events = yield* Stream.runCollect(run.events())
    const report = yield* Stream.run(Stream.fromIterable(events), run.report)
    return { ...outcomeOf(events), report }
  }).pipe(Effect.scoped, Effect.provideService(DecisionWatch, hook), Effect.provide(NodeServices.layer))
