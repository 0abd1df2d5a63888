import * as Schema from "effect/Schema"

/** A setting that cannot be accepted: which one, what is wrong with it, and what to do. */
export class SettingsError extends Schema.TaggedError<SettingsError>()("SettingsError", {
  /** Keys from the outside in, such as `["sglang", "page_size"]`; empty for the whole of the settings. */
  path: Schema.Array(Schema.String),
  /** Whether the key itself is what is wrong, not its value. */
  aboutKey: Schema.Boolean,
  /** What is wrong, with the value and what was expected. */
  problem: Schema.String,
  /** What to do about it, where the problem does not say so already. */
  hint: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return this.path.length === 0 ? this.problem : `${this.path.join(".")}: ${this.problem}`
  }
}

/** A problem with the value at `path`, keys joined by dots. */
export const settingsError = (path: string, problem: string, hint?: string): SettingsError =>
  new SettingsError({
    path: path === "" ? [] : path.split("."),
    aboutKey: false,
    problem,
    ...(hint === undefined ? {} : { hint })
  })

/** Text that is not one JSON or YAML document of settings, and where it stops being so. */
export class TextSyntaxError extends Schema.TaggedError<TextSyntaxError>()("TextSyntaxError", {
  /** Both from 1. */
  line: Schema.Number,
  column: Schema.Number,
  problem: Schema.String,
  /** What to do about it, where the problem does not say so already. */
  hint: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return `line ${this.line}, column ${this.column}: ${this.problem}`
  }
}

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
