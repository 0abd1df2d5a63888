/** Options of `dynosim record`: those of the recorder are its settings. */
import { recordSettings } from "../record/RecordOptions.ts"
import { path } from "../settings/Kind.ts"
import { type FlagTable, flagOf } from "./FlagSpec.ts"
import { replayFlags } from "./ReplayFlags.ts"

export const recordFlags = {
  upstream: flagOf(recordSettings.upstream),
  host: flagOf(recordSettings.host),
  port: flagOf(recordSettings.port),
  measured: { kind: path, description: "Also write every request as it was measured, for dynosim compare" },
  "trace-block-size": flagOf(recordSettings.traceBlockTokens),
  sessions: flagOf(recordSettings.sessions),
  salt: flagOf(recordSettings.salt),
  "max-body-bytes": flagOf(recordSettings.maxBodyBytes),
  quiet: { ...replayFlags.quiet, description: "No notices on standard error" }
} as const satisfies FlagTable
