import * as Schema from "effect/Schema"

/** An AIC timing model or KV sizing that cannot be built: what is wrong, where, and what to do about it. */
export class AicError extends Schema.TaggedError<AicError>()("AicError", {
  /** The argument, file or table at fault. */
  where: Schema.String,
  problem: Schema.String,
  /** What would help; absent where the problem says it all. */
  advice: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    const advice = this.advice === undefined ? "" : `; ${this.advice}`
    return `${this.where}: ${this.problem}${advice}`
  }
}
