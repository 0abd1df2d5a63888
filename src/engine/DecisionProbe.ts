/**
 * What a worker decided, scheduling call by scheduling call: the log by which a scheduler is held against another one.
 *
 * Workers of the vLLM profiles keep it for whoever asks; nothing of it exists otherwise.
 */
import type { SimRequest } from "../request/SimRequest.ts"

/** A full KV block by the first request that had it and its position in that request. */
export interface BlockName {
  readonly owner: SimRequest
  readonly block: number
}

/** One scheduling call. Times in simulated ms; lists in the order in which things were decided. */
export interface Decision {
  readonly workerIndex: number
  /** When it was made, and when its batch starts and ends; an empty batch takes no time. */
  readonly decidedMs: number
  readonly startMs: number
  readonly endMs: number
  readonly scheduled: ReadonlyArray<{
    readonly request: SimRequest
    readonly tokensBefore: number
    readonly tokens: number
  }>
  readonly admitted: ReadonlyArray<{ readonly request: SimRequest; readonly hitTokens: number }>
  readonly preempted: ReadonlyArray<SimRequest>
  /** Identities that slots lost, one entry per slot. */
  readonly evicted: ReadonlyArray<BlockName>
  /** Who waits after the call, head first. */
  readonly waiting: ReadonlyArray<SimRequest>
  readonly usedBlocks: number
}

/** The end of a batch. Batches are delivered in the order in which they were decided. */
export interface Delivery {
  readonly workerIndex: number
  readonly endMs: number
  /** Requests that got a token, once per token. */
  readonly emitted: ReadonlyArray<SimRequest>
  readonly finished: ReadonlyArray<SimRequest>
  readonly usedBlocks: number
}

/** Takes the log of one worker, or of several: see `WorkerProbe.decisions`. */
export interface DecisionProbe {
  decided(decision: Decision): void
  delivered(delivery: Delivery): void
}
