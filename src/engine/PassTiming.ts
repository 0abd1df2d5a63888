/** Durations of the parts of a pass: the timing model's milliseconds, sped up as the engine arguments ask, in whole nanoseconds. */
import type { EngineArgs } from "./EngineArgs.ts"
import { scaledDurationMs } from "../timing/Quantise.ts"
import type { TimingModel } from "../timing/Timing.ts"

/** The prompts of a pass that are charged as one prefill batch. */
export interface PrefillCharge {
  readonly batchPrompts: number
  readonly meanIslTokens: number
  readonly meanPrefixTokens: number
}

/** No decode step is faster, before speed-up. */
const minDecodeMs = 1

export class PassTiming {
  private readonly args: EngineArgs
  private readonly model: TimingModel
  private readonly decodeSpeedup: number

  constructor(args: EngineArgs, model: TimingModel) {
    this.args = args
    this.model = model
    this.decodeSpeedup = args.speedupRatio * args.decodeSpeedupRatio
  }

  /** Prefill of the prompts that the pass scheduled; 0 when all of their tokens were cached. */
  prefillMs({ batchPrompts, meanIslTokens, meanPrefixTokens }: PrefillCharge): number {
    if (batchPrompts === 0 || meanIslTokens <= meanPrefixTokens) return 0
    const ms = Math.max(0, this.model.prefillMs(batchPrompts, meanIslTokens, meanPrefixTokens))
    return scaledDurationMs(ms, this.args.speedupRatio)
  }

  /** A decode step of `batch` requests that know `contextTokens` in all; a prefill worker's hidden token takes no time. */
  decodeMs(batch: number, contextTokens: number, activeBlocks: number): number {
    const { blockTokens, decodeCostBy, numGpuBlocks, workerType } = this.args
    if (workerType === "prefill") return 0
    const meanContextTokens = Math.floor(contextTokens / batch)
    const capacityTokens = numGpuBlocks * blockTokens
    // Shared blocks are read once per request, but no model knows of more than a full pool.
    const readTokens =
      decodeCostBy === "requests" ? Math.min(contextTokens, capacityTokens) : activeBlocks * blockTokens
    const ms = this.model.decodeMs(batch, readTokens, meanContextTokens, capacityTokens)
    return scaledDurationMs(Math.max(minDecodeMs, ms), this.decodeSpeedup)
  }
}
