/** `--seeds N`: the same run under N seeds, one after the other, and what is certain of its figures. */
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
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
import { counted } from "../settings/Counted.ts"
import { deliverReport } from "./DeliverReport.ts"
import { heapMarking } from "./HeapMarking.ts"
import type { OutputPaths } from "./OutputPaths.ts"
import { showProgress } from "./Progress.ts"
import { crossings, failWith } from "./Thresholds.ts"
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
  const { given, options, seeds, sources } = of
  yield* untilInterrupted(
    (stop) => allRuns({ given, options, seeds, sources }, stop),
    (finished: ReadonlyArray<SeededReport>) => deliver(finished, of)
  )
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

const deliver = Effect.fnUntraced(function* (
  runs: ReadonlyArray<SeededReport>,
  { options, outputs, seeds, thresholds }: SeedRuns
) {
  if (runs.length === 0) return
  const [first, last] = [runs[0]?.seed, runs.at(-1)?.seed]
  const notices = options.quiet ? [] : noticesOf(runs, seeds)
  yield* OutputFile.each(
    [
      ...(outputs.csv === undefined ? [] : [OutputFile.write(outputs.csv, seedsCsv(runs))]),
      deliverReport(outputs, seedsJson(runs), (savedTo) =>
        [
          `${counted(runs.length, "run")}, seeds ${first} to ${last}: mean, 95 % interval of the mean, smallest and largest`,
          ...(options.outputs.table === "none" ? [] : seedsTable(runs)),
          ...(savedTo === undefined ? [] : [`Saved figures and reports to: ${printable(savedTo)}`])
        ].join("\n")
      ),
      ...notices.map((notice) => Console.error(`note: ${notice}`))
    ],
    // Fewer seeds than were asked for say less than they should.
    runs.length < seeds ? Effect.void : failWith(crossingsOf(thresholds, runs))
  )
})

const crossingsOf = (thresholds: ReadonlyArray<Condition>, runs: ReadonlyArray<SeededReport>): ReadonlyArray<string> =>
  crossings(
    thresholds.map((condition) => judgement(condition, runs)),
    "mean over seeds"
  )

const noticesOf = (runs: ReadonlyArray<SeededReport>, seeds: number): ReadonlyArray<string> => {
  if (runs.length < seeds)
    return [`interrupted: ${runs.length} of ${seeds} runs ${runs.length === 1 ? "counts" : "count"}`]
  return isSeedless(seedFigures(runs)) ? ["nothing in this run depends on the seed: one run says as much"] : []
}

const judgement = (condition: Condition, runs: ReadonlyArray<SeededReport>): Judgement => {
  const values = runs.flatMap(({ report }) =>
    isEmptyLatency(condition.metric, report) ? [] : (condition.metric.of(report) ?? [])
  )
  return judgeValue(condition, values.length < runs.length || values.length === 0 ? undefined : mean(values))
}
