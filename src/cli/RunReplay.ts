/** A replay from its flags to its outputs: options -> run -> report. */
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { ConfigError } from "../config/ConfigError.ts"
import { reasonOf } from "../settings/FileProblem.ts"
import type { FlagValues } from "../config/ReadFlags.ts"
import { type GivenOptions, readGivenOptions } from "../config/GivenOptions.ts"
import type { ReplayOptions } from "../run/ReplayOptions.ts"
import { type UsageError, usageError } from "../settings/UsageError.ts"
import { validateReplayOptions } from "../config/ValidateReplayOptions.ts"
import * as OutputFile from "../report/OutputFile.ts"
import { locate } from "../report/OutputTarget.ts"
import { printable } from "../report/Printable.ts"
import type { Report } from "../report/Report.ts"
import { reportJson } from "../report/ReportJson.ts"
import { reportTable } from "../report/ReportTable.ts"
import { writeRequestLinesTo } from "../report/RequestLinesFile.ts"
import { sideFiles, traceFiles } from "../run/InputFiles.ts"
import * as Run from "../run/Run.ts"
import { type OutputPaths, resolveOutputPaths } from "./OutputPaths.ts"
import { explainingMemory } from "./MemoryProblem.ts"
import { showProgress } from "./Progress.ts"
import { unsupported } from "./Unsupported.ts"
import { untilInterrupted } from "./UntilInterrupted.ts"

/** `flags` are those of the command line, by name without dashes; they win over those of a configuration file. */
export const runReplay = Effect.fnUntraced(function* (traces: ReadonlyArray<string>, flags: FlagValues) {
  const given = yield* givenOptions(traces, flags)
  const options = yield* Effect.fromResult(validateReplayOptions(given))
  const missing = unsupported(options)
  if (missing !== undefined) return yield* missing
  const config = configFile(flags)
  const sources = config === undefined ? [] : [config]
  const outputs = yield* resolveOutputPaths(options.outputs, [
    ...traceFiles(options),
    ...sources.map((path) => ({ what: "the configuration file", path })),
    ...sideFiles(options)
  ])
  yield* Effect.scoped(replay(options, sources, outputs)).pipe(explainingMemory(options))
})

const configFile = (flags: FlagValues): string | undefined => {
  const setting = flags.get("config")
  return setting?._tag === "Text" ? setting.text : undefined
}

/** The policy file may also be named by the environment, as for the reference. */
const policyVariable = Config.option(Config.String("DYN_ROUTER_POLICY_CONFIG"))

export const givenOptions = Effect.fnUntraced(function* (
  traces: ReadonlyArray<string>,
  flags: FlagValues
): Effect.fn.Return<GivenOptions, UsageError | ConfigError, FileSystem.FileSystem> {
  const file = configFile(flags)
  const configured = file === undefined ? undefined : yield* readConfigFile(file)
  const values: FlagValues = configured === undefined ? flags : new Map([...configured.values, ...flags])
  const files = traces.length > 0 || configured === undefined ? traces : configured.traces
  const given = yield* Effect.fromResult(readGivenOptions(files, values))
  if (given.routerPolicyConfig !== undefined) return given
  const variable = yield* Effect.orDie(policyVariable)
  return Option.isNone(variable) || variable.value === "" ? given : { ...given, routerPolicyConfig: variable.value }
})

/** YAML is loaded only by those who use it. */
const readConfigFile = Effect.fnUntraced(function* (file: string) {
  const files = yield* FileSystem.FileSystem
  const text = yield* Effect.mapError(files.readFileString(file), (error) =>
    usageError("--config", `cannot read ${file}: ${reasonOf(error)}`)
  )
  const { parseConfigFile } = yield* Effect.promise(() => import("../config/ConfigFile.ts"))
  return yield* Effect.fromResult(parseConfigFile(file, text))
})

const replay = Effect.fnUntraced(function* (
  options: ReplayOptions,
  sources: ReadonlyArray<string>,
  outputs: OutputPaths
) {
  const run = yield* Run.prepare(options, sources)
  const note = (notices: ReadonlyArray<string>): Effect.Effect<void> =>
    options.quiet
      ? Effect.void
      : Effect.forEach(notices, (notice) => Console.error(`note: ${printable(notice)}`), { discard: true })
  yield* note(run.notices)
  // What cannot be written is better known before the simulation than after it.
  yield* locate(outputs.report)
  const [pool] = run.deployment.facts()
  const writeLines =
    outputs.lines === undefined
      ? identity
      : writeRequestLinesTo(yield* OutputFile.open(outputs.lines), pool?.engineProfile)
  yield* untilInterrupted(
    (stopWhen) =>
      Effect.scoped(
        Effect.flatMap(showProgress(run.requests, options.quiet), ({ monitor }) =>
          run.events({ stopWhen, monitor }).pipe(writeLines, Stream.run(run.report))
        )
      ),
    (finished) => Effect.andThen(note(finished.dynosim.warnings.slice(run.notices.length)), deliver(finished, outputs))
  )
})

/** The report is on disk before anything is printed. Where it is what is printed, or the lines are, the table goes beside it. */
const deliver = Effect.fnUntraced(function* (report: Report, outputs: OutputPaths) {
  yield* OutputFile.write(outputs.report, reportJson(report))
  const table = reportTable(report, outputs.report === "-" ? "standard output" : outputs.report).trimEnd()
  yield* outputs.standardOutputTaken ? Console.error(table) : Console.log(table)
})
