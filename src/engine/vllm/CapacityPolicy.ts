/**
 * When a waiting request may be admitted, and whether a running one may be thrown out: the one difference between the
 * vLLM-style scheduler (optimistic, preempts) and the TensorRT-LLM-style one (guaranteed no evict).
 */
import type { EngineArgs } from "../EngineArgs.ts"
import type { SimRequest } from "../../request/SimRequest.ts"
import type { KvBlockPool } from "./KvBlockPool.ts"
import type { Sequence } from "./Sequence.ts"

export interface CapacityPolicy {
  /** Whether running requests may be preempted to make room. */
  readonly preempts: boolean
  /** Output tokens the worker will produce for a request of `outputTokens`. */
  outputLimitTokens(request: SimRequest, outputTokens: number): number
  /** Blocks that must be available before the head of the queue is admitted; `activeBlocks` of its prompt are held already. */
  neededBlocks(head: Sequence, activeBlocks: number): number
  /** Blocks that count as available to it. */
  availableBlocks(pool: KvBlockPool, running: ReadonlyArray<Sequence>): number
}

/** Blocks the whole request will occupy at its end. */
export const fullLengthBlocks = (sequence: Sequence, blockTokens: number): number =>
  Math.ceil((sequence.promptTokens + sequence.maxOutputTokens) / blockTokens)

/** vLLM: room for the tokens known now is enough; later growth preempts. */
export const preemptive = (args: EngineArgs): CapacityPolicy => ({
  preempts: true,
  outputLimitTokens: (_request, outputTokens) => outputTokens,
  neededBlocks: (head, activeBlocks) => Math.ceil(head.knownTokens / args.blockTokens) - activeBlocks,
  availableBlocks: (pool) => pool.availableBlocks
})

/** Blocks of its prompt that a request without any allocation shares with running ones. */
const sharedPromptBlocks = (pool: KvBlockPool, sequence: Sequence, blockTokens: number): number => {
  const promptBlocks = Math.floor(sequence.promptTokens / blockTokens)
  return pool.activePrefix(sequence.keys, Math.min(promptBlocks, sequence.fullBlocks))
}

/** TensorRT-LLM: room for prompt and output of every running request is set aside, so nothing is ever evicted. */
export const guaranteedNoEvict = (args: EngineArgs): CapacityPolicy => {
  const { blockTokens, numGpuBlocks } = args
  const capacityTokens = numGpuBlocks * blockTokens
  return {
    preempts: false,
    outputLimitTokens: (request, outputTokens) =>
      request.promptTokens < capacityTokens
        ? Math.min(outputTokens, capacityTokens - request.promptTokens)
        : outputTokens,
    neededBlocks: (head, activeBlocks) => Math.max(0, fullLengthBlocks(head, blockTokens) - activeBlocks),
    availableBlocks: (pool, running) => {
      let promised = 0
      for (const sequence of running) {
        const held = sequence.heldBlocks > 0 ? sequence.heldBlocks : sharedPromptBlocks(pool, sequence, blockTokens)
        promised += Math.max(0, fullLengthBlocks(sequence, blockTokens) - held)
      }
      return Math.max(0, pool.availableBlocks - promised)
    }
  }
}
