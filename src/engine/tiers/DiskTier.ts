/** A disk below host memory that is written through: one worker's, or one for all, behind a lane each way. */
import { type BlockRuns, hasBlock } from "./BlockRuns.ts"
import { CopyLane, type LaneCopy } from "./CopyLane.ts"
import type { Offload } from "./KvTiers.ts"
import { LruStore } from "./LruStore.ts"
import type { TierArgs } from "./TierArgs.ts"
import type { TransferTimes } from "./TransferTimes.ts"

/** A copy to or from the disk; who asked for it is told of its end. */
export class DiskCopy implements LaneCopy<DiskCopy> {
  readonly bytes: number
  readonly ended: (endMs: number) => void
  endMs = Number.NaN
  behind: DiskCopy | undefined = undefined

  constructor(bytes: number, ended: (endMs: number) => void) {
    this.bytes = bytes
    this.ended = ended
  }
}

/** Blocks on their way to the disk. */
export interface DiskWrite extends Offload {
  readonly runs: BlockRuns
}

export class DiskTier {
  readonly store: LruStore
  readonly writes: CopyLane<DiskCopy>
  readonly reads: CopyLane<DiskCopy>
  readonly arriving = new Set<DiskWrite>()

  constructor({ diskBlocks, diskToHostGbS, hostToDiskGbS, latencyMs }: TierArgs, times: TransferTimes) {
    this.store = new LruStore(diskBlocks)
    this.writes = new CopyLane(hostToDiskGbS, latencyMs, times)
    this.reads = new CopyLane(diskToHostGbS, latencyMs, times)
  }

  /** True when anything ended. */
  advance(nowMs: number): boolean {
    const written = this.writes.advance(nowMs, tell)
    return this.reads.advance(nowMs, tell) || written
  }

  /** What brings a block that is on its way. */
  bringing(key: number): Offload | undefined {
    for (const write of this.arriving) if (hasBlock(write.runs, key)) return write
    return undefined
  }

  get nextEndMs(): number {
    return Math.min(this.writes.nextEndMs, this.reads.nextEndMs)
  }
}

const tell = (copy: DiskCopy): void => copy.ended(copy.endMs)
