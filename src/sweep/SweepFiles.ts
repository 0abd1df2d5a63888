/** What a sweep found as files: tables of figures, everything as JSON, and the winners as options of a replay. */
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import * as Stream from "effect/Stream"
import * as OutputFile from "../report/OutputFile.ts"
import { rowAdder, tableWriter } from "../report/TableWriter.ts"
import type { Candidate } from "./Candidate.ts"
import type { Plan } from "./Plan.ts"
import { type Summary, winnersOf } from "./Summary.ts"
import { rowsOf, sweepColumns } from "./SweepColumns.ts"
import { configText, sweepCsv, sweepJson } from "./SweepText.ts"

/** Where each goes; none that is not named is written. */
export interface SweepFiles {
  readonly csv?: string | undefined
  readonly json?: string | undefined
  readonly parquet?: string | undefined
  /** Options of the best run, where one meets the constraints. */
  readonly bestConfig?: string | undefined
  /** Folder for the options of the best run, or of each in the Pareto set. */
  readonly winners?: string | undefined
}

const writeParquet = Effect.fnUntraced(function* (plan: Plan, summary: Summary, file: string) {
  const columns = sweepColumns(plan, summary)
  const writer = yield* Effect.promise(() => tableWriter("parquet", columns))
  const add = rowAdder(writer, columns)
  for (const row of rowsOf(summary)) add(row)
  yield* OutputFile.writeStream(file, Stream.sync(writer.end))
})

/** The name of a winner's file in its folder. */
export const winnerFile = ({ objectives }: Plan, { index }: Candidate): string =>
  objectives.length > 1 ? `pareto-${index}.json` : "best.json"

export const isWinnerFile = (name: string): boolean => /^(best|pareto-\d+)\.json$/.test(name)

const winnerWrites = (plan: Plan, summary: Summary, folder: string) =>
  winnersOf(plan, summary).map((winner) =>
    Effect.flatMap(Path.Path, (path) =>
      OutputFile.write(path.join(folder, winnerFile(plan, winner)), configText(winner))
    )
  )

/** Each of them on its own: what is wrong with one should cost no other. */
export const fileWrites = (plan: Plan, summary: Summary, { bestConfig, csv, json, parquet, winners }: SweepFiles) => {
  const { best } = summary
  return [
    ...(csv === undefined ? [] : [OutputFile.write(csv, sweepCsv(plan, summary))]),
    ...(json === undefined ? [] : [OutputFile.write(json, sweepJson(plan, summary))]),
    ...(parquet === undefined ? [] : [writeParquet(plan, summary, parquet)]),
    ...(bestConfig !== undefined && best?.isFeasible === true ? [OutputFile.write(bestConfig, configText(best))] : []),
    ...(winners === undefined ? [] : winnerWrites(plan, summary, winners))
  ]
}
