/**
 * A setting inside a JSON argument or a configuration file that cannot be accepted.
 */
import * as Schema from "effect/Schema"
import type { Position } from "../settings/JsonNode.ts"

/** Where settings come from: a flag such as `--router-config`, or a file. */
export interface ConfigSource {
  readonly _tag: "Flag" | "File"
  /** The flag with its dashes, or the file as the user named it. */
  readonly name: string
}

/** What is wrong with an option, and where it was written. Its `message` is the line that the command prints. */
export class ConfigError extends Schema.TaggedError<ConfigError>()("ConfigError", {
  /** The flag, or `file:line`. */
  where: Schema.String,
  /** Path of the setting inside the source, such as `sglang.page_size`; empty for the whole of it. */
  path: Schema.String,
  /** Position in the source's text, both from 1. */
  line: Schema.Number,
  column: Schema.Number,
  /** What is wrong, with the value and what was expected. */
  problem: Schema.String,
  /** What to do about it, where the problem does not say so already. */
  hint: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return this.path === "" ? `${this.where}: ${this.problem}` : `${this.where}: ${this.path}: ${this.problem}`
  }
}

/** A problem with the setting at `path`, written at `at`. */
export const configError = (
  source: ConfigSource,
  path: string,
  at: Position,
  problem: string,
  hint?: string
): ConfigError =>
  new ConfigError({
    where: source._tag === "File" ? `${source.name}:${at.line}` : source.name,
    path,
    line: at.line,
    column: at.column,
    problem,
    ...(hint === undefined ? {} : { hint })
  })
