/** The options of a run as they were given, before any of them is held against another: `undefined` is "not given". */
import * as Result from "effect/Result"
import type { UsageError } from "../settings/SettingsError.ts"
import type { ConfigError } from "./ConfigError.ts"
import type { GivenFlags } from "./FlagSpec.ts"
import { type FlagValues, readFlags } from "./ReadFlags.ts"
import { replayFlags } from "./ReplayFlags.ts"
import type { syntheticFlags } from "./SyntheticFlags.ts"
import type { traceFlags } from "./TraceFlags.ts"

/** Names are those of the flags; see traceFlags for their meaning. */
export interface GivenTrace extends GivenFlags<typeof traceFlags> {
  /** Trace files in the order given; `-` is standard input. */
  readonly traces: ReadonlyArray<string>
}

/** Names are those of the flags; see syntheticFlags for their meaning. */
export type GivenSynthetic = GivenFlags<typeof syntheticFlags>

/** Names are those of the flags; see replayFlags for their meaning. */
export interface GivenOptions extends GivenFlags<typeof replayFlags> {
  /** Trace files in the order given; `-` is standard input. */
  readonly traces: ReadonlyArray<string>
}

/** Gives every option its value. */
export const readGivenOptions = (
  traces: ReadonlyArray<string>,
  values: FlagValues
): Result.Result<GivenOptions, UsageError | ConfigError> =>
  Result.map(readFlags(replayFlags, values), (given) => ({ ...given, traces }))
