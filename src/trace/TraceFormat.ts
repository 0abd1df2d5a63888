/** Formats of traces that can be read. */
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
  "vllm-log",
  "columns",
  "auto"
] as const
export type TraceFormat = (typeof traceFormats)[number]

/** Units in which timestamps and delays may be given. */
export const timeUnits = ["ms", "s", "us", "ns"] as const
export type TimeUnit = (typeof timeUnits)[number]

/** When later turns of a session start: at the times of the trace, or some time after the turn before. */
export const sessionTurns = ["times", "wait"] as const
export type SessionTurns = (typeof sessionTurns)[number]
