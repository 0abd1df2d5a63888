/** Durations of the parts of a pass: what the timing model says of what the pass schedules, scaled as the engine arguments ask. */
import type { EngineArgs } from "./EngineArgs.ts"
import { PassScaling } from "./PassScaling.ts"
import type { TimingModel } from "../timing/Timing.ts"

/** The prompts of a pass that are charged as one prefill batch. */
export interface PrefillCharge {
  readonly batchPrompts: number
  readonly meanIslTokens: number
  readonly meanPrefixTokens: number
}

export class PassTiming {
  private readonly args: EngineArgs
  private readonly model: TimingModel
  private readonly scaling: PassScaling

  constructor(args: EngineArgs, model: TimingModel) {
    this.args = args
    this.model = model
    this.scaling = new PassScaling(args)
  }

  /** Prefill of the prompts that the pass scheduled, asked for first; 0 when all of their tokens were cached. */
  prefillMs({ batchPrompts, meanIslTokens, meanPrefixTokens }: PrefillCharge): number {
    if (batchPrompts === 0 || meanIslTokens <= meanPrefixTokens) return this.scaling.noPrefillMs()
    return this.scaling.prefillMs(this.model.prefillMs(batchPrompts, meanIslTokens, meanPrefixTokens))
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
    return this.scaling.decodeMs(this.model.decodeMs(batch, readTokens, meanContextTokens, capacityTokens))
  }
}
