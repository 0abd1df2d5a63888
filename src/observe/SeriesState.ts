/** How a worker is at the end of an interval, or several together; read anew into the same object every time. */
import { emptySnapshot, type WorkerCore } from "../engine/WorkerCore.ts"

/** Where workers have KV tiers; a disk that several share counts once. */
interface TierState {
  readonly hostBlocks: number
  readonly disks: ReadonlySet<{ readonly blocks: number }>
  readonly movedBlocks: number
  readonly busyLinks: number
}

export class SeriesState {
  workersUp = 0
  workersStarting = 0
  workersDraining = 0
  waiting = 0
  running = 0
  activeBlocks = 0
  cachedBlocks = 0
  freeBlocks = 0
  tiers: TierState | undefined = undefined
  private readonly snapshot = emptySnapshot()

  clear(): void {
    this.workersUp = 0
    this.workersStarting = 0
    this.workersDraining = 0
    this.waiting = 0
    this.running = 0
    this.activeBlocks = 0
    this.cachedBlocks = 0
    this.freeBlocks = 0
    this.tiers = undefined
  }

  /** That of one worker, of whose passes ahead so many have begun. */
  read(core: WorkerCore, passesAhead: number): void {
    const { activeBlocks, availableBlocks, cachedBlocks, running, waiting } = core.snapshot(passesAhead, this.snapshot)
    this.workersUp = 1
    this.waiting = waiting
    this.running = running
    this.activeBlocks = activeBlocks
    this.cachedBlocks = cachedBlocks
    this.freeBlocks = availableBlocks - cachedBlocks
    this.tiers = tierStateOf(core)
  }

  add(other: SeriesState): void {
    this.workersUp += other.workersUp
    this.workersStarting += other.workersStarting
    this.workersDraining += other.workersDraining
    this.waiting += other.waiting
    this.running += other.running
    this.activeBlocks += other.activeBlocks
    this.cachedBlocks += other.cachedBlocks
    this.freeBlocks += other.freeBlocks
    this.tiers = bothTiers(this.tiers, other.tiers)
  }
}

const tierStateOf = ({ tiers }: WorkerCore): TierState | undefined => {
  if (tiers === undefined) return undefined
  const { busyLinks, disk, hostBlocks, movedBlocks } = tiers.occupancy()
  return { hostBlocks, disks: new Set(disk === undefined ? [] : [disk]), movedBlocks, busyLinks }
}

const bothTiers = (one: TierState | undefined, other: TierState | undefined): TierState | undefined =>
  one === undefined || other === undefined
    ? (one ?? other)
    : {
        hostBlocks: one.hostBlocks + other.hostBlocks,
        disks: new Set([...one.disks, ...other.disks]),
        movedBlocks: one.movedBlocks + other.movedBlocks,
        busyLinks: one.busyLinks + other.busyLinks
      }

export const diskBlocksOf = ({ disks }: TierState): number => {
  let blocks = 0
  for (const disk of disks) blocks += disk.blocks
  return blocks
}
