/** `dynosim compare --calibrate`: the run of a configuration file, simulated again and again until it comes close to a measured one. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { calibrate, type Factors, type SimulatedRequest } from "../compare/Calibration.ts"
import { calibrationText, engineArgsText } from "../compare/CalibrationText.ts"
import { dynosimRequest } from "../compare/DynosimFiles.ts"
import { PassTimes } from "../compare/PassTimes.ts"
import { validateReplayOptions } from "../config/ValidateReplayOptions.ts"
import type { EngineArgs } from "../engine/EngineArgs.ts"
import * as OutputFile from "../report/OutputFile.ts"
import { printable, printableLines } from "../report/Printable.ts"
import type { RequestRecord } from "../request/SimRequest.ts"
import { requestLine } from "../report/RequestLines.ts"
import { sideFiles, traceFiles } from "../run/InputFiles.ts"
import type { Deployment, ReplayOptions } from "../run/ReplayOptions.ts"
import type { RunProbe } from "../simulation/RunProbe.ts"
import * as Run from "../run/Run.ts"
import { usageError } from "../settings/SettingsError.ts"
import type { CompareOptions } from "./CompareRuns.ts"
import { readRuns } from "./MeasuredRuns.ts"
import { checkOutputs } from "./OutputPaths.ts"
import { givenOptions } from "./OptionFiles.ts"

export const calibrateRun = Effect.fnUntraced(function* (
  runs: ReadonlyArray<string>,
  { config, engineArgsOut, json }: CompareOptions
) {
  if (runs.length !== 1) {
    return yield* usageError(
      "--calibrate",
      `takes one measured run, got ${runs.length}`,
      "what is simulated stands in --config"
    )
  }
  if (config === undefined) {
    return yield* usageError(
      "--calibrate",
      "needs --config",
      "name a file with the trace and settings of the simulated run"
    )
  }
  const options = yield* simulatedOptions(config)
  if (engineArgsOut !== undefined) {
    yield* checkOutputs(
      [["--engine-args-out", engineArgsOut]],
      [...traceFiles(options), ...sideFiles(options), ...[config, ...runs].map((path) => ({ what: "the input", path }))]
    )
  }
  const [measured, ...others] = (yield* Effect.forEach(runs, readRuns)).flat()
  if (measured === undefined || others.length > 0) {
    return yield* usageError("--calibrate", "takes one measured run", "this file holds several benchmarks")
  }
  const calibration = yield* calibrate({
    measured,
    start: factorsOf(options.deployment.engine),
    simulate: (factors) => simulate(options, factors)
  })
  if (engineArgsOut !== undefined) {
    yield* OutputFile.write(engineArgsOut, `${engineArgsText(calibration)}\n`)
    yield* Console.error(`note: engine arguments written to ${printable(engineArgsOut)}`)
  }
  yield* Console.log(
    json === true ? JSON.stringify(calibration, undefined, 2) : printableLines(calibrationText(calibration))
  )
})

/** The settings of the file; its outputs are left alone. */
const simulatedOptions = Effect.fnUntraced(function* (config: string) {
  const { given } = yield* givenOptions([], new Map([["config", { _tag: "Text", flag: "--config", text: config }]]))
  const options = yield* Effect.fromResult(validateReplayOptions(given))
  if (options.input._tag === "Trace" && options.input.files.includes("-")) {
    return yield* usageError(
      "--config",
      "reads its trace from standard input, which can be read only once",
      "name a file"
    )
  }
  if (options.measure !== undefined) {
    return yield* usageError(
      "--config",
      "measures a part of the run",
      "calibration compares all requests: leave measure-from and measure-until out"
    )
  }
  if (options.mode === "online") {
    return yield* usageError("--config", "asks for replay_mode online", "calibration simulates in virtual time")
  }
  const { deployment } = options
  if (deployment._tag === "Disaggregated") {
    return yield* usageError(
      "--config",
      "describes prefill and decode pools",
      "calibration covers aggregated deployments only"
    )
  }
  if (deployment.groups !== undefined) {
    return yield* usageError(
      "--config",
      "describes different workers",
      "calibration covers equal workers only: give one engine"
    )
  }
  return deployment.engine.mtp === undefined
    ? { ...options, deployment }
    : yield* usageError(
        "--config",
        "has draft tokens (aic_nextn), which go with no decode_speedup_ratio",
        "leave aic_nextn out"
      )
})

const factorsOf = (args: EngineArgs): Factors => ({
  prefill_speedup_ratio: args.prefillSpeedupRatio,
  decode_speedup_ratio: args.decodeSpeedupRatio === 0 ? 1 : args.decodeSpeedupRatio,
  pass_overhead_ms: args.passOverheadMs,
  frontend_ms: args.frontendMs
})

const withFactors = (args: EngineArgs, factors: Factors): EngineArgs => ({
  ...args,
  prefillSpeedupRatio: factors.prefill_speedup_ratio,
  decodeSpeedupRatio: factors.decode_speedup_ratio,
  passOverheadMs: factors.pass_overhead_ms,
  frontendMs: factors.frontend_ms
})

/** What the passes of each worker are made of, by worker index. */
const passTimesOf = (overheadMs: number) => {
  const workers: Array<PassTimes> = []
  const of = (worker: number): PassTimes => (workers[worker] ??= new PassTimes(overheadMs))
  const probe: RunProbe = {
    pass: ({ workerIndex }, startMs, { endMs, prefillEndMs }) => of(workerIndex).add(startMs, prefillEndMs, endMs)
  }
  return { of, probe }
}

type AggregatedOptions = ReplayOptions & { readonly deployment: Deployment & { readonly _tag: "Aggregated" } }

const simulate = (options: AggregatedOptions, factors: Factors) =>
  Effect.suspend(() => {
    const passes = passTimesOf(factors.pass_overhead_ms)
    const request = (record: RequestRecord): SimulatedRequest => {
      const times = passes.of(record.workerIndex)
      const { arrivalMs, firstTokenMs, lastTokenMs } = record
      return {
        sample: dynosimRequest(JSON.parse(requestLine(record))),
        toFirstToken: times.between(arrivalMs + factors.frontend_ms, firstTokenMs),
        fromIdleToFirstToken: times.sinceIdle(firstTokenMs),
        fromFirstToLastToken: times.between(firstTokenMs, lastTokenMs)
      }
    }
    return Run.events(
      { ...options, deployment: { ...options.deployment, engine: withFactors(options.deployment.engine, factors) } },
      { probes: [passes.probe] }
    ).pipe(
      Stream.runCollect,
      Effect.map((events) =>
        events.flatMap((event) => (event._tag === "Request" && event.status === "completed" ? [request(event)] : []))
      )
    )
  })
