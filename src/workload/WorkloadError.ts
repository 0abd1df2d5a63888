import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

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
  new WorkloadError({ option, problem: `${option} ${rule}` })

/** `option` is the name the message uses: `ratio` for traces, `arrival_speedup_ratio` for synthetic load. */
export const checkSpeedup = (option: string, arrivalSpeedup: number): Effect.Effect<void, WorkloadError> =>
  Number.isFinite(arrivalSpeedup) && arrivalSpeedup > 0
    ? Effect.void
    : Effect.fail(workloadError(option, `must be a finite positive number, got ${arrivalSpeedup}`))

/** Times of a run beyond this many ms would not be exact any more, and statistics of them not finite. */
const maxTimeMs = Number.MAX_SAFE_INTEGER

/** `spanMs`: the last time, from the first, that a load names. */
export const checkSpan = (option: string, spanMs: number, arrivalSpeedup: number): Effect.Effect<void, WorkloadError> =>
  spanMs / arrivalSpeedup <= maxTimeMs
    ? Effect.void
    : Effect.fail(
        workloadError(
          option,
          `of ${arrivalSpeedup} puts requests at ${spanMs / arrivalSpeedup} ms; at most ${maxTimeMs}`
        )
      )

export const checkConcurrency = (concurrency: number): Effect.Effect<void, WorkloadError> =>
  Number.isInteger(concurrency) && concurrency >= 1
    ? Effect.void
    : Effect.fail(workloadError("replay_concurrency", `must be at least 1, got ${concurrency}`))
