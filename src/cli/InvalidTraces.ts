import * as Schema from "effect/Schema"

/** Traces that were checked and cannot be replayed; what is wrong with them has been said. */
export class InvalidTraces extends Schema.TaggedError<InvalidTraces>()("InvalidTraces", {
  invalid: Schema.Number,
  checked: Schema.Number
}) {
  override get message(): string {
    return `${this.invalid} of ${this.checked} traces cannot be replayed`
  }
}
