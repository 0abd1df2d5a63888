/** The memory of a pool of workers, refused in words before the machine refuses it. */
import type { EngineArgs } from "../engine/EngineArgs.ts"
import { tierArgsOf } from "../engine/tiers/TierArgs.ts"
import { availableMemoryBytes } from "../host/Node.ts"

/** A run that needs more memory than there is. */
export class OutOfMemory extends Error {
  override readonly name = "OutOfMemory"
}

/** Pools below this many bytes are made without asking what the machine has. */
const unaskedBytes = 2 ** 28

/**
 * What a worker writes to for each KV block when it is made; reserved pages it does not write to may never be needed. SGLang-style
 * pools grow with what is cached.
 */
const bytesPerBlock = ({ engineType }: EngineArgs): number => (engineType === "sglang" ? 0 : 8)

/** A host tier grows with what it holds; a run that fills it needs this much. */
const bytesPerTierBlock = 40

const tierBytes = (args: EngineArgs): number => (tierArgsOf(args)?.hostBlocks ?? 0) * bytesPerTierBlock

const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(1)

/** Throws {@link OutOfMemory} where `workers` workers would take more memory than the machine has left. */
export const checkWorkerMemory = (workers: number, args: EngineArgs): void => {
  const neededBytes = workers * (args.numGpuBlocks * bytesPerBlock(args) + tierBytes(args))
  if (neededBytes < unaskedBytes) return
  const availableBytes = availableMemoryBytes()
  if (neededBytes <= availableBytes) return
  const tierBlocks = tierArgsOf(args)?.hostBlocks
  const ofTiers = tierBlocks === undefined ? "" : ` and ${tierBlocks} in host memory`
  const problem = `${workers} workers of ${args.numGpuBlocks} KV blocks${ofTiers} need ${gib(neededBytes)} GiB`
  throw new OutOfMemory(`${problem}, the machine has ${gib(availableBytes)} GiB left`)
}
