/** Options of the commands that edit traces. */
import { anyCount, boolean, duration, integer, number, oneOf, positive } from "../settings/Kind.ts"
import { unitKinds } from "../trace/edit/UnitKind.ts"
import type { FlagTable } from "./FlagSpec.ts"
import { replayFlags } from "./ReplayFlags.ts"
import { traceFlags } from "./TraceFlags.ts"

/** How the trace to edit is read; the seed is also that of what an edit draws. */
const readingFlags = { ...traceFlags, seed: replayFlags.seed } as const satisfies FlagTable

const factor = positive(1e-6, 1e6)
const atLeastOne = integer(1, anyCount)

const by = {
  kind: oneOf(unitKinds),
  default: "sessions",
  description: "What is kept or left out as a whole; a request without a session is one of its own"
} as const

export const sliceFlags = {
  ...readingFlags,
  "from-seconds": {
    kind: duration,
    default: "0",
    description: "Keep what starts so long after the first arrival, or later"
  },
  "until-seconds": {
    kind: duration,
    default: "the end",
    description: "Keep only what starts earlier than so long after the first arrival"
  },
  skip: { kind: integer(0, anyCount), default: "0", description: "Leave out so many of what is within that time" },
  count: { kind: atLeastOne, default: "all", description: "Keep so many of what follows" },
  by
} as const satisfies FlagTable

export const sampleFlags = {
  ...readingFlags,
  share: { kind: positive(1e-9, 1), description: "Share that is kept, rounded to whole sessions or requests" },
  count: { kind: atLeastOne, description: "How many are kept" },
  by
} as const satisfies FlagTable

export const scaleFlags = {
  ...readingFlags,
  "rate-factor": {
    kind: factor,
    default: "1",
    description: "Arrivals come so many times faster; waits between turns are as much shorter"
  },
  "input-factor": {
    kind: factor,
    default: "1",
    description: "Prompts become so many times longer; what they share grows with them"
  },
  "output-factor": { kind: factor, default: "1", description: "Outputs become so many times longer" }
} as const satisfies FlagTable

export const capGapsFlags = {
  ...readingFlags,
  "max-gap-seconds": {
    kind: duration,
    default: "no limit",
    description: "Longest time between the starts of two sessions or requests after each other"
  },
  "max-wait-seconds": {
    kind: duration,
    default: "no limit",
    description: "Longest wait of a turn after the one before, or of a request after what it waits for"
  }
} as const satisfies FlagTable

export const shiftFlags = {
  ...readingFlags,
  "by-seconds": { kind: number(-1e12, 1e12), description: "Move all times by so much; negative for earlier" },
  "to-seconds": { kind: number(-1e12, 1e12), description: "Move all times so that the first arrival comes then" }
} as const satisfies FlagTable

export const anonymiseFlags = {
  ...readingFlags,
  "jitter-seconds": {
    kind: duration,
    default: "0",
    description: "Move each session by a time drawn from minus to plus this against the others, in whole milliseconds"
  }
} as const satisfies FlagTable

export const mergeFlags = {
  ...readingFlags,
  "keep-ids": {
    kind: boolean,
    description:
      "Hash ids and sessions that are called the same in different traces are the same; without it they are kept apart"
  }
} as const satisfies FlagTable
