/** Options of the commands that work on traces without replaying them. */
import { anyCount, boolean, integer, mostTokens, oneOf } from "../settings/Kind.ts"
import { traceFormats } from "../trace/TraceFormat.ts"
import type { FlagTable } from "./FlagSpec.ts"
import { replayFlags } from "./ReplayFlags.ts"
import { syntheticFlags } from "./SyntheticFlags.ts"
import { traceFlags } from "./TraceFlags.ts"

const atLeastOne = integer(1, anyCount)
const tokens = integer(1, mostTokens)

/** Formats that can be written. */
export const writtenFormats = ["mooncake", "agentic_mooncake"] as const
export type WrittenFormat = (typeof writtenFormats)[number]

const json = { kind: boolean, description: "Print JSON instead of text" } as const

/** Of prefixes that are made up. */
const { seed } = replayFlags

export const inspectFlags = { ...traceFlags, seed, json } as const satisfies FlagTable

export const validateFlags = {
  ...traceFlags,
  seed,
  "max-problems": { kind: atLeastOne, default: "20", description: "Problems shown per file" },
  json
} as const satisfies FlagTable

export const convertFlags = {
  ...traceFlags,
  from: {
    kind: oneOf(traceFormats),
    description: "Format of the trace to read; the same as --trace-format",
    own: true
  },
  seed,
  to: { kind: oneOf(writtenFormats), default: "mooncake", description: "Format to write" },
  "to-block-size": {
    kind: tokens,
    default: "that of the input",
    description: "mooncake-delta: prompt tokens that one hash id of the written trace stands for"
  }
} as const satisfies FlagTable

/** A workload has no seed: how prefixes are made up for a trace that says nothing of them has one. */
export const fitFlags = { ...traceFlags, seed } as const satisfies FlagTable

export const synthFlags = {
  ...syntheticFlags,
  "trace-block-size": {
    kind: tokens,
    default: "512",
    description: "Prompt tokens that one hash id stands for; shared prefixes are whole blocks of it"
  },
  seed
} as const satisfies FlagTable
