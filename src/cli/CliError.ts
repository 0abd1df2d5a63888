/** How the command itself fails, beside the errors of the rooms it calls. */
import * as Schema from "effect/Schema"
import { counted } from "../settings/Counted.ts"

/** Traces that were checked and cannot be replayed; what is wrong with them has been said. */
export class InvalidTraces extends Schema.TaggedError<InvalidTraces>()("InvalidTraces", {
  invalid: Schema.Number,
  checked: Schema.Number
}) {
  override get message(): string {
    return `${this.invalid} of ${counted(this.checked, "trace")} cannot be replayed`
  }
}

/** The outputs are written, but the run is not good enough. */
export class ThresholdsCrossed extends Schema.TaggedError<ThresholdsCrossed>()("ThresholdsCrossed", {
  /** A sentence per condition. */
  problems: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return this.problems.join("; ")
  }
}

/** A run that needs more memory than the machine gives. */
export class MemoryProblem extends Schema.TaggedError<MemoryProblem>()("MemoryProblem", {
  problem: Schema.String,
  hint: Schema.String
}) {
  override get message(): string {
    return this.problem
  }
}
