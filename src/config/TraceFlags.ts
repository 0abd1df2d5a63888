/** Options that say how trace files are to be read. */
import { anyNumber, boolean, integer, mostTokens, oneOf, positive, text, texts } from "../settings/Kind.ts"
import { sessionTurns, timeUnits, traceFormats } from "../trace/TraceFormat.ts"
import type { FlagTable } from "./FlagSpec.ts"

const tokens = integer(1, mostTokens)

export const traceFlags = {
  "trace-format": {
    kind: oneOf(traceFormats),
    default: "mooncake; columns with --column",
    description: "Format of the trace files; auto tells it by their content"
  },
  "trace-block-size": {
    kind: tokens,
    default: "512; bailian: 16; dynamo, weka: as the trace says",
    description: "Prompt tokens that one hash id of the trace stands for"
  },
  "time-unit": {
    kind: oneOf(timeUnits),
    default: "ms",
    description: "Unit of timestamps (and of delay in mooncake formats) that are numbers",
    own: true
  },
  column: {
    kind: texts,
    description:
      "Column of a CSV, JSON Lines or Parquet file, as FIELD=COLUMN for timestamp, input_length, output_length, session_id, class; may be repeated",
    own: true
  },
  "prefix-model": {
    kind: text,
    default: "fresh",
    description:
      "What prompts share when a trace tells lengths only: fresh (nothing), system:TOKENS, turns:MEAN, or both with a comma",
    own: true
  },
  "session-turns": {
    kind: oneOf(sessionTurns),
    default: "wait for weka and tracelab, times for the others",
    description: "Later turns of sessions arrive at the times of the trace, or wait for the turn before",
    own: true
  },
  "default-output-tokens": {
    kind: tokens,
    description: "aiperf: output length of rows that do not say it",
    own: true
  },
  "text-bytes-per-token": {
    kind: positive(1e-3, 1e6),
    description: "aiperf: bytes of text that are taken for a token, for rows that hold only the text of their prompt",
    own: true
  },
  strict: {
    kind: boolean,
    description: "Refuse traces that look like something else than what they are read as",
    own: true
  },
  "trace-shared-prefix-ratio": {
    kind: anyNumber,
    default: "0",
    description: "applied_compute_agentic: share of each initial prompt that its prefix group has in common, 0 to 1"
  },
  "trace-num-prefix-groups": {
    kind: integer(0, mostTokens),
    default: "0, off",
    description: "applied_compute_agentic: number of prefix groups"
  }
} as const satisfies FlagTable
