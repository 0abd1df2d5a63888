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
import { readRuns } from "./MeasuredRuns.ts"

export type CompareOptions = GivenFlags<typeof compareFlags>

export const compareRuns = Effect.fnUntraced(function* (runs: ReadonlyArray<string>, flags: FlagValues) {
  const options = yield* Effect.fromResult(readFlags(compareFlags, flags))
  if (options.calibrate === true) {
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
  yield* show(
    others.map((other) => compare(reference, other)),
    options.json === true
  )
})

const show = (comparisons: ReadonlyArray<Comparison>, json: boolean): Effect.Effect<void> =>
  Console.log(
    json ? JSON.stringify({ comparisons }, undefined, 2) : printableLines(comparisons.map(comparisonText).join("\n\n"))
  )
