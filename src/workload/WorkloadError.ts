import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { showValue } from "../settings/Decimal.ts"
import type { Kind } from "../settings/Kind.ts"
import { arrivalSpeedup, concurrency } from "./LoadSettings.ts"

/** A load that cannot be made: which option, what is wrong with its value. */
export class WorkloadError extends Schema.TaggedError<WorkloadError>()("WorkloadError", {
  /** The option in `snake_case`, as the messages name it. */
  option: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return this.problem
  }
}

export const workloadError = (option: string, rule: string): WorkloadError =>
  new WorkloadError({ option, problem: `${option}: ${rule}` })

/** What is wrong with the value of an option, in the words of the command. */
export const settingProblem = <A>(option: string, kind: Kind<A>, value: unknown): WorkloadError | undefined =>
  kind.read(value) === undefined
    ? workloadError(option, kind.explain?.(value) ?? `expected ${kind.expected}, got ${showValue(value)}`)
    : undefined

const checkSetting = <A>(option: string, kind: Kind<A>, value: unknown): Effect.Effect<void, WorkloadError> => {
  const problem = settingProblem(option, kind, value)
  return problem === undefined ? Effect.void : Effect.fail(problem)
}

/** `option` is the name the message uses: `ratio` for traces, `arrival_speedup_ratio` for synthetic load. */
export const checkSpeedup = (option: string, speedup: number): Effect.Effect<void, WorkloadError> =>
  checkSetting(option, arrivalSpeedup, speedup)

/** Times of a run beyond this many ms would not be exact any more, and statistics of them not finite. */
const maxTimeMs = Number.MAX_SAFE_INTEGER

/** `spanMs`: the last time, from the first, that a load names. */
export const checkSpan = (option: string, spanMs: number, arrivalSpeedup: number): Effect.Effect<void, WorkloadError> =>
  spanMs / arrivalSpeedup <= maxTimeMs
    ? Effect.void
    : Effect.fail(
        workloadError(option, `${arrivalSpeedup} puts requests at ${spanMs / arrivalSpeedup} ms; at most ${maxTimeMs}`)
      )

export const checkConcurrency = (active: number): Effect.Effect<void, WorkloadError> =>
  checkSetting("replay_concurrency", concurrency, active)
