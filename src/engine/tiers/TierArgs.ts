/** What the KV tiers of a worker are told. */
import type { EngineArgs } from "../EngineArgs.ts"

/** Sizes in blocks, bandwidths in 10^9 bytes per second (0: a copy takes no time). */
export interface TierArgs {
  readonly hostBlocks: number
  /** 0 where there is no disk tier. */
  readonly diskBlocks: number
  readonly objectStore: boolean
  readonly blockBytes: number
  /** Do wrong what the reference does wrong. */
  readonly referenceQuirks: boolean
  /** Blocks per transfer, and transfers at a time. */
  readonly batchBlocks: number
  readonly deviceToHostGbS: number
  readonly hostToDeviceGbS: number
  readonly hostToDiskGbS: number
  readonly diskToHostGbS: number
  readonly hostToObjectGbS: number
  readonly objectToHostGbS: number
}

/** `offload_batch_size` of 0. */
const defaultBatchBlocks = 32

/** Nothing where the engine has no tiers. */
export const tierArgsOf = (args: EngineArgs): TierArgs | undefined => {
  if (args.numG2Blocks === 0 || args.engineType === "sglang" || args.vllmScheduler !== undefined) return undefined
  if (args.kvBytesPerToken === undefined) return undefined
  return {
    hostBlocks: args.numG2Blocks,
    diskBlocks: args.numG3Blocks,
    objectStore: args.enableG4Storage,
    blockBytes: args.blockTokens * args.kvBytesPerToken,
    referenceQuirks: args.offloadReferenceQuirks,
    batchBlocks: args.offloadBatchSize || defaultBatchBlocks,
    deviceToHostGbS: args.deviceToHostGbS,
    hostToDeviceGbS: args.hostToDeviceGbS,
    hostToDiskGbS: args.hostToDiskGbS,
    diskToHostGbS: args.diskToHostGbS,
    hostToObjectGbS: args.hostToObjectGbS,
    objectToHostGbS: args.objectToHostGbS
  }
}
