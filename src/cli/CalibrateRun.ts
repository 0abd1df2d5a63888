/** `dynosim compare --calibrate`: the run of a configuration file, simulated again and again until it comes close to a measured one. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type { Calibration } from "../compare/Calibration.ts"
import { calibratable, calibrateRun } from "../compare/CalibratedRun.ts"
import { calibrationText, engineArgsText } from "../compare/CalibrationText.ts"
import { readMeasurements } from "../compare/MeasuredRuns.ts"
import { validateReplayOptions } from "../config/ValidateReplayOptions.ts"
import * as OutputFile from "../report/OutputFile.ts"
import { isStandardOutput } from "../report/OutputTarget.ts"
import { printable, printableLines } from "../report/Printable.ts"
import { sideFiles, traceFiles } from "../run/InputFiles.ts"
import { usageError } from "../settings/SettingsError.ts"
import { type CompareOptions, inputsOf } from "./CompareRuns.ts"
import { checkOutputs, printerBeside } from "./OutputPaths.ts"
import { givenOptions } from "./OptionFiles.ts"

export const runCalibration = Effect.fnUntraced(function* (
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
  const { files, options } = yield* simulatedOptions(config)
  if (engineArgsOut !== undefined) {
    yield* checkOutputs(
      [["--engine-args-out", engineArgsOut, "settings"]],
      [...traceFiles(options), ...sideFiles(options), ...files, ...(yield* inputsOf(runs))]
    )
  }
  const [measured, ...others] = (yield* Effect.forEach(runs, readMeasurements)).flat()
  if (measured === undefined || others.length > 0) {
    return yield* usageError("--calibrate", "takes one measured run", "this file holds several benchmarks")
  }
  const calibration = yield* calibrateRun(measured, options)
  const text = json === true ? JSON.stringify(calibration, undefined, 2) : printableLines(calibrationText(calibration))
  const print = yield* printerBeside([engineArgsOut])
  yield* OutputFile.each([
    ...(engineArgsOut === undefined ? [] : [writeEngineArgs(engineArgsOut, calibration)]),
    print(text)
  ])
})

const writeEngineArgs = Effect.fnUntraced(function* (path: string, calibration: Calibration) {
  yield* OutputFile.write(path, `${engineArgsText(calibration)}\n`)
  if (yield* isStandardOutput(path)) return
  yield* Console.error(`note: engine arguments written to ${printable(path)}`)
})

/** The settings of the file; its outputs are left alone. */
const simulatedOptions = Effect.fnUntraced(function* (config: string) {
  const { files, given } = yield* givenOptions(
    [],
    new Map([["config", { _tag: "Text", flag: "--config", text: config }]])
  )
  const options = yield* Effect.fromResult(validateReplayOptions(given))
  return { files, options: yield* Effect.fromResult(calibratable(options, "--config")) }
})
