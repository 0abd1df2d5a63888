/** Options that say how trace files are to be read. */
import type { FlagTable } from "./FlagSpec.ts"

export const traceFormats = [
  "mooncake",
  "mooncake-delta",
  "agentic_mooncake",
  "applied_compute_agentic",
  "dynamo",
  "azure",
  "burstgpt",
  "vidur",
  "splitwise",
  "bailian",
  "aiperf",
  "weka",
  "tracelab",
  "otel",
  "usage",
  "columns",
  "auto"
] as const
export type TraceFormat = (typeof traceFormats)[number]

export const timeUnits = ["ms", "s", "us", "ns"] as const
export type TimeUnit = (typeof timeUnits)[number]

export const sessionTurns = ["times", "wait"] as const
export type SessionTurns = (typeof sessionTurns)[number]

export const traceFlags = {
  "trace-format": {
    kind: "choice",
    choices: traceFormats,
    default: "mooncake; columns with --column",
    description: "Format of the trace files; auto tells it by their content"
  },
  "trace-block-size": {
    kind: "integer",
    default: "512; bailian: 16; dynamo, weka: as the trace says",
    description: "Prompt tokens that one hash id of the trace stands for"
  },
  "time-unit": {
    kind: "choice",
    choices: timeUnits,
    default: "ms",
    description: "Unit of timestamps (and of delay in mooncake formats) that are numbers",
    own: true
  },
  column: {
    kind: "texts",
    description:
      "Column of a CSV, JSON Lines or Parquet file, as FIELD=COLUMN for timestamp, input_length, output_length, session_id; may be repeated",
    own: true
  },
  "prefix-model": {
    kind: "text",
    default: "fresh",
    description:
      "What prompts share when a trace tells lengths only: fresh (nothing), system:TOKENS, turns:MEAN, or both with a comma",
    own: true
  },
  "session-turns": {
    kind: "choice",
    choices: sessionTurns,
    default: "wait for weka and tracelab, times for the others",
    description: "Later turns of sessions arrive at the times of the trace, or wait for the turn before",
    own: true
  },
  "default-output-tokens": {
    kind: "integer",
    description: "aiperf: output length of rows that do not say it",
    own: true
  },
  "text-bytes-per-token": {
    kind: "number",
    description: "aiperf: bytes of text that are taken for a token, for rows that hold only the text of their prompt",
    own: true
  },
  strict: {
    kind: "switch",
    description: "Refuse traces that look like something else than what they are read as",
    own: true
  },
  "trace-shared-prefix-ratio": {
    kind: "number",
    default: "0",
    description: "applied_compute_agentic: share of each initial prompt that its prefix group has in common, 0 to 1"
  },
  "trace-num-prefix-groups": {
    kind: "integer",
    default: "0, off",
    description: "applied_compute_agentic: number of prefix groups"
  }
} as const satisfies FlagTable
