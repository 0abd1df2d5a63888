/**
 * What a decode step emits: one token of everybody who runs, or a burst with draft tokens, each into a KV slot that was taken for the step.
 *
 *     slots taken for the step   [ s0 ][ s1 ][ s2 ][ s3 ][ s4 ]
 *     one token each             A     B     C
 *     bursts of 2, 1 and 1       A     A     B     C     └── given back
 *
 * A request costs a few additions per token; its countdown tells when it needs more than that.
 */
import type { MtpSampler } from "../MtpSampler.ts"
import type { SharedGaps } from "../SharedGaps.ts"
import type { WorkerProbe } from "../WorkerProbe.ts"
import type { KvCache } from "./KvCache.ts"
import type { Sequence } from "./Sequence.ts"

/** What the worker is told. */
export interface EmissionEvents {
  /** The request's countdown is over with the token at `tokenMs`: its first, second or last one, or one that fills a page. */
  countedDown(sequence: Sequence, tokenMs: number): void
}

export class TokenEmission {
  private readonly kv: KvCache
  private readonly gaps: SharedGaps
  private readonly sampler: MtpSampler | undefined
  private readonly probe: WorkerProbe | undefined
  private readonly worker: EmissionEvents
  /** Tokens of each running request in this step. */
  private readonly bursts: Array<number> = []

  /** `sampler` draws the lengths of bursts, where there are draft tokens. */
  constructor(
    kv: KvCache,
    gaps: SharedGaps,
    sampler: MtpSampler | undefined,
    probe: WorkerProbe | undefined,
    worker: EmissionEvents
  ) {
    this.kv = kv
    this.gaps = gaps
    this.sampler = sampler
    this.probe = probe
    this.worker = worker
  }

  get drawsBursts(): boolean {
    return this.sampler !== undefined
  }

  /** Slots that the request's next step may fill. */
  burstLimit({ remainingTokens }: Sequence): number {
    return this.sampler === undefined ? 1 : Math.min(this.sampler.maxBurst, remainingTokens)
  }

  /** Everybody's tokens come at `tokenMs`, into the slots that the pool handed out from `first` on; returns the tokens. */
  emit(running: ReadonlyArray<Sequence>, first: number, tokenMs: number): number {
    const { gaps, probe, sampler } = this
    gaps.begin(tokenMs)
    const tokens =
      sampler === undefined
        ? this.emitTokens(running, first, tokenMs)
        : this.emitBursts(running, first, tokenMs, sampler)
    gaps.end(true)
    if (probe !== undefined) this.showTokens(running, probe, tokenMs)
    return tokens
  }

  private emitTokens(running: ReadonlyArray<Sequence>, first: number, tokenMs: number): number {
    const { gaps, kv } = this
    const { entries: taken, numbered } = kv.pool
    const { slots } = kv.frames
    for (let index = 0; index < running.length; index++) {
      const sequence = running[index]!
      if (sequence.generatedTokens > 0) gaps.note(sequence.lastTokenMs)
      sequence.lastTokenMs = tokenMs
      if (numbered) slots[sequence.slotOffset + sequence.materialisedTokens] = taken[first + index]!
      sequence.generatedTokens += 1
      sequence.materialisedTokens += 1
      sequence.countdown -= 1
      if (sequence.countdown === 0) this.worker.countedDown(sequence, tokenMs)
    }
    return running.length
  }

  /** All tokens of a burst carry the same time. */
  private emitBursts(running: ReadonlyArray<Sequence>, first: number, tokenMs: number, sampler: MtpSampler): number {
    const { bursts, gaps, kv } = this
    const { entries: taken, numbered } = kv.pool
    for (let index = 0; index < running.length; index++) bursts[index] = sampler.burst(running[index]!.remainingTokens)
    let next = first
    for (let index = 0; index < running.length; index++) {
      const sequence = running[index]!
      if (sequence.generatedTokens > 0) gaps.note(sequence.lastTokenMs)
      sequence.lastTokenMs = tokenMs
      const end = next + bursts[index]!
      gaps.noteBurst(bursts[index]! - 1)
      while (next < end) {
        if (numbered) kv.frames.slots[sequence.slotOffset + sequence.materialisedTokens] = taken[next]!
        next += 1
        sequence.generatedTokens += 1
        sequence.materialisedTokens += 1
        sequence.countdown -= 1
        if (sequence.countdown === 0) this.worker.countedDown(sequence, tokenMs)
      }
    }
    return next - first
  }

  private showTokens(running: ReadonlyArray<Sequence>, probe: WorkerProbe, tokenMs: number): void {
    for (let index = 0; index < running.length; index++) {
      const { request } = running[index]!
      const tokens = this.sampler === undefined ? 1 : this.bursts[index]!
      probe.scheduled?.(request, tokens, 0)
      probe.emitted?.(request, tokens, tokenMs)
    }
  }
}
