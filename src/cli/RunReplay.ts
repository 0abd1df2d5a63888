/** A replay from its flags to its outputs: options -> run -> report. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Stream from "effect/Stream"
import type { FlagValues } from "../config/ReadFlags.ts"
import type { ReplayOptions } from "../run/ReplayOptions.ts"
import { validateReplayOptions } from "../config/ValidateReplayOptions.ts"
import type { Condition } from "../report/Condition.ts"
import * as OutputFile from "../report/OutputFile.ts"
import { compactTable } from "../report/CompactTable.ts"
import type { WindowBounds } from "../report/MeasuredWindow.ts"
import { printable } from "../report/Printable.ts"
import type { Report } from "../report/Report.ts"
import { reportCsv } from "../report/ReportCsv.ts"
import { reportJson } from "../report/ReportJson.ts"
import { reportTable } from "../report/ReportTable.ts"
import { sideFiles, traceFiles } from "../run/InputFiles.ts"
import type { SimulationView } from "../simulation/SimulationView.ts"
import * as Run from "../run/Run.ts"
import { givenOptions } from "./OptionFiles.ts"
import { openObservers, throughAll } from "./Observers.ts"
import { type OutputPaths, resolveOutputPaths } from "./OutputPaths.ts"
import { deliverReport } from "./DeliverReport.ts"
import { heapMarking } from "./HeapMarking.ts"
import { explainingMemory } from "./MemoryProblem.ts"
import { showProgress } from "./Progress.ts"
import { outcomeLines, simulatedLines } from "./RunSummary.ts"
import { RunWatch } from "./RunWatch.ts"
import { Screen } from "./Screen.ts"
import { failIfCrossed, readThresholds } from "./Thresholds.ts"
import { untilInterrupted } from "./UntilInterrupted.ts"

/** `flags` are those of the command line, by name without dashes; they win over those of a configuration file. */
export const runReplay = Effect.fnUntraced(function* (traces: ReadonlyArray<string>, flags: FlagValues) {
  const { files, given } = yield* givenOptions(traces, flags)
  const options = yield* Effect.fromResult(validateReplayOptions(given))
  const thresholds = yield* Effect.fromResult(readThresholds(options.outputs.failIf))
  const outputs = yield* resolveOutputPaths(options.outputs, [...traceFiles(options), ...files, ...sideFiles(options)])
  const sources = files.map(({ path }) => path)
  const { seeds } = options.outputs
  if (seeds !== undefined) {
    const { runSeeds } = yield* Effect.promise(() => import("./SeedRuns.ts"))
    const runs = runSeeds({ given, options, seeds, sources, outputs, thresholds })
    return yield* explainingMemory(options)(runs)
  }
  yield* Effect.scoped(replay(options, sources, outputs, thresholds)).pipe(explainingMemory(options))
})

const replay = Effect.fnUntraced(function* (
  options: ReplayOptions,
  sources: ReadonlyArray<string>,
  outputs: OutputPaths,
  thresholds: ReadonlyArray<Condition>
) {
  const run = yield* Run.prepare(options, sources)
  const note = (notices: ReadonlyArray<string>): Effect.Effect<void> =>
    options.quiet
      ? Effect.void
      : Effect.forEach(notices, (notice) => Console.error(`note: ${printable(notice)}`), { discard: true })
  yield* note(run.notices)
  const [pool] = run.deployment.facts()
  const observers = yield* openObservers(options.outputs, {
    engineProfile: pool?.engineProfile,
    window: run.window,
    hasClasses: run.hasClasses
  })
  const probes = observers.flatMap(({ probe }) => (probe === undefined ? [] : [probe]))
  const page = outputs.html === undefined ? undefined : yield* openPage(outputs.html, run.window)
  if (page !== undefined) probes.push(page.probe)
  const watch = new RunWatch(run.window)
  return yield* untilInterrupted(
    (stopWhen) =>
      Effect.scoped(
        Effect.flatMap(showProgress(run.requests, options.quiet), ({ monitor }) =>
          run
            .events({ stopWhen, monitor: both(monitor, watch.monitor), probes })
            .pipe(
              throughAll(observers),
              watch.through,
              page?.watch ?? identity,
              heapMarking.through,
              Stream.run(run.report)
            )
        )
      ),
    Effect.fnUntraced(function* (finished: Report) {
      yield* note(finished.dynosim.warnings.slice(run.notices.length))
      yield* OutputFile.each(
        [
          ...(page === undefined ? [] : [OutputFile.write(page.path, page.page(finished))]),
          ...(outputs.csv === undefined ? [] : [OutputFile.write(outputs.csv, reportCsv(finished))]),
          deliverReport(outputs, reportJson(finished), printedText(finished, options, outputs, watch, yield* Screen)),
          ...observers.map(({ finish }) => Effect.flatMap(finish, note))
        ],
        // Part of a run says nothing of the whole.
        finished.dynosim.ended === "interrupted" ? Effect.void : failIfCrossed(thresholds, finished)
      )
    })
  )
})

const openPage = Effect.fnUntraced(function* (path: string, window: WindowBounds | undefined) {
  const { watchRun } = yield* Effect.promise(() => import("../html/WatchedRun.ts"))
  const watched = yield* watchRun(window)
  return { ...watched, path }
})

/** Hands the view to both. */
const both =
  (first: (view: SimulationView["Service"]) => void, second: (view: SimulationView["Service"]) => void) =>
  (view: SimulationView["Service"]): void => {
    first(view)
    second(view)
  }

const printedText =
  (
    report: Report,
    options: ReplayOptions,
    { standardOutputTaken }: OutputPaths,
    watch: RunWatch,
    screen: Screen | undefined
  ) =>
  (savedTo: string | undefined): string => {
    const table = reportTable(report, savedTo).trimEnd()
    const shown = standardOutputTaken ? undefined : screen
    const width = (table.split("\n")[1] ?? "").length
    const style = options.outputs.table ?? (shown !== undefined && shown.columns < width ? "compact" : "aiperf")
    const saved = savedTo === undefined ? [] : [`Saved full report to: ${printable(savedTo)}`]
    const middle = style === "aiperf" ? [table] : style === "compact" ? [...compactTable(report), ...saved] : saved
    if (!options.outputs.summary && shown === undefined) return middle.join("\n")
    const heading = (label: string): string => (shown?.colour === true ? `\u001b[1m${label}\u001b[0m` : label)
    const before = simulatedLines(options, report, heading)
    const after = outcomeLines(options, report, watch, heading)
    return [...before, "", ...middle, "", ...after].join("\n")
  }
