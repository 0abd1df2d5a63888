/**
 * Preemption by recomputation: who leaves the batch when KV blocks run out, what it starts again with, and when preempting has gone on
 * for too long without a single token.
 */
import type { EngineArgs } from "../EngineArgs.ts"
import { type EngineStalled, thrashing } from "../EngineStalled.ts"
import type { KvBlockPool } from "./KvBlockPool.ts"
import type { Sequence } from "./Sequence.ts"

/** Preemptions in a row without a single token after which the requests are taken to be thrashing forever. */
const maxFruitless = 10_000

/** Who has left the batch, or waits for an offload, cannot be thrown out. */
const mayLeave = (sequence: Sequence): boolean => sequence.running && !sequence.isBlocked

export class Preemption {
  /** Preemptions since the last token. */
  fruitless = 0
  private readonly args: EngineArgs

  constructor(args: EngineArgs) {
    this.args = args
  }

  /** The place in the batch of the newest (lifo) or oldest (fifo) request that may be thrown out, -1 when there is none. */
  victimIn(running: ReadonlyArray<Sequence>): number {
    return this.args.preemptionMode === "fifo" ? running.findIndex(mayLeave) : running.findLastIndex(mayLeave)
  }

  /** One more, in a worker that has `others` beside the victim; throws where it never ends, unless it awaits what may end it. */
  count(victim: Sequence, others: number, awaitsOthers: boolean): void {
    this.fruitless += 1
    if (this.isEndless && !awaitsOthers) throw this.thrashing(victim, others)
  }

  /** Going on like this never lets a token out. */
  get isEndless(): boolean {
    return this.fruitless > maxFruitless
  }

  /** Preemptions so far were not for nothing. */
  bearFruit(): void {
    this.fruitless = 0
  }

  private thrashing(victim: Sequence, others: number): EngineStalled {
    const { maxNumBatchedTokens, numGpuBlocks, preemptionMode } = this.args
    const instead =
      preemptionMode === "lifo" ? "" : ", or preempt the newest request instead of the oldest (preemption_mode lifo)"
    return thrashing(victim.request, others + 1, numGpuBlocks, maxNumBatchedTokens, instead)
  }
}

/** The identities of blocks that the request generated itself are kept, so that it can find them again; call it before they are released. */
export const keepGeneratedKeys = (sequence: Sequence, pool: KvBlockPool): void => {
  const { fullBlocks, heldBlocks, keys, slots } = sequence
  if (fullBlocks <= keys.length) return
  const extended = new Int32Array(fullBlocks)
  extended.set(keys)
  const heldEnd = Math.min(fullBlocks, heldBlocks)
  for (let block = keys.length; block < heldEnd; block++) extended[block] = pool.keyOf(slots[block]!)
  pool.privateKeys(extended, Math.max(keys.length, heldEnd))
  sequence.keys = extended
}
