/**
 * Emission with draft tokens (multi-token prediction): blocks for the largest possible bursts are set aside first, then every ready
 * request emits its burst; all tokens of a pass carry the same time.
 */
import type { EngineArgs } from "../EngineArgs.ts"
import type { MtpSampler } from "../MtpSampler.ts"
import type { SharedGaps } from "../SharedGaps.ts"
import type { WorkerProbe } from "../WorkerProbe.ts"
import type { BlockGrowth } from "./BlockGrowth.ts"
import type { KvBlockPool } from "./KvBlockPool.ts"
import type { ReadyBatch } from "./ReadyBatch.ts"
import type { Sequence } from "./Sequence.ts"
import type { EmissionEvents } from "./TokenEmission.ts"

export class BurstEmission {
  private readonly sampler: MtpSampler
  /** A prefill worker's only token is certain. */
  private readonly certainOnly: boolean
  private readonly pool: KvBlockPool
  private readonly growth: BlockGrowth
  private readonly ready: ReadyBatch
  private readonly gaps: SharedGaps
  private readonly probe: WorkerProbe | undefined
  private readonly worker: EmissionEvents
  private readonly bursts: Array<number> = []

  constructor(
    args: EngineArgs,
    sampler: MtpSampler,
    pool: KvBlockPool,
    growth: BlockGrowth,
    ready: ReadyBatch,
    gaps: SharedGaps,
    probe: WorkerProbe | undefined,
    worker: EmissionEvents
  ) {
    this.sampler = sampler
    this.certainOnly = args.workerType === "prefill"
    this.pool = pool
    this.growth = growth
    this.ready = ready
    this.gaps = gaps
    this.probe = probe
    this.worker = worker
  }

  /** Finds out who of the batch can emit, and sets aside blocks for the largest bursts; false when nobody can. */
  reserve(running: ReadonlyArray<Sequence>): boolean {
    const { ready } = this
    for (;;) {
      ready.collect(running, 0)
      if (ready.count === 0 || this.someBlocked()) return false
      if (this.pool.reserve(this.blocksForBursts())) break
      if (this.allAwaitRoom() || this.worker.preempt() === undefined) return false
    }
    for (let index = 0; index < ready.count; index++) this.worker.foundRoom(ready.sequences[index]!)
    return true
  }

  /** Everybody's burst comes at `tokenMs`; returns the tokens. */
  emit(tokenMs: number): number {
    const { bursts, gaps, ready } = this
    let tokens = 0
    this.draw()
    gaps.begin(tokenMs)
    for (let index = 0; index < ready.count; index++) {
      const sequence = ready.sequences[index]!
      const burst = bursts[index]!
      if (sequence.generatedTokens > 0) gaps.note(sequence.lastTokenMs)
      gaps.noteBurst(burst - 1)
      this.emitBurst(sequence, burst, tokenMs)
      this.probe?.emitted?.(sequence.request, burst, tokenMs)
      tokens += burst
    }
    gaps.end(true)
    this.pool.returnReserved()
    return tokens
  }

  private draw(): void {
    const { bursts, ready } = this
    for (let index = 0; index < ready.count; index++) {
      const { generatedTokens, maxOutputTokens } = ready.sequences[index]!
      bursts[index] = this.certainOnly ? 1 : this.sampler.burst(maxOutputTokens - generatedTokens)
    }
  }

  private emitBurst(sequence: Sequence, tokens: number, tokenMs: number): void {
    const { growth } = this
    for (let token = 0; token < tokens; token++) {
      sequence.generatedTokens += 1
      if (growth.needsBlock(sequence)) {
        growth.promoteFilled(sequence)
        growth.hold(sequence, this.pool.takeReserved())
      }
      this.worker.emitted(sequence, tokenMs)
    }
    sequence.computedTokens = sequence.knownTokens - 1
  }

  private blocksForBursts(): number {
    const { ready } = this
    const maxBurst = this.certainOnly ? 1 : this.sampler.maxBurst
    let blocks = 0
    for (let index = 0; index < ready.count; index++) {
      const sequence = ready.sequences[index]!
      blocks += this.growth.blocksFor(sequence, Math.min(maxBurst, sequence.maxOutputTokens - sequence.generatedTokens))
    }
    return blocks
  }

  private someBlocked(): boolean {
    const { ready } = this
    for (let index = 0; index < ready.count; index++) if (ready.sequences[index]!.isBlocked) return true
    return false
  }

  /** Everybody waits for room when anybody's is being made: they are reserved for together. */
  private allAwaitRoom(): boolean {
    const { ready } = this
    let awaited = false
    for (let index = 0; index < ready.count; index++) awaited = this.worker.awaitsRoom(ready.sequences[index]!)
    return awaited
  }
}
