/** What the KV tiers of a worker are told. */
import type { EngineArgs } from "../EngineArgs.ts"

/** When blocks go down: when the device needs their slots, or once they are computed. */
export type OffloadPolicy = "on_evict" | "write_through"

type Policed = Pick<EngineArgs, "offloadPolicy" | "vllmScheduler">

/** What the arguments ask for; vLLM itself writes through. */
export const offloadPolicyOf = ({ offloadPolicy, vllmScheduler }: Policed): OffloadPolicy =>
  offloadPolicy ?? (vllmScheduler === undefined ? "on_evict" : "write_through")

type Circumstances = Policed & Pick<EngineArgs, "engineType" | "numG2Blocks">

/** Whether the engine has tiers: SGLang's radix cache does not hand over what it evicts. */
export const hasTiers = (args: Circumstances): boolean =>
  args.numG2Blocks > 0 && (args.engineType !== "sglang" || offloadPolicyOf(args) === "write_through")

/** Sizes in blocks, bandwidths in 10^9 bytes per second (0: a copy takes no time). */
export interface TierArgs {
  readonly policy: OffloadPolicy
  readonly hostBlocks: number
  /** 0 where there is no disk tier. */
  readonly diskBlocks: number
  readonly objectStore: boolean
  readonly blockBytes: number
  /** Every worker has a disk of its own, which is no shared tier. */
  readonly diskPerWorker: boolean
  /** Time of every copy beside that of its bytes, ms; only where blocks are written through. */
  readonly latencyMs: number
  /** Load only what is there sooner than computed. */
  readonly onlyFaster: boolean
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
  if (!hasTiers(args) || args.kvBytesPerToken === undefined) return undefined
  return {
    policy: offloadPolicyOf(args),
    diskPerWorker: args.g3Scope === "worker",
    latencyMs: args.offloadLatencyUs / 1000,
    onlyFaster: args.onboard === "faster",
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
