/** A disk below host memory that is written through: one worker's, or one for all, behind a lane each way. */
import { CopyLane } from "./CopyLane.ts"
import type { Offload } from "./KvTiers.ts"
import { LruStore } from "./LruStore.ts"
import type { TierArgs } from "./TierArgs.ts"

/** Who asked for a copy is told of its end. */
export type CopyEnded = (endMs: number) => void

/** Blocks on their way to the disk. */
export interface DiskWrite extends Offload {
  readonly keys: ReadonlyArray<number>
}

export class DiskTier {
  readonly store: LruStore
  readonly writes: CopyLane<CopyEnded>
  readonly reads: CopyLane<CopyEnded>
  readonly arriving = new Set<DiskWrite>()

  constructor({ diskBlocks, diskToHostGbS, hostToDiskGbS, latencyMs }: TierArgs) {
    this.store = new LruStore(diskBlocks)
    this.writes = new CopyLane(hostToDiskGbS, latencyMs)
    this.reads = new CopyLane(diskToHostGbS, latencyMs)
  }

  /** True when anything ended. */
  advance(nowMs: number): boolean {
    const written = this.writes.advance(nowMs, tell)
    return this.reads.advance(nowMs, tell) || written
  }

  /** What brings a block that is on its way. */
  bringing(key: number): Offload | undefined {
    for (const write of this.arriving) if (write.keys.includes(key)) return write
    return undefined
  }

  deadlineMs(): number {
    return Math.min(this.writes.deadlineMs(), this.reads.deadlineMs())
  }
}

const tell = (ended: CopyEnded, endMs: number): void => ended(endMs)
