/** How trace files are to be read, as given: `undefined` is "not given". */
import type { FlagReader } from "./FlagReader.ts"
import {
  type SessionTurns,
  sessionTurns,
  timeUnits,
  type TimeUnit,
  type TraceFormat,
  traceFormats
} from "./TraceFlags.ts"

/** Names are those of the flags; see traceFlags for their meaning. */
export interface GivenTrace {
  /** Trace files in the order given; `-` is standard input. */
  readonly traces: ReadonlyArray<string>
  readonly traceFormat?: TraceFormat | undefined
  readonly traceBlockSize?: number | undefined
  readonly timeUnit?: TimeUnit | undefined
  readonly strict?: boolean | undefined
  readonly column?: ReadonlyArray<string> | undefined
  readonly prefixModel?: string | undefined
  readonly sessionTurns?: SessionTurns | undefined
  readonly defaultOutputTokens?: number | undefined
  readonly textBytesPerToken?: number | undefined
  readonly traceSharedPrefixRatio?: number | undefined
  readonly traceNumPrefixGroups?: number | undefined
}

export const readTrace = (read: FlagReader): Omit<GivenTrace, "traces"> => ({
  traceFormat: read.choice("trace-format", traceFormats),
  traceBlockSize: read.integer("trace-block-size"),
  timeUnit: read.choice("time-unit", timeUnits),
  strict: read.switch("strict"),
  column: read.texts("column"),
  prefixModel: read.text("prefix-model"),
  sessionTurns: read.choice("session-turns", sessionTurns),
  defaultOutputTokens: read.integer("default-output-tokens"),
  textBytesPerToken: read.number("text-bytes-per-token"),
  traceSharedPrefixRatio: read.number("trace-shared-prefix-ratio"),
  traceNumPrefixGroups: read.integer("trace-num-prefix-groups")
})
