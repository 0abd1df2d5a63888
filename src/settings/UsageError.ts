import * as Schema from "effect/Schema"

/** Options that cannot be used, alone or together: which one, what is wrong with it, and what to do. */
export class UsageError extends Schema.TaggedError<UsageError>()("UsageError", {
  /** The flag at fault, with its dashes; of several, the one to change first. */
  flag: Schema.String,
  problem: Schema.String,
  /** What to do about it, where the problem does not say so already. */
  hint: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return `${this.flag}: ${this.problem}`
  }
}

export const usageError = (flag: string, problem: string, hint?: string): UsageError =>
  new UsageError({ flag, problem, ...(hint === undefined ? {} : { hint }) })
