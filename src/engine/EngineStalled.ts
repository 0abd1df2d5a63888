/**
 * A worker that can never make progress again. Thrown by worker cores, which are synchronous; the simulation turns it into
 * its own error.
 */
import type { SimRequest } from "../request/SimRequest.ts"
import { counted } from "../settings/Counted.ts"

/** Ends the run: `request` is one of those that never go on. */
export class EngineStalled extends Error {
  readonly request: SimRequest

  constructor(request: SimRequest, reason: string) {
    super(reason)
    this.request = request
  }
}

/** So many `requests` preempt each other for ever; `instead`: what else may be done about it. */
export const thrashing = (
  victim: SimRequest,
  requests: number,
  poolBlocks: number,
  budgetTokens: number,
  instead = ""
): EngineStalled =>
  new EngineStalled(
    victim,
    `${requests === 1 ? "a request preempts itself" : `${requests} requests preempt each other`} without end: the KV pool of `
      + `${counted(poolBlocks, "block")} and the budget of ${counted(budgetTokens, "token")} per pass never let a token out. Give it more of `
      + `either (num_gpu_blocks, max_num_batched_tokens)${instead}`
  )
