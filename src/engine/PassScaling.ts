/**
 * From the timing model's milliseconds to those of a pass: sped up as the engine arguments ask, in whole nanoseconds, and with the
 * overhead that every pass has whatever it computes (`pass_overhead_ms`: scheduling, launches, sampling on the host).
 */
import type { EngineArgs } from "./EngineArgs.ts"
import { scaledDurationMs } from "../timing/Quantise.ts"
import { checkedMs } from "./TimingFault.ts"

type ScalingArgs = Pick<EngineArgs, "speedupRatio" | "prefillSpeedupRatio" | "decodeSpeedupRatio" | "passOverheadMs">

const asUsual: Slowness = { factor: 1 }

/** No decode step is faster, before speed-up. */
const minDecodeMs = 1

/** How much longer than usual the passes of a worker take now; whoever holds it may change it. */
export interface Slowness {
  factor: number
}

/** A pass asks for its prefill part first, then for its decode part; it is charged its overhead once, with the first that takes time. */
export class PassScaling {
  private readonly prefillSpeedup: number
  private readonly decodeSpeedup: number
  private readonly overheadMs: number
  /** What the decode part still has to be charged. */
  private overheadLeftMs: number

  private readonly slowness: Slowness

  constructor(
    { decodeSpeedupRatio, passOverheadMs, prefillSpeedupRatio, speedupRatio }: ScalingArgs,
    slowness: Slowness = asUsual
  ) {
    this.slowness = slowness
    this.prefillSpeedup = speedupRatio * prefillSpeedupRatio
    this.decodeSpeedup = speedupRatio * decodeSpeedupRatio
    this.overheadMs = scaledDurationMs(passOverheadMs, 1)
    this.overheadLeftMs = this.overheadMs
  }

  /** Begins a pass without a prefill part. */
  noPrefillMs(): number {
    this.overheadLeftMs = this.overheadMs
    return 0
  }

  /** Begins a pass whose prefill part is modelled to take `ms`. */
  prefillMs(ms: number): number {
    this.overheadLeftMs = 0
    const knownMs = checkedMs("prefill", ms)
    const longMs = knownMs < 0 ? 0 : knownMs
    return this.overheadMs + scaledDurationMs(longMs * this.slowness.factor, this.prefillSpeedup)
  }

  /** Passes of decode parts alone, the first `count` in `ms` modelled to take so long: written over by what they take. */
  decodeOnlyMs(ms: Float64Array, count: number): void {
    const { decodeSpeedup, overheadMs, slowness } = this
    for (let i = 0; i < count; i++) {
      const longMs = ms[i]! < minDecodeMs ? minDecodeMs : ms[i]!
      ms[i] = overheadMs + scaledDurationMs(longMs * slowness.factor, decodeSpeedup)
    }
    this.overheadLeftMs = overheadMs
  }

  /** The decode part, modelled to take `ms`. */
  decodeMs(ms: number): number {
    const knownMs = checkedMs("decode", ms)
    const longMs = knownMs < minDecodeMs ? minDecodeMs : knownMs
    return this.overheadLeftMs + scaledDurationMs(longMs * this.slowness.factor, this.decodeSpeedup)
  }
}
