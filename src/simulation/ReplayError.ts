import * as Schema from "effect/Schema"

/** A simulation that cannot be carried to its end. */
export class ReplayError extends Schema.TaggedError<ReplayError>()("ReplayError", {
  reason: Schema.Literals(["dead-end", "stalled", "router", "timing", "clock-in-use", "autoscaler"]),
  /** What happened and what to do about it. */
  problem: Schema.String,
  /** Simulated time at which it happened. */
  timeMs: Schema.Number
}) {
  override get message(): string {
    return this.problem
  }
}

/** An engine that cannot take part in a disaggregated run. */
export class DisaggregationUnsupported extends Schema.TaggedError<DisaggregationUnsupported>()(
  "DisaggregationUnsupported",
  { problem: Schema.String }
) {
  override get message(): string {
    return this.problem
  }
}
