/**
 * A decode step in which everybody emits one token: the requests in steady decode ({@link SteadyDecode}) together, the other ready ones
 * one by one.
 */
import type { SharedGaps } from "../SharedGaps.ts"
import type { WorkerProbe } from "../WorkerProbe.ts"
import type { BlockGrowth } from "./BlockGrowth.ts"
import type { KvBlockPool } from "./KvBlockPool.ts"
import type { ReadyBatch } from "./ReadyBatch.ts"
import type { Sequence } from "./Sequence.ts"
import type { SteadyDecode } from "./SteadyDecode.ts"

/** What the worker is told. */
export interface EmissionEvents {
  /** Throws out a running request and returns it; nothing when there is none. */
  preempt(): Sequence | undefined
  /** Whether room for the request is being made already; it then waits for it. */
  awaitsRoom(sequence: Sequence): boolean
  foundRoom(sequence: Sequence): void
  /** The request has one token more, at `tokenMs`. */
  emitted(sequence: Sequence, tokenMs: number): void
}

export class TokenEmission {
  private readonly pool: KvBlockPool
  private readonly growth: BlockGrowth
  private readonly ready: ReadyBatch
  private readonly steady: SteadyDecode
  private readonly gaps: SharedGaps
  private readonly probe: WorkerProbe | undefined
  private readonly worker: EmissionEvents
  /** Ready requests that got no token after all; kept for a probe only. */
  private readonly tokenless: Set<Sequence> | undefined

  constructor(
    pool: KvBlockPool,
    growth: BlockGrowth,
    ready: ReadyBatch,
    steady: SteadyDecode,
    gaps: SharedGaps,
    probe: WorkerProbe | undefined,
    worker: EmissionEvents
  ) {
    this.pool = pool
    this.growth = growth
    this.ready = ready
    this.steady = steady
    this.gaps = gaps
    this.probe = probe
    this.worker = worker
    this.tokenless = probe?.emitted === undefined ? undefined : new Set()
  }

  /** Everybody's token comes at `tokenMs`; returns the tokens. */
  emit(tokenMs: number): number {
    const { gaps } = this
    gaps.begin(tokenMs)
    const emitted = this.stepSteady(tokenMs) + this.emitReady(tokenMs)
    gaps.end(emitted > 0)
    if (this.tokenless !== undefined) this.showTokens(this.tokenless, tokenMs)
    return emitted
  }

  /** The same where nobody is ready but those in steady decode. */
  emitSteady(tokenMs: number): number {
    const { gaps } = this
    gaps.begin(tokenMs)
    const emitted = this.stepSteady(tokenMs)
    gaps.end(emitted > 0)
    return emitted
  }

  private stepSteady(tokenMs: number): number {
    const { gaps, steady } = this
    const { size } = steady
    if (size === 0) return 0
    const caughtUp = this.takeStep(tokenMs)
    const emitted = size - steady.late
    gaps.noteShared(emitted - caughtUp)
    return emitted
  }

  /** A step of the requests in steady decode, all that it does but for the gaps that they share; how many of them were late before it. */
  takeStep(tokenMs: number): number {
    const { steady } = this
    let caughtUp = 0
    let sequence = steady.takeStep(tokenMs)
    while (sequence !== undefined) {
      const next = steady.nextOf(sequence)
      if (this.findRoom(sequence)) {
        if (sequence.isLate) {
          this.gaps.note(sequence.lastTokenMs)
          steady.catchUp(sequence)
          caughtUp += 1
        }
        this.worker.emitted(sequence, tokenMs)
        if (sequence.running) steady.schedule(sequence)
        else steady.leave(sequence)
      } else steady.delay(sequence)
      sequence = next
    }
    return caughtUp
  }

  /** The others emit as far as they find room for their token. */
  private emitReady(tokenMs: number): number {
    const { gaps } = this
    const { count, sequences } = this.ready
    let emitted = 0
    for (let index = 0; index < count; index++) {
      const sequence = sequences[index]!
      sequence.generatedTokens += 1
      sequence.countdown -= 1
      if (sequence.countdown > 0) {
        gaps.note(sequence.lastTokenMs)
        sequence.lastTokenMs = tokenMs
        emitted += 1
        continue
      }
      if (!this.findRoom(sequence)) {
        this.tokenless?.add(sequence)
        continue
      }
      if (sequence.generatedTokens > 1) gaps.note(sequence.lastTokenMs)
      this.worker.emitted(sequence, tokenMs)
      emitted += 1
    }
    return emitted
  }

  private showTokens(tokenless: Set<Sequence>, tokenMs: number): void {
    const { count, sequences } = this.ready
    for (let index = 0; index < count; index++) {
      const sequence = sequences[index]!
      if (!tokenless.has(sequence)) this.probe?.emitted?.(sequence.request, 1, tokenMs)
    }
    tokenless.clear()
  }

  /**
   * Makes room for the token just generated: a token that opens a block first turns the filled one into a full block. When no
   * block is to be had, victims are preempted; false, with the token undone, when the request itself had to go.
   */
  private findRoom(sequence: Sequence): boolean {
    if (!sequence.running) return this.undoToken(sequence)
    if (!this.growth.needsBlock(sequence)) return true
    if (sequence.isBlocked) return this.undoToken(sequence)
    this.growth.promoteFilled(sequence)
    for (;;) {
      const slot = this.pool.acquirePartial()
      if (slot >= 0) {
        this.growth.hold(sequence, slot)
        this.worker.foundRoom(sequence)
        return true
      }
      this.undoToken(sequence)
      if (this.worker.awaitsRoom(sequence)) return false
      const victim = this.worker.preempt()
      if (victim === undefined || victim === sequence) return false
      sequence.generatedTokens += 1
    }
  }

  private undoToken(sequence: Sequence): false {
    sequence.generatedTokens -= 1
    return false
  }
}
