import type { TierOccupancy } from "../WorkerCore.ts"

interface Level {
  readonly blocks: number
}

interface Link {
  /** Copies under way. */
  readonly active: number
  readonly bytesMoved: number
}

/** What a worker's tiers hold, and what `links` between its device and its host memory do. */
export const occupancyOf = (
  host: Level,
  disk: Level | undefined,
  links: ReadonlyArray<Link>,
  blockBytes: number
): TierOccupancy => {
  const bytes = links.reduce((sum, { bytesMoved }) => sum + bytesMoved, 0)
  return {
    hostBlocks: host.blocks,
    disk,
    movedBlocks: blockBytes === 0 ? 0 : Math.round(bytes / blockBytes),
    busyLinks: links.filter(({ active }) => active > 0).length
  }
}
