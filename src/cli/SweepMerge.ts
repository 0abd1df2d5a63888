/** `dynosim sweep merge FOLDER...`: the results of shards in one folder, and the table of the whole sweep. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as Stream from "effect/Stream"
import { readFlags, type FlagValues } from "../config/ReadFlags.ts"
import * as OutputFile from "../report/OutputFile.ts"
import { usageError } from "../settings/SettingsError.ts"
import { CellRunner } from "../sweep/CellRunner.ts"
import { CellStore, cellsFolder } from "../sweep/CellStore.ts"
import { planNames } from "../sweep/KeptPlan.ts"
import { summarise } from "../sweep/Summary.ts"
import * as Sweep from "../sweep/Sweep.ts"
import { sweepMergeFlags } from "../sweep/SweepFlags.ts"
import { checkSweepOutputs, deliverSummary, judge, keepPlan, readPlanFile } from "./SweepRun.ts"
import { readSweepThresholds } from "./SweepThresholds.ts"

/** The plan that a results folder is of. */
const planIn = Effect.fnUntraced(function* (folder: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const [file, other] = yield* Effect.filter(
    planNames.map((name) => path.join(folder, name)),
    (file) => Effect.orElseSucceed(files.exists(file), () => false)
  )
  if (file === undefined) {
    return yield* usageError(
      folder,
      "is not a results folder: it has no plan",
      "give folders that dynosim sweep wrote to"
    )
  }
  if (other !== undefined) {
    return yield* usageError(
      folder,
      `has two plans, ${planNames.join(" and ")}`,
      "remove the one that is not to be merged"
    )
  }
  return yield* readPlanFile(file)
})

/** Nobody runs anything when results are merged. */
const nobody = Layer.succeed(CellRunner, {
  width: 1,
  run: () => Effect.succeed({ _tag: "Failed", reason: "is in none of the folders" })
})

const copyCells = Effect.fnUntraced(function* (from: string, to: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const names = yield* Effect.orElseSucceed(files.readDirectory(path.join(from, cellsFolder)), () => [])
  for (const name of names.filter((name) => /^[0-9a-f]{64}\.json$/.test(name))) {
    const target = path.join(to, cellsFolder, name)
    if (yield* Effect.orElseSucceed(files.exists(target), () => false)) continue
    const text = yield* Effect.mapError(files.readFileString(path.join(from, cellsFolder, name)), (error) =>
      usageError(from, error.message)
    )
    yield* OutputFile.write(target, text)
  }
})

export const mergeSweep = Effect.fnUntraced(function* (folders: ReadonlyArray<string>, flags: FlagValues) {
  const given = yield* Effect.fromResult(readFlags(sweepMergeFlags, flags))
  if (given.results === undefined) {
    return yield* usageError("--results", "is missing", "name the folder that gets the runs of all the others")
  }
  const thresholds = yield* readSweepThresholds(given)
  const [first, ...others] = yield* Effect.forEach(folders, planIn)
  if (first === undefined) return
  const other = others.find(({ text }) => text !== first.text)
  if (other !== undefined) {
    return yield* usageError(other.file, `is not the plan in ${first.file}`, "merge the shards of one plan")
  }
  const plans = [first, ...others].map(({ file }) => ({ what: "the plan", path: file }))
  yield* checkSweepOutputs(first.plan, given, plans, given.results)
  yield* keepPlan(first, given.results)
  yield* Effect.forEach(folders, (folder) => copyCells(folder, given.results ?? folder), { discard: true })
  const summary = yield* Stream.run(Sweep.run(first.plan), summarise(first.plan)).pipe(
    Effect.provide(Layer.merge(nobody, CellStore.layerFolder(given.results)))
  )
  yield* OutputFile.each([deliverSummary(first.plan, summary, given)], judge(first.plan, summary, thresholds))
})
