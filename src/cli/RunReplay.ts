/** A replay from its flags to its outputs: options -> layers -> run -> report. */
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { ConfigError } from "../config/ConfigError.ts"
import { reasonOf } from "../config/FileProblem.ts"
import type { FlagValues } from "../config/FlagReader.ts"
import { type GivenOptions, readGivenOptions } from "../config/GivenOptions.ts"
import type { ReplayOptions } from "../config/ReplayOptions.ts"
import { type UsageError, usageError } from "../config/UsageError.ts"
import { validateReplayOptions } from "../config/ValidateReplayOptions.ts"
import * as OutputFile from "../report/OutputFile.ts"
import { printable } from "../report/Printable.ts"
import type { Report } from "../report/Report.ts"
import { reportJson } from "../report/ReportJson.ts"
import type { ReportMetadata } from "../report/ReportOptions.ts"
import * as ReportSink from "../report/ReportSink.ts"
import { reportTable } from "../report/ReportTable.ts"
import { writeRequestLines } from "../report/RequestLinesFile.ts"
import { TraceFileObserver } from "../trace/TraceFile.ts"
import { hashFiles, InputHashes } from "./InputHashes.ts"
import { optionsJson } from "./OptionsJson.ts"
import { type InputFile, type OutputPaths, resolveOutputPaths } from "./OutputPaths.ts"
import { showProgress } from "./Progress.ts"
import { readRunFiles, unusedBundles } from "./RunFiles.ts"
import type { TimingsInUse } from "./RunLayers.ts"
import { prepareRun } from "./RunStream.ts"
import { openWorkload } from "./RunWorkload.ts"
import { unsupported } from "./Unsupported.ts"
import { untilInterrupted } from "./UntilInterrupted.ts"

/** `flags` are those of the command line, by name without dashes; they win over those of a configuration file. */
export const runReplay = Effect.fnUntraced(function* (traces: ReadonlyArray<string>, flags: FlagValues) {
  const given = yield* givenOptions(traces, flags)
  const options = yield* Effect.fromResult(validateReplayOptions(given))
  const missing = unsupported(options)
  if (missing !== undefined) return yield* missing
  const side = sideInputs(options, configFile(flags))
  const traceFiles = named("the trace", options.input._tag === "Trace" ? options.input.files : [])
  const outputs = yield* resolveOutputPaths(options.outputs, [...traceFiles, ...side])
  yield* Effect.scoped(replay(options, side, outputs))
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

const named = (what: string, paths: ReadonlyArray<string | undefined>): ReadonlyArray<InputFile> =>
  paths.filter((path) => path !== undefined).map((path) => ({ what, path }))

/** Everything that the run reads beside its trace. */
const sideInputs = (options: ReplayOptions, config: string | undefined): ReadonlyArray<InputFile> => {
  const { deployment, routing } = options
  const engines = deployment._tag === "Aggregated" ? [deployment.engine] : [deployment.prefill, deployment.decode]
  return [
    ...named("the configuration file", [config]),
    ...named("the policy file", [routing.policyFile]),
    ...named("the AIC bundle", options.aicBundles),
    ...named(
      "the timing profile",
      engines.map(({ plannerProfileData }) => plannerProfileData)
    )
  ]
}

const replay = Effect.fnUntraced(function* (
  options: ReplayOptions,
  side: ReadonlyArray<InputFile>,
  outputs: OutputPaths
) {
  const files = yield* readRunFiles(options)
  const hashes = new InputHashes()
  const workload = yield* Effect.provideService(openWorkload(options), TraceFileObserver, hashes.observe)
  const timings: TimingsInUse = []
  const run = yield* prepareRun(options, workload, files, timings)
  yield* hashFiles(
    hashes,
    side.map(({ path }) => path)
  )
  const note = (notices: ReadonlyArray<string>): Effect.Effect<void> =>
    options.quiet
      ? Effect.void
      : Effect.forEach(notices, (notice) => Console.error(`note: ${printable(notice)}`), { discard: true })
  const early = [...options.notices, ...unusedBundles(options, files), ...workload.notices]
  const late = (): ReadonlyArray<string> => [...run.warnings(), ...timings.flatMap(extrapolationWarning)]
  yield* note(early)
  const report = ReportSink.sink({
    serviceLevel: options.serviceLevel,
    metadata: () => ({ ...metadataOf(options, timings, [...early, ...late()]), inputSha256: hashes.finish() })
  })
  yield* untilInterrupted(
    (stop) =>
      Effect.scoped(
        Effect.flatMap(showProgress(workload.requests, options.quiet), (progress) =>
          run
            .events(stop, progress)
            .pipe(outputs.lines === undefined ? identity : writeRequestLines(outputs.lines), Stream.run(report))
        )
      ),
    (finished) =>
      Effect.andThen(
        Effect.suspend(() => note(late())),
        deliver(finished, outputs)
      )
  )
})

const metadataOf = (
  options: ReplayOptions,
  timings: TimingsInUse,
  warnings: ReadonlyArray<string>
): ReportMetadata => ({
  timingSource: [...new Set(timings.map(({ source }) => source))].join(", "),
  seed: options.seed,
  options: optionsJson(options),
  warnings
})

const extrapolationWarning = ({ coverage, source }: TimingsInUse[number]): ReadonlyArray<string> => {
  const { calls, extrapolated } = coverage?.() ?? { calls: 0, extrapolated: 0 }
  return extrapolated === 0 ? [] : [`${source}: ${extrapolated} of ${calls} pass times lie beyond what was measured`]
}

/** The report is on disk before anything is printed. */
const deliver = Effect.fnUntraced(function* (report: Report, outputs: OutputPaths) {
  yield* OutputFile.write(outputs.report, reportJson(report))
  yield* Console.log(reportTable(report, outputs.report).trimEnd())
})
