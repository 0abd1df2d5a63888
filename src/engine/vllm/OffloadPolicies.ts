/** Which way of offloading a vLLM-style worker has. */
import type { EngineArgs } from "../EngineArgs.ts"
import { SharedTiers } from "../tiers/SharedTiers.ts"
import { tierArgsOf } from "../tiers/TierArgs.ts"
import type { WorkerContext } from "../WorkerContext.ts"
import { EvictOffloading } from "./EvictOffloading.ts"
import type { OffloadEvents, Offloading } from "./Offloading.ts"
import { WriteThroughOffloading } from "./WriteThroughOffloading.ts"

/** Nothing where the engine has no tiers. */
export const offloadingOf = (
  args: EngineArgs,
  context: WorkerContext,
  worker: OffloadEvents
): Offloading | undefined => {
  const tierArgs = tierArgsOf(args)
  if (tierArgs === undefined) return undefined
  const shared = context.sharedTiers ?? new SharedTiers()
  if (!shared.join(tierArgs)) {
    if (tierArgs.referenceQuirks) return undefined
    throw new Error("workers of one run ask for different disk or object store tiers")
  }
  const { blockTokens, enablePrefixCaching: cachesPrefixes, numGpuBlocks: capacityBlocks } = args
  const isWhole = args.workerType === "aggregated"
  return tierArgs.policy === "on_evict"
    ? new EvictOffloading(tierArgs, shared, { capacityBlocks, blockTokens, isWhole }, context, worker)
    : new WriteThroughOffloading(tierArgs, shared, { capacityBlocks, blockTokens, cachesPrefixes }, context, worker)
}
