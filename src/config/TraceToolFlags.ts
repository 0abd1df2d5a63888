/** Options of the commands that work on traces without replaying them. */
import type { FlagTable } from "./FlagSpec.ts"
import { replayFlags } from "./ReplayFlags.ts"
import { syntheticFlags } from "./SyntheticFlags.ts"
import { traceFlags, traceFormats } from "./TraceFlags.ts"

/** Formats that can be written. */
export const writtenFormats = ["mooncake", "agentic_mooncake"] as const
export type WrittenFormat = (typeof writtenFormats)[number]

const json = { kind: "switch", description: "Print JSON instead of text" } as const

/** Of prefixes that are made up. */
const { seed } = replayFlags

export const inspectFlags = { ...traceFlags, seed, json } as const satisfies FlagTable

export const validateFlags = {
  ...traceFlags,
  seed,
  "max-problems": { kind: "integer", default: "20", description: "Problems shown per file" },
  json
} as const satisfies FlagTable

export const convertFlags = {
  ...traceFlags,
  from: {
    kind: "choice",
    choices: traceFormats,
    description: "Format of the trace to read; the same as --trace-format",
    own: true
  },
  seed,
  to: { kind: "choice", choices: writtenFormats, default: "mooncake", description: "Format to write" },
  "to-block-size": {
    kind: "integer",
    default: "that of the input",
    description: "mooncake-delta: prompt tokens that one hash id of the written trace stands for"
  }
} as const satisfies FlagTable

export const synthFlags = {
  ...syntheticFlags,
  "trace-block-size": {
    kind: "integer",
    default: "512",
    description: "Prompt tokens that one hash id stands for; shared prefixes are whole blocks of it"
  },
  seed
} as const satisfies FlagTable
