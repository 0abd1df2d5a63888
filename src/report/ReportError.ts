import * as Schema from "effect/Schema"

/** An output that cannot be written: which file, why, and what to do about it. */
export class OutputError extends Schema.TaggedError<OutputError>()("OutputError", {
  /** The file as the user named it. */
  path: Schema.String,
  problem: Schema.String,
  /** The other end of the pipe is closed. */
  unread: Schema.optionalKey(Schema.Boolean)
}) {
  override get message(): string {
    return `${this.path}: ${this.problem}`
  }
}

/** A condition that says nothing: what is wrong with it, and what to do. */
export class ConditionError extends Schema.TaggedError<ConditionError>()("ConditionError", {
  /** The condition as written. */
  text: Schema.String,
  problem: Schema.String,
  hint: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return `${JSON.stringify(this.text)}: ${this.problem}`
  }
}
