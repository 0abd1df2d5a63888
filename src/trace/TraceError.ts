import * as Schema from "effect/Schema"

/** A trace that cannot be replayed: what is wrong, where, and what to do about it. */
export class TraceError extends Schema.TaggedError<TraceError>()("TraceError", {
  /** File as the user named it, `-` for standard input. */
  file: Schema.String,
  /** Physical line from 1; absent when the whole file is meant. */
  line: Schema.optionalKey(Schema.Number),
  problem: Schema.String
}) {
  override get message(): string {
    return this.line === undefined ? `${this.file}: ${this.problem}` : `${this.file}:${this.line}: ${this.problem}`
  }
}
