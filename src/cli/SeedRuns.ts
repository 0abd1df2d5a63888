/** `--seeds N`: the same run under N seeds, one after the other, and what is certain of its figures. */
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { GivenOptions } from "../config/GivenOptions.ts"
import { validateReplayOptions } from "../config/ValidateReplayOptions.ts"
import { type Condition, judgeValue, type Judgement } from "../report/Condition.ts"
import { mean } from "../report/Interval.ts"
import { isEmptyLatency } from "../report/Metric.ts"
import * as OutputFile from "../report/OutputFile.ts"
import { printable } from "../report/Printable.ts"
import {
  isSeedless,
  type SeededReport,
  seedFigures,
  seedsCsv,
  seedsJson,
  seedsTable
} from "../report/SeedStatistics.ts"
import type { ReplayOptions } from "../run/ReplayOptions.ts"
import * as Run from "../run/Run.ts"
import { heapMarking } from "./HeapMarking.ts"
import type { OutputPaths } from "./OutputPaths.ts"
import { showProgress } from "./Progress.ts"
import { crossed, crossings } from "./Thresholds.ts"
import { untilInterrupted } from "./UntilInterrupted.ts"

interface SeedRuns {
  readonly given: GivenOptions
  /** The options of the first seed. */
  readonly options: ReplayOptions
  readonly seeds: number
  /** Files that the options came from. */
  readonly sources: ReadonlyArray<string>
  readonly outputs: OutputPaths
  readonly thresholds: ReadonlyArray<Condition>
}

/** Runs every seed; an interruption ends the run under way, which then does not count, and keeps the ones before it. */
export const runSeeds = Effect.fnUntraced(function* (of: SeedRuns) {
  const { given, options, seeds, sources, thresholds } = of
  const runs = yield* untilInterrupted(
    (stop) => allRuns({ given, options, seeds, sources }, stop),
    (finished: ReadonlyArray<SeededReport>) => Effect.as(deliver(finished, of), finished)
  )
  const problem = crossed(
    crossings(
      thresholds.map((condition) => judgement(condition, runs)),
      "mean over seeds"
    )
  )
  if (problem !== undefined) return yield* problem
})

const allRuns = Effect.fnUntraced(function* (
  { given, options, seeds, sources }: Pick<SeedRuns, "given" | "options" | "seeds" | "sources">,
  stop: Effect.Effect<void>
) {
  const stopped = yield* Deferred.make<void>()
  yield* Effect.forkChild(Effect.andThen(stop, Deferred.succeed(stopped, undefined)))
  const runs: Array<SeededReport> = []
  for (let seed = options.seed; seed < options.seed + seeds; seed++) {
    const seeded = yield* Effect.fromResult(validateReplayOptions({ ...given, seed }))
    const report = yield* Effect.scoped(oneRun(seeded, sources, runs.length === 0, Deferred.await(stopped)))
    if (yield* Deferred.isDone(stopped)) break
    runs.push({ seed, report })
  }
  return runs
})

const oneRun = Effect.fnUntraced(function* (
  options: ReplayOptions,
  sources: ReadonlyArray<string>,
  isFirst: boolean,
  stopWhen: Effect.Effect<void>
) {
  const run = yield* Run.prepare(options, sources)
  const notices = isFirst && !options.quiet ? run.notices : []
  for (const notice of notices) yield* Console.error(`note: ${printable(notice)}`)
  const { monitor } = yield* showProgress(run.requests, options.quiet)
  return yield* run.events({ stopWhen, monitor }).pipe(heapMarking.through, Stream.run(run.report))
})

const deliver = Effect.fnUntraced(function* (runs: ReadonlyArray<SeededReport>, { options, outputs, seeds }: SeedRuns) {
  if (runs.length === 0) return
  const reported = yield* Effect.result(OutputFile.write(outputs.report, seedsJson(runs)))
  const [first, last] = [runs[0]?.seed, runs.at(-1)?.seed]
  const text = [
    `${runs.length} runs, seeds ${first} to ${last}: mean, 95 % interval of the mean, smallest and largest`,
    ...(options.outputs.table === "none" ? [] : seedsTable(runs)),
    ...(Result.isSuccess(reported)
      ? [`Saved figures and reports to: ${outputs.report === "-" ? "standard output" : printable(outputs.report)}`]
      : [])
  ].join("\n")
  yield* OutputFile.each([
    ...(outputs.csv === undefined ? [] : [OutputFile.write(outputs.csv, seedsCsv(runs))]),
    outputs.standardOutputTaken ? Console.error(text) : Console.log(text),
    Effect.fromResult(reported)
  ])
  if (options.quiet) return
  for (const notice of noticesOf(runs, seeds)) yield* Console.error(`note: ${notice}`)
})

const noticesOf = (runs: ReadonlyArray<SeededReport>, seeds: number): ReadonlyArray<string> => {
  if (runs.length < seeds) return [`interrupted: ${runs.length} of ${seeds} runs count`]
  return isSeedless(seedFigures(runs)) ? ["nothing in this run depends on the seed: one run says as much"] : []
}

const judgement = (condition: Condition, runs: ReadonlyArray<SeededReport>): Judgement => {
  const values = runs.flatMap(({ report }) =>
    isEmptyLatency(condition.metric, report) ? [] : (condition.metric.of(report) ?? [])
  )
  return judgeValue(condition, values.length < runs.length || values.length === 0 ? undefined : mean(values))
}
