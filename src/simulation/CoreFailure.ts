/** What a synchronous core throws, as an Effect: the states it cannot go on from become typed errors, the rest are defects. */
import * as Effect from "effect/Effect"
import { EngineStalled } from "../engine/EngineStalled.ts"
import { RouterFault } from "../router/RouterFault.ts"
import { TimingFault } from "../engine/TimingFault.ts"
import { ReplayError } from "./ReplayError.ts"

export const failureOf = (error: unknown, timeMs: number): Effect.Effect<never, ReplayError> => {
  if (error instanceof ReplayError) return Effect.fail(error)
  if (error instanceof EngineStalled) {
    return Effect.fail(new ReplayError({ reason: "stalled", timeMs, problem: error.message }))
  }
  if (error instanceof RouterFault) {
    return Effect.fail(new ReplayError({ reason: "router", timeMs, problem: error.message }))
  }
  if (error instanceof TimingFault) {
    return Effect.fail(new ReplayError({ reason: "timing", timeMs, problem: error.message }))
  }
  return Effect.die(error)
}
