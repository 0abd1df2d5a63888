/** `dynosim compare`: from its words to a comparison, or a calibration. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { compare, type Comparison } from "../compare/Comparison.ts"
import { comparisonText } from "../compare/ComparisonText.ts"
import { compareFlags } from "../config/CompareFlags.ts"
import type { GivenFlags } from "../config/FlagSpec.ts"
import { type FlagValues, readFlags } from "../config/ReadFlags.ts"
import { printableLines } from "../report/Printable.ts"
import { usageError } from "../settings/SettingsError.ts"
import { crossedByComparisons, readComparisonThresholds } from "./ComparisonThresholds.ts"
import { readRuns } from "./MeasuredRuns.ts"

export type CompareOptions = GivenFlags<typeof compareFlags>

export const compareRuns = Effect.fnUntraced(function* (runs: ReadonlyArray<string>, flags: FlagValues) {
  const options = yield* Effect.fromResult(readFlags(compareFlags, flags))
  const thresholds = yield* Effect.fromResult(readComparisonThresholds(options.failIf ?? []))
  if (options.calibrate === true) {
    if (options.failIf !== undefined) {
      return yield* usageError("--fail-if", "is for comparisons, not for --calibrate", "leave one of them out")
    }
    const { calibrateRun } = yield* Effect.promise(() => import("./CalibrateRun.ts"))
    return yield* calibrateRun(runs, options)
  }
  for (const [flag, value] of [
    ["--config", options.config],
    ["--engine-args-out", options.engineArgsOut]
  ]) {
    if (value !== undefined)
      return yield* usageError(String(flag), "is only for --calibrate", "add --calibrate, or leave it out")
  }
  const measured = (yield* Effect.forEach(runs, readRuns)).flat()
  const [reference, ...others] = measured
  if (reference === undefined || others.length === 0) {
    return yield* usageError(
      "RUN",
      `nothing to compare with, got ${runs.length}`,
      "give the reference, then one run or more"
    )
  }
  const comparisons = others.map((other) => compare(reference, other))
  yield* show(comparisons, options.json === true)
  const crossed = crossedByComparisons(thresholds, comparisons)
  if (crossed !== undefined) return yield* crossed
})

const show = (comparisons: ReadonlyArray<Comparison>, json: boolean): Effect.Effect<void> =>
  Console.log(
    json ? JSON.stringify({ comparisons }, undefined, 2) : printableLines(comparisons.map(comparisonText).join("\n\n"))
  )
