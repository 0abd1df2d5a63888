/** Building blocks of the rules that options are held against. */
import * as Result from "effect/Result"
import type { UsageError } from "../../settings/SettingsError.ts"

/** What a rule finds: the way in which it is broken, or nothing. */
export type Problem = UsageError | undefined

/** Ends the validation when a rule is broken. */
export const check = (problem: Problem): Result.Result<void, UsageError> =>
  problem === undefined ? Result.succeed(undefined) : Result.fail(problem)

/** Those of some flags that were not given. */
export const missingOf = (flags: ReadonlyArray<readonly [flag: string, value: unknown]>): ReadonlyArray<string> =>
  flags.filter(([, value]) => value === undefined).map(([flag]) => flag)
