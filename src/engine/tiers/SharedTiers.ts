/**
 * What the workers of a run share below their host memory: disk, object store, and the identities of blocks that a worker has
 * generated itself.
 */
import { DiskTier } from "./DiskTier.ts"
import { LowerTier } from "./LowerTier.ts"
import type { EngineArgs } from "../EngineArgs.ts"
import { PrivateFrames } from "./PrivateKeys.ts"
import { type TierArgs, tierArgsOf } from "./TierArgs.ts"
import type { TransferLink } from "./TransferLink.ts"
import { TransferTimes } from "./TransferTimes.ts"

/** What all workers that use a lower tier must agree on. */
const sharedKeys = [
  "policy",
  "latencyMs",
  "diskBlocks",
  "objectStore",
  "blockBytes",
  "hostToDiskGbS",
  "diskToHostGbS",
  "hostToObjectGbS",
  "objectToHostGbS"
] as const satisfies ReadonlyArray<keyof TierArgs>

const usesLowerTiers = ({ diskBlocks, diskPerWorker, objectStore }: TierArgs): boolean =>
  (diskBlocks > 0 && !diskPerWorker) || objectStore

/** Whether workers with these arguments can use the same lower tiers. */
const canShare = (one: TierArgs, other: TierArgs): boolean => sharedKeys.every((key) => one[key] === other[key])

/**
 * Whether workers of these engines can be in one run. The reference runs the pool that comes second without tiers where two ask for
 * different ones.
 */
export const sharesLowerTiers = (first: EngineArgs, second: EngineArgs): boolean => {
  const [one, other] = [tierArgsOf(first), tierArgsOf(second)]
  if (one === undefined || other === undefined || !usesLowerTiers(one) || !usesLowerTiers(other)) return true
  return canShare(one, other) || (one.referenceQuirks && other.referenceQuirks)
}

type TierName = "device" | "host" | "disk" | "object"

/** What all links from one tier to another have moved. */
export interface LinkUse {
  readonly from: TierName
  readonly to: TierName
  /** Links of this kind: one per worker, or one for all. */
  readonly links: number
  readonly blocks: number
  readonly bytes: number
  /** Time with a transfer under way, summed over the links, ms. */
  readonly busyMs: number
}

/** What the tiers of a run did, all workers together. */
export interface TierSummary {
  readonly links: ReadonlyArray<LinkUse>
  /** Blocks that were not copied because the tier below had no room: everything in it was held, or on its way. */
  readonly droppedBlocks: number
}

export interface TierAccount {
  droppedBlocks: number
}

type Traffic = Pick<TransferLink<object>, "bytesMoved" | "busyMs">

interface WatchedLink {
  readonly from: TierName
  readonly to: TierName
  readonly link: Traffic
  readonly blockBytes: number
}

export class SharedTiers {
  readonly account: TierAccount = { droppedBlocks: 0 }
  readonly privateFrames = new PrivateFrames()
  /** Of all workers: ends of transfers that make a difference to somebody, and those that nobody notices. */
  readonly times = new TransferTimes()
  readonly unnoticed = new TransferTimes()
  private readonly watched: Array<WatchedLink> = []
  disk: LowerTier | undefined = undefined
  object: LowerTier | undefined = undefined
  /** Where it is written through. */
  private writtenDisk: DiskTier | undefined = undefined
  private args: TierArgs | undefined = undefined

  /** Makes the lower tiers for the first worker; false for one that asks for others. */
  join(args: TierArgs): boolean {
    if (!usesLowerTiers(args)) return true
    if (this.args !== undefined) return canShare(this.args, args)
    this.args = args
    if (args.policy === "write_through") return true
    if (args.diskBlocks > 0) {
      this.disk = new LowerTier({
        capacityBlocks: args.diskBlocks,
        writeGbS: args.hostToDiskGbS,
        readGbS: args.diskToHostGbS,
        writesAtATime: 1,
        times: this.times
      })
      this.watch("host", "disk", this.disk.writes, args.blockBytes)
      this.watch("disk", "host", this.disk.reads, args.blockBytes)
    }
    if (args.objectStore) {
      this.object = new LowerTier({
        capacityBlocks: Number.POSITIVE_INFINITY,
        writeGbS: args.hostToObjectGbS,
        readGbS: args.objectToHostGbS,
        writesAtATime: args.batchBlocks,
        times: this.times
      })
      this.watch("host", "object", this.object.writes, args.blockBytes)
      this.watch("object", "host", this.object.reads, args.blockBytes)
    }
    return true
  }

  /** The disk that a worker writes through to, which may be its own; nothing where it has none. */
  diskOf(args: TierArgs): DiskTier | undefined {
    if (args.diskBlocks === 0) return undefined
    if (!args.diskPerWorker && this.writtenDisk !== undefined) return this.writtenDisk
    const disk = new DiskTier(args, this.times)
    if (!args.diskPerWorker) this.writtenDisk = disk
    this.watch("host", "disk", disk.writes, args.blockBytes)
    this.watch("disk", "host", disk.reads, args.blockBytes)
    return disk
  }

  /** The traffic of this link counts, even after its worker has gone. */
  watch(from: TierName, to: TierName, link: Traffic, blockBytes: number): void {
    this.watched.push({ from, to, link, blockBytes })
  }

  /** Nothing where no worker has tiers. */
  summary(): TierSummary | undefined {
    if (this.watched.length === 0) return undefined
    const kinds = [...new Set(this.watched.map(({ from, to }) => `${from} ${to}`))]
    return { links: kinds.map((kind) => this.useOf(kind)), droppedBlocks: this.account.droppedBlocks }
  }

  private useOf(kind: string): LinkUse {
    const watched = this.watched.filter(({ from, to }) => `${from} ${to}` === kind)
    const { from, to } = watched[0]!
    const bytes = watched.reduce((sum, { link }) => sum + link.bytesMoved, 0)
    const busyMs = watched.reduce((sum, { link }) => sum + link.busyMs, 0)
    const blocks = watched.reduce(
      (sum, { blockBytes, link }) => sum + (blockBytes === 0 ? 0 : Math.round(link.bytesMoved / blockBytes)),
      0
    )
    return { from, to, links: watched.length, blocks, bytes, busyMs }
  }
}
