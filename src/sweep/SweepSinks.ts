/** Where the results of a sweep may end: its table, its Pareto set, its files. Each folds {@link summarise}'s summary. */
import * as Effect from "effect/Effect"
import * as Sink from "effect/Sink"
import type { OutputError } from "../report/ReportError.ts"
import * as OutputFile from "../report/OutputFile.ts"
import type { Candidate } from "./Candidate.ts"
import type { Plan } from "./Plan.ts"
import { summarise, type Summary } from "./Summary.ts"
import type { CellResult } from "./Sweep.ts"
import { fileWrites, type SweepFiles } from "./SweepFiles.ts"
import { tableRows } from "./SweepText.ts"

/** Heading and rows, as the command prints them. */
export const table = (plan: Plan): Sink.Sink<ReadonlyArray<ReadonlyArray<string>>, CellResult> =>
  Sink.map(summarise(plan), (summary) => tableRows(plan, summary))

/** Those within the constraints that none is better than in all objectives, in the order of the plan. */
export const paretoSet = (plan: Plan): Sink.Sink<ReadonlyArray<Candidate>, CellResult> =>
  Sink.map(summarise(plan), ({ candidates, pareto }) => candidates.filter((candidate) => pareto.has(candidate)))

/** Writes the files that are named, and gives the summary that they hold. */
export const files = (
  plan: Plan,
  names: SweepFiles
): Sink.Sink<Summary, CellResult, never, OutputError, OutputFile.OutputServices> =>
  Sink.mapEffect(summarise(plan), (summary) => Effect.as(OutputFile.each(fileWrites(plan, summary, names)), summary))
