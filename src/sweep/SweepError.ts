import * as Schema from "effect/Schema"

/** A file that the runs of a sweep read, and that cannot be read. */
export class SweepInputError extends Schema.TaggedError<SweepInputError>()("SweepInputError", {
  what: Schema.String,
  file: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `${this.what} ${this.file}: ${this.problem}`
  }
}
