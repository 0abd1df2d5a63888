/** Options that say how trace files are to be read. */
import type { FlagTable } from "./FlagSpec.ts"

export const traceFormats = [
  "mooncake",
  "mooncake-delta",
  "agentic_mooncake",
  "applied_compute_agentic",
  "dynamo"
] as const
export type TraceFormat = (typeof traceFormats)[number]

export const timeUnits = ["ms", "s", "us", "ns"] as const
export type TimeUnit = (typeof timeUnits)[number]

export const traceFlags = {
  "trace-format": {
    kind: "choice",
    choices: traceFormats,
    default: "mooncake",
    description: "Format of the trace files"
  },
  "trace-block-size": {
    kind: "integer",
    default: "512; dynamo: as the trace says",
    description: "Prompt tokens that one hash id of the trace stands for"
  },
  "time-unit": {
    kind: "choice",
    choices: timeUnits,
    default: "ms",
    description: "mooncake formats: unit of timestamp and delay",
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
