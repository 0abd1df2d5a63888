/** `--fail-if`: conditions under which the command ends with status 3, for scripts and pipelines. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import {
  type Condition,
  describeJudgement,
  judge,
  judgeValue,
  type Judgement,
  parseConditions
} from "../report/Condition.ts"
import type { ConditionError } from "../report/ReportError.ts"
import { isEmptyLatency } from "../report/Metric.ts"
import type { Report } from "../report/Report.ts"
import { type UsageError, usageError } from "../settings/SettingsError.ts"
import { ThresholdsCrossed } from "./CliError.ts"

/** Any of several thresholds ends a command with status 3, and `and` says that all of them must. */
export const readEach = <A>(
  texts: ReadonlyArray<string>,
  read: (texts: ReadonlyArray<string>) => Result.Result<A, ConditionError>
): Result.Result<A, UsageError> => {
  const joined = texts.find((text) => /\sand\s/i.test(text))
  return joined === undefined
    ? thresholdsFrom(read(texts))
    : Result.fail(
        usageError(
          "--fail-if",
          `${JSON.stringify(joined)}: joins conditions, each of which is enough`,
          "give the flag once for each"
        )
      )
}

/** Conditions of a flag, which are read before anything is run. */
export const thresholdsFrom = <A>(
  read: Result.Result<A, ConditionError>,
  flag = "--fail-if"
): Result.Result<A, UsageError> => Result.mapError(read, ({ hint, message }) => usageError(flag, message, hint))

export const readThresholds = (texts: ReadonlyArray<string>): Result.Result<ReadonlyArray<Condition>, UsageError> =>
  readEach(texts, parseConditions)

/**
 * What is crossed, a line each; `of` says what was judged, where that is not the one run there is. A figure that is not there cannot be
 * vouched for: that counts as crossed.
 */
export const crossings = <Subject>(judgements: ReadonlyArray<Judgement<Subject>>, of?: string): ReadonlyArray<string> =>
  judgements
    .filter(({ holds, value }) => holds || value === undefined)
    .map((each) => `--fail-if: ${describeJudgement(each)}${of === undefined ? "" : ` (${of})`}`)

/** Fails where there are any. */
export const failWith = (problems: ReadonlyArray<string>): Effect.Effect<void, ThresholdsCrossed> =>
  problems.length === 0 ? Effect.void : Effect.fail(new ThresholdsCrossed({ problems }))

export const failIfCrossed = (conditions: ReadonlyArray<Condition>, report: Report) =>
  failWith(
    crossings(
      conditions.map((condition) =>
        isEmptyLatency(condition.metric, report) ? judgeValue(condition, undefined) : judge(condition, report)
      )
    )
  )
