/** Building blocks of the rules that options are held against. */
import * as Result from "effect/Result"
import { type UsageError, usageError } from "../UsageError.ts"

/** What a rule finds: the way in which it is broken, or nothing. */
export type Problem = UsageError | undefined

/** Ends the validation when a rule is broken. */
export const check = (problem: Problem): Result.Result<void, UsageError> =>
  problem === undefined ? Result.succeed(undefined) : Result.fail(problem)

export const atLeastOne = (flag: string, value: number): Problem =>
  value >= 1 ? undefined : usageError(flag, `must be at least 1, got ${value}`)

/** A length of time: finite and not negative. */
export const duration = (flag: string, value: number): Problem =>
  Number.isFinite(value) && value >= 0
    ? undefined
    : usageError(flag, `must be a finite number of at least 0, got ${value}`)

/** A part of a whole. */
export const share = (flag: string, value: number): Problem =>
  value >= 0 && value <= 1 ? undefined : usageError(flag, `must be a number from 0 to 1, got ${value}`)

/** Those of some flags that were not given. */
export const missingOf = (flags: ReadonlyArray<readonly [flag: string, value: unknown]>): ReadonlyArray<string> =>
  flags.filter(([, value]) => value === undefined).map(([flag]) => flag)
