/** Slots for the next decode step of all running requests, and who is retracted when they do not suffice. */
import type { KvCache } from "./KvCache.ts"
import type { PageCopies } from "./PageCopies.ts"
import type { Sequence } from "./Sequence.ts"
import type { TokenEmission } from "./TokenEmission.ts"

/** What the worker is told. */
export interface RetractionEvents {
  /** The request was taken out of the batch and holds nothing any more. */
  retracted(sequence: Sequence): void
}

export class StepRoom {
  private readonly kv: KvCache
  private readonly copies: PageCopies | undefined
  private readonly emission: TokenEmission
  private readonly worker: RetractionEvents

  constructor(kv: KvCache, copies: PageCopies | undefined, emission: TokenEmission, worker: RetractionEvents) {
    this.kv = kv
    this.copies = copies
    this.emission = emission
    this.worker = worker
  }

  /** How many steps of the `running` requests find free slots, and so many that {@link make} need not look at anybody's page. */
  stepsWithRoom(running: ReadonlyArray<Sequence>): number {
    const { kv } = this
    const freeSteps = Math.floor(kv.pool.available / running.length)
    if (running.length === 1) return freeSteps
    return Math.min(freeSteps, Math.floor(kv.obtainableTokens / running.length) - 2 * kv.pageTokens)
  }

  /** Retracts requests until the others can take their next step. Returns the slots that the step may take. */
  make(running: Array<Sequence>): number {
    const { emission, kv } = this
    const { pageTokens } = kv
    for (;;) {
      let needed = 0
      let slack = 0
      let growth = 0
      for (let index = 0; index < running.length; index++) {
        const sequence = running[index]!
        const burst = emission.burstLimit(sequence)
        const filled = sequence.materialisedTokens % pageTokens
        const room = filled === 0 ? 0 : pageTokens - filled
        needed += burst
        slack += room
        if (burst > room) growth += kv.ceilToPage(burst - room)
      }
      const obtainable = kv.obtainableTokens
      if ((obtainable >= needed && Math.max(0, obtainable - slack) >= growth) || running.length <= 1) return needed
      if (this.copies?.roomToCome() !== undefined) return needed
      this.retractOne(running)
    }
  }

  /** Retracts the request that has emitted least, the first of several. */
  private retractOne(running: Array<Sequence>): void {
    let victim = 0
    for (let index = 1; index < running.length; index++) {
      if (running[index]!.generatedTokens < running[victim]!.generatedTokens) victim = index
    }
    const [sequence] = running.splice(victim, 1)
    if (sequence === undefined) return
    sequence.request.computedUpTo(sequence.materialisedTokens)
    const { node } = sequence
    this.kv.retract(sequence)
    this.copies?.letGo(sequence, node)
    this.worker.retracted(sequence)
  }
}
