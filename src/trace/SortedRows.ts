/**
 * Checks rows on their way into a run that cannot survey them first: a live source, or rows made by a program.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { TraceError } from "./TraceError.ts"
import type { TraceRow } from "./TraceRow.ts"
import { SurveyFold } from "./TraceSurvey.ts"

const outOfOrder = (name: string, row: TraceRow): TraceError =>
  new TraceError({
    file: name,
    line: row.line,
    problem:
      `trace line ${row.line} is out of order: rows must come in the order in which they can become ready.`
      + ` Sort them by timestamp, or survey them first, so that they are read whole`
  })

/**
 * The same rows, failing with a `TraceError` at the first that a survey would refuse or that is out of order: the first
 * timestamps of sessions must not go back, and no later turn may possibly be ready before the newest session starts.
 */
export const sortedRows = <R>(
  rows: Stream.Stream<TraceRow, TraceError, R>,
  name: string,
  plansOutputs: boolean
): Stream.Stream<TraceRow, TraceError, R> =>
  Stream.suspend(() => {
    const fold = new SurveyFold(name)
    const problemOf = (row: TraceRow): TraceError | undefined => {
      const problem = fold.add(row, false) ?? fold.openLoopProblem
      if (problem !== undefined) return problem
      if (fold.order === "none") return outOfOrder(name, row)
      return row.outputTokenIds === undefined || plansOutputs
        ? undefined
        : new TraceError({
            file: name,
            line: row.line,
            problem: `trace line ${row.line} has output_token_ids, but the rows were said to plan no outputs`
          })
    }
    return Stream.mapArrayEffect(rows, (chunk) => {
      for (const row of chunk) {
        const problem = problemOf(row)
        if (problem !== undefined) return Effect.fail(problem)
      }
      return Effect.succeed(chunk)
    })
  })
