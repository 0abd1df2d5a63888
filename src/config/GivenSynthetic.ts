/** Synthetic load as given: `undefined` is "not given". */
import type { FlagReader } from "./FlagReader.ts"
import { type ArrivalProcessName, arrivalProcesses } from "./SyntheticFlags.ts"
import type { TokenLengths } from "./TokenLengths.ts"

/** Names are those of the flags; see syntheticFlags for their meaning. */
export interface GivenSynthetic {
  readonly inputTokens?: TokenLengths | undefined
  readonly outputTokens?: TokenLengths | undefined
  readonly requestCount?: number | undefined
  readonly arrivalIntervalMs?: number | undefined
  readonly requestRate?: number | undefined
  readonly arrivalProcess?: ArrivalProcessName | undefined
  readonly arrivalShape?: number | undefined
  readonly turnsPerSession?: number | undefined
  readonly sharedPrefixRatio?: number | undefined
  readonly numPrefixGroups?: number | undefined
  readonly interTurnDelayMs?: number | undefined
}

export const readSynthetic = (read: FlagReader): GivenSynthetic => ({
  inputTokens: read.lengths("input-tokens"),
  outputTokens: read.lengths("output-tokens"),
  requestCount: read.integer("request-count"),
  arrivalIntervalMs: read.number("arrival-interval-ms"),
  requestRate: read.number("request-rate"),
  arrivalProcess: read.choice("arrival-process", arrivalProcesses),
  arrivalShape: read.number("arrival-shape"),
  turnsPerSession: read.integer("turns-per-session"),
  sharedPrefixRatio: read.number("shared-prefix-ratio"),
  numPrefixGroups: read.integer("num-prefix-groups"),
  interTurnDelayMs: read.number("inter-turn-delay-ms")
})
