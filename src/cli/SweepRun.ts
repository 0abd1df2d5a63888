/** `dynosim sweep PLAN`: plan -> runs -> table and files. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as Stream from "effect/Stream"
import { readFlags, type FlagValues } from "../config/ReadFlags.ts"
import type { Condition } from "../report/Condition.ts"
import * as OutputFile from "../report/OutputFile.ts"
import { printable } from "../report/Printable.ts"
import { usageError } from "../settings/SettingsError.ts"
import type { InputFile } from "../run/InputFiles.ts"
import { CellRunner, telling } from "../sweep/CellRunner.ts"
import { CellStore, cellsFolder } from "../sweep/CellStore.ts"
import { resolve } from "../sweep/DeploymentCandidates.ts"
import { keptPlanName, planNames } from "../sweep/KeptPlan.ts"
import { filesNamedIn } from "../sweep/NamedFiles.ts"
import { parsePlan, type Plan } from "../sweep/Plan.ts"
import { parseShard } from "../sweep/ShardText.ts"
import { summarise, type Summary, winnersOf } from "../sweep/Summary.ts"
import * as Sweep from "../sweep/Sweep.ts"
import { sweepFlags } from "../sweep/SweepFlags.ts"
import { fileWrites, isWinnerFile, type SweepFiles, winnerFile } from "../sweep/SweepFiles.ts"
import { remarks, tableRows } from "../sweep/SweepText.ts"
import { nothingFound } from "../sweep/FindingText.ts"
import { refusePolicyVariable } from "./OptionFiles.ts"
import { checkName, checkOutputs, type NamedOutput, namedOutputs, printerBeside } from "./OutputPaths.ts"
import { showSweepProgress } from "./SweepProgress.ts"
import { seenOffLater } from "./SeenOffLater.ts"
import { failIfCrossed, readSweepThresholds } from "./SweepThresholds.ts"
import { threadRunner } from "./SweepThreads.ts"
import { textTable } from "./TextTable.ts"
import { failWith } from "./Thresholds.ts"
import { readTextFile } from "../settings/TextFile.ts"

/** A plan as it was written. */
export interface PlanFile {
  readonly file: string
  readonly text: string
  readonly plan: Plan
}

export const readPlanFile = Effect.fnUntraced(function* (file: string) {
  yield* refusePolicyVariable
  const text = yield* readTextFile(file, (reason) => usageError("the plan", `cannot read ${file}: ${reason}`))
  const plan = yield* Effect.flatMap(Effect.fromResult(parsePlan(file, text)), resolve)
  const read: PlanFile = { file, text, plan }
  return read
})

/** Where results are kept unless the user says where. */
export const resultsFolder = (plan: string, given: string | undefined) =>
  given ?? `${plan.replace(/\.(ya?ml|json)$/, "")}.results`

/** What the flags for files, `--fail-if` and `--quiet` say. */
export interface SweepOutputs extends SweepFiles {
  readonly html?: string | undefined
  readonly failIf?: ReadonlyArray<string> | undefined
  readonly quiet?: boolean | undefined
}

const outputsOf = (outputs: SweepOutputs): ReadonlyArray<NamedOutput> => {
  const { bestConfig, csv, html, json, parquet, winners } = outputs
  return namedOutputs([
    ["--csv", csv, "csv"],
    ["--json", json, "json"],
    ["--parquet", parquet, "parquet"],
    ["--html", html, "html"],
    ["--best-config", bestConfig, "settings"],
    ["--winners", winners, "folder"]
  ])
}

/** Fails where an output would replace an input, another output, or something among the results that are kept. */
export const checkSweepOutputs = Effect.fnUntraced(function* (
  plan: Plan,
  outputs: SweepOutputs,
  inputs: ReadonlyArray<InputFile>,
  results: string | undefined
) {
  if (results !== undefined) yield* checkName(["--results", results, "folder"])
  const kept = results === undefined ? [] : yield* keptIn(results)
  yield* checkOutputs(outputsOf(outputs), [...inputs, ...(yield* filesNamedIn(plan)), ...kept])
})

/** What stands in a results folder under names of its own. */
const keptIn = Effect.fnUntraced(function* (folder: string) {
  const path = yield* Path.Path
  const plans = planNames.map((name): InputFile => ({ what: "the kept plan", path: path.join(folder, name) }))
  const folders = [folder, path.join(folder, cellsFolder)]
  return [...plans, ...folders.map((path): InputFile => ({ what: "the results folder", path }))]
})

/** Files first, then the table, which gives way to an output on standard output. */
export const deliverSummary = Effect.fnUntraced(function* (plan: Plan, summary: Summary, outputs: SweepOutputs) {
  const lines = [
    ...(summary.candidates.length + summary.stopped.length === 0 ? [] : [...textTable(tableRows(plan, summary)), ""]),
    ...remarks(plan, summary),
    ...unwritten(plan, summary, outputs),
    ...(yield* leftWinners(plan, summary, outputs))
  ]
  const print = yield* printerBeside(outputsOf(outputs).map(([, path]) => path))
  yield* OutputFile.each([
    ...fileWrites(plan, summary, outputs),
    ...(outputs.html === undefined ? [] : [writeSweepPage(outputs.html, plan, summary)]),
    print(lines.map(printable).join("\n"))
  ])
})

/** Files of options that nothing is there for. */
const unwritten = (plan: Plan, summary: Summary, { bestConfig, winners }: SweepOutputs): ReadonlyArray<string> =>
  [bestConfig, winners]
    .filter((path) => path !== undefined && winnersOf(plan, summary).length === 0)
    .map((path) => `${path} was not written: no run meets the constraints`)

/** Files of an earlier sweep in the folder of winners that are none of this one. */
const leftWinners = Effect.fnUntraced(function* (plan: Plan, summary: Summary, { winners }: SweepOutputs) {
  if (winners === undefined) return []
  const files = yield* FileSystem.FileSystem
  const names = yield* Effect.orElseSucceed(files.readDirectory(winners), () => [])
  const written = new Set(winnersOf(plan, summary).map((winner) => winnerFile(plan, winner)))
  const left = names.filter((name) => isWinnerFile(name) && !written.has(name)).toSorted()
  return left.length === 0 ? [] : [`${winners} still holds winners of an earlier sweep: ${left.join(", ")}`]
})

const writeSweepPage = Effect.fnUntraced(function* (path: string, plan: Plan, summary: Summary) {
  const { sweepPage } = yield* Effect.promise(() => import("../sweep/SweepPage.ts"))
  yield* OutputFile.write(path, yield* sweepPage(plan, summary))
})

/** Keeps the plan beside its results, for those who merge them. */
export const keepPlan = Effect.fnUntraced(function* ({ file, text }: PlanFile, folder: string) {
  const path = yield* Path.Path
  yield* OutputFile.write(path.join(folder, keptPlanName(file)), text)
})

export const runSweep = Effect.fnUntraced(function* (file: string, flags: FlagValues) {
  const given = yield* Effect.fromResult(readFlags(sweepFlags, flags))
  const shard = given.shard === undefined ? undefined : yield* Effect.fromResult(parseShard(given.shard, process.env))
  const thresholds = yield* readSweepThresholds(given)
  const read = yield* readPlanFile(file)
  const folder = resultsFolder(file, given.results)
  yield* checkSweepOutputs(read.plan, given, [{ what: "the plan", path: file }], folder)
  yield* keepPlan(read, folder)
  const runs = Effect.scoped(
    Effect.gen(function* () {
      const progress = yield* showSweepProgress(read.plan, shard, given.quiet ?? false)
      return yield* Sweep.run(read.plan, shard).pipe(
        Stream.tap((result) => Effect.sync(() => progress.came(result))),
        Stream.run(summarise(read.plan)),
        Effect.updateService(CellRunner, telling(progress.ended))
      )
    })
  )
  const runner = Layer.merge(threadRunner(given.threads), CellStore.layerFolder(folder))
  yield* Effect.scoped(
    Effect.gen(function* () {
      const summary = yield* seenOffLater(runs, runner)
      const verdict = Effect.andThen(failIfNothingRan(summary, file), judge(read.plan, summary, thresholds))
      yield* OutputFile.each([deliverSummary(read.plan, summary, given)], verdict)
    })
  )
})

/** A search that has no answer ends like a threshold that is crossed. */
export const judge = (plan: Plan, summary: Summary, thresholds: ReadonlyArray<Condition>) =>
  Effect.andThen(failWith(nothingFound(plan, summary)), failIfCrossed(plan, summary, thresholds))

/** A sweep in which every run failed, or nothing could be run, is no success. */
const failIfNothingRan = ({ candidates, elsewhere, failed, impossible, stopped }: Summary, file: string) => {
  if (candidates.length + stopped.length > 0 || elsewhere > 0) return Effect.void
  const [reason] = [...failed.map(({ reason }) => reason), ...impossible.keys()]
  return reason === undefined ? Effect.void : Effect.fail(usageError(file, `no combination could be run: ${reason}`))
}
