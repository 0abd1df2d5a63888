/** Durations of the parts of a pass: what the timing model says of what the pass schedules, scaled as the engine arguments ask. */
import type { EngineArgs } from "./EngineArgs.ts"
import type { PassesAhead } from "./PassesAhead.ts"
import { PassScaling, type Slowness } from "./PassScaling.ts"
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
  private readonly capacityTokens: number

  /** `capacityTokens` is what the KV pool holds. */
  constructor(
    args: EngineArgs,
    model: TimingModel,
    slowness?: Slowness,
    capacityTokens: number = args.numGpuBlocks * args.blockTokens
  ) {
    this.args = args
    this.model = model
    this.scaling = new PassScaling(args, slowness)
    this.capacityTokens = capacityTokens
  }

  /** Prefill of the prompts that the pass scheduled, asked for first; 0 when all of their tokens were cached. */
  prefillMs({ batchPrompts, meanIslTokens, meanPrefixTokens }: PrefillCharge): number {
    if (batchPrompts === 0 || meanIslTokens <= meanPrefixTokens) return this.scaling.noPrefillMs()
    return this.scaling.prefillMs(this.model.prefillMs(batchPrompts, meanIslTokens, meanPrefixTokens))
  }

  /**
   * A decode step of `batch` requests that know `contextTokens` in all, of an engine that counts what is read as `decodeCostBy` says; a
   * prefill worker's hidden token takes no time.
   */
  decodeMs(batch: number, contextTokens: number, activeBlocks: number): number {
    const { blockTokens, decodeCostBy, workerType } = this.args
    if (workerType === "prefill") return 0
    return decodeCostBy === "requests"
      ? this.decodeOfRequestsMs(batch, contextTokens)
      : this.stepMs(batch, contextTokens, activeBlocks * blockTokens)
  }

  /** A decode step that reads every request's tokens: shared ones once per request, but no model knows of more than a full pool. */
  decodeOfRequestsMs(batch: number, contextTokens: number): number {
    return this.stepMs(batch, contextTokens, Math.min(contextTokens, this.capacityTokens))
  }

  /** Whether steps may be timed ahead of their time. */
  get runsAhead(): boolean {
    return this.model.ahead !== undefined
  }

  /**
   * Adds passes to `ahead` that end by `untilMs`, at most `passes`: each is a decode step of `batch` requests that know `contextTokens` in
   * all before the first one, and nothing else. Without `activeBlocks` a step reads every request's tokens, as in {@link decodeOfRequestsMs};
   * with `blocksTaken`, so many blocks more are active in each of the passes.
   */
  runAhead(
    ahead: PassesAhead,
    passes: number,
    untilMs: number,
    batch: number,
    contextTokens: number,
    activeBlocks?: number,
    blocksTaken?: Int32Array
  ): void {
    const ends = ahead.reserve(passes)
    const readsBlocks = activeBlocks !== undefined && this.args.decodeCostBy !== "requests"
    const ignoresContext = readsBlocks && this.model.ahead?.ignoresContext === true
    this.model.ahead?.begin()
    let { endMs } = ahead
    let passMs = Number.NaN
    let timedBlocks = -1
    let pass = 0
    for (; pass < passes; pass++) {
      const blocks = readsBlocks ? activeBlocks + (blocksTaken === undefined ? 0 : blocksTaken[pass]!) : 0
      if (blocks !== timedBlocks || !ignoresContext) {
        const readTokens = readsBlocks ? blocks * this.args.blockTokens : undefined
        passMs = this.aheadMs(batch, contextTokens + pass * batch, readTokens)
        timedBlocks = blocks
      }
      const nextMs = endMs + passMs
      if (!(nextMs > endMs && nextMs <= untilMs)) break
      endMs = nextMs
      ends[pass] = endMs
    }
    ahead.count = pass
    ahead.batch = batch
  }

  /** A decode step without prefill, asked for ahead of its time; `NaN` where it must be asked for in its time. */
  private aheadMs(
    batch: number,
    contextTokens: number,
    readTokens = Math.min(contextTokens, this.capacityTokens)
  ): number {
    const { ahead } = this.model
    if (ahead === undefined) return Number.NaN
    const ms = ahead.decodeMs(batch, readTokens, Math.floor(contextTokens / batch), this.capacityTokens)
    return this.scaling.noPrefillMs() + this.scaling.decodeMs(ms)
  }

  /** So many steps that were timed ahead were taken. */
  taken(steps: number): void {
    this.model.ahead?.taken(steps)
  }

  private stepMs(batch: number, contextTokens: number, readTokens: number): number {
    const meanContextTokens = Math.floor(contextTokens / batch)
    return this.scaling.decodeMs(this.model.decodeMs(batch, readTokens, meanContextTokens, this.capacityTokens))
  }
}
