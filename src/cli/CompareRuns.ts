/** `dynosim compare`: from its words to a comparison, or a calibration. */
import * as Effect from "effect/Effect"
import { compare, type Comparison } from "../compare/Comparison.ts"
import { comparisonText } from "../compare/ComparisonText.ts"
import { compareFlags } from "../config/CompareFlags.ts"
import type { GivenFlags } from "../config/FlagSpec.ts"
import { type FlagValues, readFlags } from "../config/ReadFlags.ts"
import { filesOf, readMeasurements } from "../compare/MeasuredRuns.ts"
import type { Measurement } from "../compare/Measurement.ts"
import * as OutputFile from "../report/OutputFile.ts"
import { printableLines } from "../report/Printable.ts"
import type { InputFile } from "../run/InputFiles.ts"
import { usageError } from "../settings/SettingsError.ts"
import { failIfAnyCrosses, readComparisonThresholds } from "./ComparisonThresholds.ts"
import { checkOutputs, printerBeside } from "./OutputPaths.ts"

export type CompareOptions = GivenFlags<typeof compareFlags>

export const compareRuns = Effect.fnUntraced(function* (runs: ReadonlyArray<string>, flags: FlagValues) {
  const options = yield* Effect.fromResult(readFlags(compareFlags, flags))
  const thresholds = yield* Effect.fromResult(readComparisonThresholds(options.failIf ?? []))
  if (options.calibrate === true) {
    for (const [flag, value] of [
      ["--fail-if", options.failIf],
      ["--html", options.html]
    ]) {
      if (value !== undefined)
        return yield* usageError(String(flag), "is for comparisons, not for --calibrate", "leave one of them out")
    }
    const { runCalibration } = yield* Effect.promise(() => import("./CalibrateRun.ts"))
    return yield* runCalibration(runs, options)
  }
  for (const [flag, value] of [
    ["--config", options.config],
    ["--engine-args-out", options.engineArgsOut]
  ]) {
    if (value !== undefined)
      return yield* usageError(String(flag), "is only for --calibrate", "add --calibrate, or leave it out")
  }
  if (options.html !== undefined) {
    yield* checkOutputs([["--html", options.html, "html"]], yield* inputsOf(runs))
  }
  if (options.json === true && runs.includes("-")) {
    return yield* usageError("--json", "prints to standard output and takes no file, got -", "leave - out")
  }
  const measured = (yield* Effect.forEach(runs, readMeasurements)).flat()
  const [reference, ...others] = measured
  if (reference === undefined || others.length === 0) {
    return yield* usageError(
      "RUN",
      `nothing to compare with, got ${runs.length}`,
      "give the reference, then one run or more"
    )
  }
  const comparisons = others.map((other) => compare(reference, other))
  const { html, json } = options
  const print = yield* printerBeside([html])
  const page = html === undefined ? [] : [writeComparisonPage(html, reference, others)]
  yield* OutputFile.each(
    [...page, print(comparisonOutput(comparisons, json === true))],
    failIfAnyCrosses(thresholds, comparisons)
  )
})

/** The files of all runs. */
export const inputsOf = Effect.fnUntraced(function* (runs: ReadonlyArray<string>) {
  const files = yield* Effect.forEach(runs, filesOf)
  return files.flat().map((path): InputFile => ({ what: "the run", path }))
})

const comparisonOutput = (comparisons: ReadonlyArray<Comparison>, json: boolean): string =>
  json ? JSON.stringify({ comparisons }, undefined, 2) : printableLines(comparisons.map(comparisonText).join("\n\n"))

const writeComparisonPage = Effect.fnUntraced(function* (
  path: string,
  reference: Measurement,
  others: ReadonlyArray<Measurement>
) {
  const { comparisonPage } = yield* Effect.promise(() => import("../html/ComparisonPage.ts"))
  yield* OutputFile.write(path, yield* comparisonPage(reference, others))
})
