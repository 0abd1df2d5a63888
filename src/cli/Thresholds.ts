/** `--fail-if`: conditions on the report under which the command ends with status 3, for scripts and pipelines. */
import * as Result from "effect/Result"
import { type Condition, describeJudgement, judge, parseConditions } from "../report/Condition.ts"
import type { Report } from "../report/Report.ts"
import { type UsageError, usageError } from "../settings/SettingsError.ts"
import { ThresholdsCrossed } from "./CliError.ts"

/** Conditions are read before the run. */
export const readThresholds = (texts: ReadonlyArray<string>): Result.Result<ReadonlyArray<Condition>, UsageError> =>
  Result.mapError(parseConditions(texts), ({ hint, message }) => usageError("--fail-if", message, hint))

/** `undefined` where no condition holds. What the report does not have cannot be vouched for: that counts as crossed. */
export const crossedBy = (conditions: ReadonlyArray<Condition>, report: Report): ThresholdsCrossed | undefined => {
  const crossed = conditions
    .map((condition) => judge(condition, report))
    .filter(({ holds, value }) => holds || value === undefined)
  return crossed.length === 0
    ? undefined
    : new ThresholdsCrossed({ problems: crossed.map((each) => `--fail-if: ${describeJudgement(each)}`) })
}
