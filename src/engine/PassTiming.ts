/** Durations of the parts of a pass: what the timing model says of what the pass schedules, scaled as the engine arguments ask. */
import type { BlocksTaken } from "./BlocksTaken.ts"
import type { EngineArgs } from "./EngineArgs.ts"
import type { PassesAhead } from "./PassesAhead.ts"
import { PassScaling, type Slowness } from "./PassScaling.ts"
import type { SingleSteps, StepsInARow, TimingModel } from "../timing/Timing.ts"

/** The prompts of a pass that are charged as one prefill batch. */
export interface PrefillCharge {
  readonly batchPrompts: number
  readonly meanIslTokens: number
  readonly meanPrefixTokens: number
}

/** More would mostly be timed for nothing: a worker is told something every 20 to 30 passes. */
const stepsInARow = 16

export class PassTiming {
  private readonly args: EngineArgs
  private readonly model: TimingModel
  private readonly scaling: PassScaling
  private readonly capacityTokens: number
  /** Steps that are timed together. */
  private readonly row = new Float64Array(stepsInARow)

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
  prefillMs(charge: PrefillCharge): number {
    const { batchPrompts } = charge
    // Of most passes, which have no prompts, no means are taken.
    if (batchPrompts === 0) return this.scaling.noPrefillMs()
    const { meanIslTokens, meanPrefixTokens } = charge
    if (meanIslTokens <= meanPrefixTokens) return this.scaling.noPrefillMs()
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
   * Adds as many passes to `ahead` as it is bounded to ({@link PassesAhead.bound}): each is a decode step of `batch` requests that know
   * `contextTokens` in all before the first one, and nothing else. Without `activeBlocks` a step reads every request's tokens, as in
   * {@link decodeOfRequestsMs}; with `blocksTaken`, so many blocks more are active in each of the passes.
   */
  runAhead(
    ahead: PassesAhead,
    batch: number,
    contextTokens: number,
    activeBlocks?: number,
    blocksTaken?: BlocksTaken
  ): void {
    const steps = this.model.ahead
    if (steps === undefined) return
    steps.begin()
    ahead.reserve(ahead.maxPasses)
    ahead.batch = batch
    ahead.count =
      steps.rowMs === undefined
        ? this.stepByStep(steps, ahead, contextTokens, activeBlocks, blocksTaken)
        : this.rowByRow(steps, ahead, contextTokens)
  }

  /** As {@link runAhead}, of a model that is asked for single steps. How many passes there are is the answer. */
  private stepByStep(
    steps: SingleSteps,
    ahead: PassesAhead,
    contextTokens: number,
    activeBlocks?: number,
    blocksTaken?: BlocksTaken
  ): number {
    const { batch, endMs: startMs, ends, maxPasses: passes, startsBeforeMs, untilMs } = ahead
    const { args, capacityTokens, scaling } = this
    const readsBlocks = activeBlocks !== undefined && args.decodeCostBy !== "requests"
    const ignoresContext = readsBlocks && steps.ignoresContext
    let endMs = startMs
    let stretch = 0
    for (let pass = 0; pass < passes;) {
      const taken = blocksTaken === undefined ? 0 : blocksTaken.blocks[stretch]!
      const stretchEnd = blocksTaken === undefined ? passes : blocksTaken.ends[stretch]!
      const knownTokens = contextTokens + pass * batch
      const readTokens = readsBlocks ? (activeBlocks + taken) * args.blockTokens : Math.min(knownTokens, capacityTokens)
      const ms = steps.decodeMs(batch, readTokens, Math.floor(knownTokens / batch), capacityTokens)
      const passMs = scaling.noPrefillMs() + scaling.decodeMs(ms)
      // Where the context does not matter, all passes until somebody takes a block take as long.
      const alike = !ignoresContext ? pass + 1 : stretchEnd < passes ? stretchEnd : passes
      for (; pass < alike; pass++) {
        const nextMs = endMs + passMs
        if (!(nextMs > endMs && nextMs <= untilMs && endMs < startsBeforeMs)) return pass
        endMs = nextMs
        ends[pass] = endMs
      }
      if (pass === stretchEnd) stretch += 1
    }
    return passes
  }

  /** As {@link runAhead}, of a model that is asked for steps in a row. How many passes there are is the answer. */
  private rowByRow({ rowMs }: StepsInARow, ahead: PassesAhead, contextTokens: number): number {
    const { batch, endMs: startMs, ends, maxPasses: passes, startsBeforeMs, untilMs } = ahead
    const { row, scaling } = this
    const meanContextTokens = Math.floor(contextTokens / batch)
    let endMs = startMs
    for (let pass = 0; pass < passes;) {
      const count = rowMs(batch, meanContextTokens + pass, Math.min(passes - pass, row.length), row)
      scaling.decodeOnlyMs(row, count)
      for (let step = 0; step < count; step++) {
        const nextMs = endMs + row[step]!
        if (!(nextMs > endMs && nextMs <= untilMs && endMs < startsBeforeMs)) return pass
        endMs = nextMs
        ends[pass] = endMs
        pass += 1
      }
    }
    return passes
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
