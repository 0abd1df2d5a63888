/** The memory of a pool of workers, refused in words before the machine refuses it. */
import type { Engine } from "../engine/Engine.ts"
import type { EngineArgs } from "../engine/EngineArgs.ts"
import { tierArgsOf } from "../engine/tiers/TierArgs.ts"
import { availableMemoryBytes } from "../host/Node.ts"
import { counted } from "../settings/Counted.ts"
import { englishNumber } from "../settings/EnglishNumber.ts"

/** A run that needs more memory than there is. */
export class OutOfMemory extends Error {
  override readonly name: string = "OutOfMemory"
}

/** Pools below this many bytes are made without asking what the machine has. */
const unaskedBytes = 2 ** 28

/** What a worker takes when it is made, its place in the router's tables included; its KV pool grows with what is cached. */
const bytesPerWorker = 10_000

/** A host tier grows with what it holds; a run that fills it needs this much. */
const bytesPerTierBlock = 40

const tierBytes = (args: EngineArgs): number => (tierArgsOf(args)?.hostBlocks ?? 0) * bytesPerTierBlock

const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(1)

/** {@link checkWorkerMemory} of a pool as it starts. */
export const checkPoolMemory = ({ args, mix }: Engine["Service"], workers: number): void => {
  if (mix === undefined) checkWorkerMemory(workers, args)
  else for (const group of mix.groups) checkWorkerMemory(group.workers, group.engine.args)
}

/** Throws {@link OutOfMemory} where `workers` workers would take more memory than the machine has left. */
export const checkWorkerMemory = (workers: number, args: EngineArgs): void => {
  const neededBytes = workers * (bytesPerWorker + tierBytes(args))
  if (neededBytes < unaskedBytes) return
  const availableBytes = availableMemoryBytes()
  if (neededBytes <= availableBytes) return
  const tierBlocks = tierArgsOf(args)?.hostBlocks
  const ofTiers = tierBlocks === undefined ? "" : ` and ${englishNumber(tierBlocks)} in host memory`
  const problem = `${counted(workers, "worker")} of ${counted(args.numGpuBlocks, "KV block")}${ofTiers} need ${gib(neededBytes)} GiB`
  throw new OutOfMemory(`${problem}, the machine has ${gib(availableBytes)} GiB left`)
}
