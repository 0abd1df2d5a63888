/** What the process says when it ends: 0 done, 1 the run failed, 2 bad usage or input, 3 a threshold of --fail-if crossed, or what was looked for is out of reach, 130 interrupted. */
import * as Cause from "effect/Cause"
import type * as CliError from "effect/cli/CliError"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"

/** Errors that a user mends by other flags or other files. */
const userErrors: ReadonlySet<string> = new Set([
  "AicError",
  "ConditionError",
  "ConfigError",
  "DisaggregationUnsupported",
  "InvalidTraces",
  "NpzError",
  "PolicyFileError",
  "SettingsError",
  "SweepInputError",
  "TraceError",
  "UsageError",
  "WorkloadError"
])

/** What the process says when a signal has ended it. */
export const interrupted = 130

const tagOf = (error: unknown): string =>
  Predicate.hasProperty(error, "_tag") && typeof error._tag === "string" ? error._tag : ""

const isShowHelp = (error: unknown): error is CliError.ShowHelp => tagOf(error) === "ShowHelp"

export const exitCodeOf = (exit: Exit.Exit<unknown, unknown>): number => {
  if (Exit.isSuccess(exit)) return 0
  if (Cause.hasInterruptsOnly(exit.cause)) return interrupted
  const error = Cause.squash(exit.cause)
  if (isShowHelp(error)) return error.errors.length === 0 ? 0 : 2
  if (tagOf(error) === "ThresholdsCrossed") return 3
  return userErrors.has(tagOf(error)) ? 2 : 1
}
