/** A replay from its flags to its outputs: options -> run -> report. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { FlagValues } from "../config/ReadFlags.ts"
import type { ReplayOptions } from "../run/ReplayOptions.ts"
import { validateReplayOptions } from "../config/ValidateReplayOptions.ts"
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
import { heapMarking } from "./HeapMarking.ts"
import { explainingMemory } from "./MemoryProblem.ts"
import { showProgress } from "./Progress.ts"
import { outcomeLines, simulatedLines } from "./RunSummary.ts"
import { RunWatch } from "./RunWatch.ts"
import { Screen } from "./Screen.ts"
import { crossedBy, readThresholds } from "./Thresholds.ts"
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
  const report = yield* Effect.scoped(replay(options, sources, outputs)).pipe(explainingMemory(options))
  const crossed = crossedBy(thresholds, report)
  if (crossed !== undefined) return yield* crossed
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
      yield* OutputFile.each([
        ...(page === undefined ? [] : [OutputFile.write(page.path, page.page(finished))]),
        ...(outputs.csv === undefined ? [] : [OutputFile.write(outputs.csv, reportCsv(finished))]),
        deliver(finished, options, outputs, watch),
        ...observers.map(({ finish }) => Effect.flatMap(finish, note))
      ])
      return finished
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

/**
 * The report is on disk before anything is printed; where it cannot be, the table is all that is left of the run. Where the report is what is
 * printed, or the lines are, the table goes beside it.
 */
const deliver = Effect.fnUntraced(function* (
  report: Report,
  options: ReplayOptions,
  outputs: OutputPaths,
  watch: RunWatch
) {
  const written = yield* Effect.result(OutputFile.write(outputs.report, reportJson(report)))
  const text = printedText(report, options, { ...outputs, isSaved: Result.isSuccess(written) }, watch, yield* Screen)
  yield* outputs.standardOutputTaken ? Console.error(text) : Console.log(text)
  yield* Effect.fromResult(written)
})

const printedText = (
  report: Report,
  options: ReplayOptions,
  { isSaved, report: path, standardOutputTaken }: OutputPaths & { readonly isSaved: boolean },
  watch: RunWatch,
  screen: Screen | undefined
): string => {
  const savedTo = path === "-" ? "standard output" : path
  const table = reportTable(report, isSaved ? savedTo : undefined).trimEnd()
  const shown = standardOutputTaken ? undefined : screen
  const width = (table.split("\n")[1] ?? "").length
  const style = options.outputs.table ?? (shown !== undefined && shown.columns < width ? "compact" : "aiperf")
  const saved = isSaved ? [`Saved full report to: ${printable(savedTo)}`] : []
  const middle = style === "aiperf" ? [table] : style === "compact" ? [...compactTable(report), ...saved] : saved
  if (!options.outputs.summary && shown === undefined) return middle.join("\n")
  const heading = (label: string): string => (shown?.colour === true ? `\u001b[1m${label}\u001b[0m` : label)
  const before = simulatedLines(options, report, heading)
  const after = outcomeLines(options, report, watch, heading)
  return [...before, "", ...middle, "", ...after].join("\n")
}
