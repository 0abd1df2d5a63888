/** `dynosim trace synth`: synthetic load as a mooncake trace. */
import * as Effect from "effect/Effect"
import type { FlagValues } from "../config/ReadFlags.ts"
import { synthOptions } from "../config/TraceToolOptions.ts"
import { usageError } from "../settings/SettingsError.ts"
import { mooncakeText } from "../trace/TraceWriter.ts"
import { planSynthetic } from "../workload/SyntheticLoad.ts"
import { checkOutputs } from "./OutputPaths.ts"
import { writeTrace } from "./TraceOutput.ts"

export const synthesiseTrace = Effect.fnUntraced(function* (out: string, flags: FlagValues) {
  if (out === "") return yield* usageError("OUT", "the name of the file to write is empty")
  yield* checkOutputs([["OUT", out]], [])
  const {
    load: { _tag, arrivals, ...load },
    seed,
    traceBlockTokens
  } = yield* Effect.fromResult(synthOptions(flags))
  const { rows } = yield* planSynthetic({
    ...load,
    ...(arrivals === undefined ? {} : { arrivals }),
    blockTokens: traceBlockTokens,
    seed
  })
  yield* writeTrace(out, {
    text: mooncakeText(rows),
    requests: () => load.requestCount * load.turnsPerSession,
    traceBlockTokens
  })
})
