/** How long a pass would take, by the timing model and the arguments of an engine: for those who plan, not for the engine itself. */
import type { Timing } from "../timing/Timing.ts"
import type { EngineArgs } from "./EngineArgs.ts"
import { PassTiming } from "./PassTiming.ts"

/** What a pass would have to do. */
export interface PassWork {
  /** Requests whose prompts it computes to their end, and the tokens that it computes for them in all. */
  readonly prefillRequests: number
  readonly prefillTokens: number
  /** Requests that decode in it, and the tokens that they know in all. */
  readonly decodeRequests: number
  readonly decodeKvTokens: number
}

/** ms of a pass with this work. */
export type PassEstimator = (work: PassWork) => number

/** What is asked here does not count in the coverage of timing tables, which is about the run. */
export const passEstimator = (args: EngineArgs, timing: Timing["Service"]): PassEstimator => {
  const pass = new PassTiming(args, (timing.makeUncounted ?? timing.make)())
  return ({ decodeKvTokens, decodeRequests, prefillRequests, prefillTokens }) => {
    const prefillMs = pass.prefillMs({
      batchPrompts: prefillTokens > 0 ? Math.max(1, prefillRequests) : 0,
      meanIslTokens: prefillTokens / Math.max(1, prefillRequests),
      meanPrefixTokens: 0
    })
    // A prompt's end is where its first token comes from, in the decode part of the same pass.
    const yielding = decodeRequests + (prefillTokens > 0 ? prefillRequests : 0)
    if (yielding === 0) return prefillMs
    const contextTokens = decodeKvTokens + prefillTokens
    const blocks = Math.min(args.numGpuBlocks, Math.ceil(contextTokens / args.blockTokens))
    return prefillMs + pass.decodeMs(yielding, contextTokens, blocks)
  }
}
