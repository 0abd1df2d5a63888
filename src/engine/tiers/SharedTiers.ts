/**
 * What the workers of a run share below their host memory: disk, object store, and the identities of blocks that a worker has
 * generated itself.
 */
import { LowerTier } from "./LowerTier.ts"
import type { TierArgs } from "./TierArgs.ts"

/** What all workers that use a lower tier must agree on. */
const sharedKeys = [
  "diskBlocks",
  "objectStore",
  "blockBytes",
  "hostToDiskGbS",
  "diskToHostGbS",
  "hostToObjectGbS",
  "objectToHostGbS"
] as const satisfies ReadonlyArray<keyof TierArgs>

/** First identity of a block that nobody else can have; they count down. */
const firstPrivateKey = -2

export const usesLowerTiers = ({ diskBlocks, objectStore }: TierArgs): boolean => diskBlocks > 0 || objectStore

/** Whether workers with these arguments can use the same lower tiers. */
export const canShare = (one: TierArgs, other: TierArgs): boolean => sharedKeys.every((key) => one[key] === other[key])

export class SharedTiers {
  disk: LowerTier | undefined = undefined
  object: LowerTier | undefined = undefined
  private args: TierArgs | undefined = undefined
  private nextPrivateKey = firstPrivateKey

  /** Makes the lower tiers for the first worker; false for one that asks for others. */
  join(args: TierArgs): boolean {
    if (!usesLowerTiers(args)) return true
    if (this.args !== undefined) return canShare(this.args, args)
    this.args = args
    if (args.diskBlocks > 0) {
      this.disk = new LowerTier({
        capacityBlocks: args.diskBlocks,
        writeGbS: args.hostToDiskGbS,
        readGbS: args.diskToHostGbS,
        writesAtATime: 1
      })
    }
    if (args.objectStore) {
      this.object = new LowerTier({
        capacityBlocks: Number.POSITIVE_INFINITY,
        writeGbS: args.hostToObjectGbS,
        readGbS: args.objectToHostGbS,
        writesAtATime: args.batchBlocks
      })
    }
    return true
  }

  /** A fresh identity for a block that nobody else, on any worker, can match. */
  privateKey(): number {
    const key = this.nextPrivateKey
    this.nextPrivateKey = key === -0x80000000 ? firstPrivateKey : key - 1
    return key
  }
}
