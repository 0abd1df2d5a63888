import * as Schema from "effect/Schema"

/** An autoscaler that could not decide. */
export class AutoscalerError extends Schema.TaggedError<AutoscalerError>()("AutoscalerError", {
  problem: Schema.String
}) {
  override get message(): string {
    return this.problem
  }
}
