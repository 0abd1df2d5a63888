import * as Schema from "effect/Schema"

/** A timing profile that cannot be used. */
export class NpzError extends Schema.TaggedError<NpzError>()("NpzError", {
  /** As the user named it. */
  file: Schema.String,
  /** Array inside the file; absent when the file as a whole is meant. */
  array: Schema.optionalKey(Schema.String),
  problem: Schema.String
}) {
  override get message(): string {
    return this.array === undefined ? `${this.file}: ${this.problem}` : `${this.file}: ${this.array}: ${this.problem}`
  }
}
