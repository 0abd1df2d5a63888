import * as Schema from "effect/Schema"

/** A router policy file that cannot be used: what is wrong and where. */
export class PolicyFileError extends Schema.TaggedError<PolicyFileError>()("PolicyFileError", {
  /** File as the user named it. */
  file: Schema.String,
  /** Line from 1. */
  line: Schema.Number,
  problem: Schema.String
}) {
  override get message(): string {
    return `${this.file}:${this.line}: ${this.problem}`
  }
}
