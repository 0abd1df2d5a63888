/**
 * A KV tier below host memory, disk (G3) or object store (G4): one store for all workers of a run, behind one link each way.
 *
 * Whoever ticks first moves the links. The store changes at that moment; what the owner of a copy keeps count of follows at the owner's
 * own next tick, as in the reference.
 */
import { RefilledList } from "../../structures/RefilledList.ts"
import { TierStore } from "./TierStore.ts"
import { TransferLink } from "./TransferLink.ts"
import type { TransferTimes } from "./TransferTimes.ts"
import type { TierWriter } from "./TierWriter.ts"

/** Blocks on their way from a worker's host memory into the tier. */
export interface TierWrite {
  readonly owner: TierWriter
  readonly keys: ReadonlyArray<number>
  readonly parentKeys: ReadonlyArray<number>
}

/** Blocks on their way from the tier into a worker's host memory; the worker is told at its next tick. */
export interface TierRead {
  readonly ended: (nowMs: number) => void
}

export interface LowerTierArgs {
  /** `Infinity` for a tier that is never full. */
  readonly capacityBlocks: number
  readonly writeGbS: number
  readonly readGbS: number
  /** Writes of one worker at a time. */
  readonly writesAtATime: number
  readonly times: TransferTimes
}

export class LowerTier {
  readonly store: TierStore
  readonly writes: TransferLink<TierWrite>
  readonly reads: TransferLink<TierRead>
  readonly writesAtATime: number
  /** Blocks that wait to be written, by whichever worker. */
  readonly queuedKeys = new Set<number>()
  /** Blocks accepted to be written, as far as their owners know. */
  committed = 0
  private readonly endedWrites = new RefilledList<TierWrite>()
  private readonly endedReads = new RefilledList<TierRead>()

  constructor(args: LowerTierArgs) {
    this.store = new TierStore(args.capacityBlocks)
    this.writes = new TransferLink(args.writeGbS, args.times)
    this.reads = new TransferLink(args.readGbS, args.times)
    this.writesAtATime = args.writesAtATime
  }

  /** Moves both links to `nowMs`; true when anything ended. */
  advance(nowMs: number): boolean {
    const { endedReads, endedWrites } = this
    this.writes.advance(nowMs, endedWrites)
    this.reads.advance(nowMs, endedReads)
    if (endedReads.length === 0 && endedWrites.length === 0) return false
    for (const write of endedWrites.takeAll()) {
      for (let index = 0; index < write.keys.length; index++)
        this.store.arrive(write.keys[index]!, 1, write.parentKeys[index]!)
      write.owner.ended(write, nowMs)
    }
    for (const read of endedReads.takeAll()) read.ended(nowMs)
    return true
  }

  deadlineMs(): number {
    return Math.min(this.writes.nextEndMs, this.reads.nextEndMs)
  }

  /** Identities of the blocks that are being written. */
  forEachWrittenKey(visit: (key: number) => void): void {
    this.writes.forEach(({ keys }) => keys.forEach(visit))
  }
}
