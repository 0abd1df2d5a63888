/**
 * What the events of a run tell that must not go unnoticed: figures that mean less than their name says, requests that never fitted.
 */
import type { RequestRecord } from "../request/SimRequest.ts"
import { counted } from "../settings/Counted.ts"
import type { PoolFacts } from "./ReportOptions.ts"
import { outputLength, type RequestTotals } from "./RequestTotals.ts"

export class RunFindings {
  private cutRequests = 0
  private cutAskedTokens = 0
  private cutGeneratedTokens = 0
  private turnedAway = 0
  private largestTurnedAwayTokens = 0
  private largestTurnedAwayPromptTokens = 0

  add(record: RequestRecord): void {
    const { outputTokens, promptTokens, status } = record
    if (status === "rejected" || status === "failed") {
      this.turnedAway += 1
      this.largestTurnedAwayTokens = Math.max(this.largestTurnedAwayTokens, promptTokens + outputTokens)
      this.largestTurnedAwayPromptTokens = Math.max(this.largestTurnedAwayPromptTokens, promptTokens)
    } else if (outputLength(record) < outputTokens) {
      this.cutRequests += 1
      this.cutAskedTokens += outputTokens
      this.cutGeneratedTokens += outputLength(record)
    }
  }

  /** A sentence each. */
  warnings(totals: RequestTotals, pools: ReadonlyArray<PoolFacts>): ReadonlyArray<string> {
    return [...this.cutOutputs(), ...this.tooLarge(pools), ...ownReuse(totals)]
  }

  private cutOutputs(): ReadonlyArray<string> {
    const { cutAskedTokens, cutGeneratedTokens, cutRequests } = this
    if (cutRequests === 0) return []
    return [
      `the engine cut the output of ${counted(cutRequests, "request")} to what it can hold: ${cutGeneratedTokens} of `
        + `${cutAskedTokens} output tokens were generated, and only those are reported`
    ]
  }

  private tooLarge(pools: ReadonlyArray<PoolFacts>): ReadonlyArray<string> {
    const smallest = pools.toSorted((a, b) => a.kvTokens - b.kvTokens)[0]
    if (smallest === undefined || this.turnedAway === 0) return []
    const { blockTokens, kvBlocks, kvTokens } = smallest
    // SGLang-style engines keep a page in hand.
    if (this.largestTurnedAwayTokens + blockTokens <= kvTokens) return this.tooLong(pools)
    const pages =
      blockTokens === 1 ? ", or pages of more than one token (block_size, sglang.page_size)" : " or block_size"
    return [
      `${counted(this.turnedAway, "request")} did not fit a worker's KV pool of ${counted(kvTokens, "token")} (${counted(kvBlocks, "block")} of `
        + `${blockTokens}), the largest with ${counted(this.largestTurnedAwayTokens, "token")}: give it more num_gpu_blocks${pages}`
    ]
  }

  /** Prompts that leave no room for a token. */
  private tooLong(pools: ReadonlyArray<PoolFacts>): ReadonlyArray<string> {
    const mostTokens = Math.min(...pools.map(({ maxModelTokens = Number.POSITIVE_INFINITY }) => maxModelTokens))
    return this.largestTurnedAwayPromptTokens < mostTokens
      ? []
      : [
          `${counted(this.turnedAway, "request")} did not fit max_model_len ${mostTokens}, the largest with a prompt of `
            + `${counted(this.largestTurnedAwayPromptTokens, "token")}`
        ]
  }
}

const ownReuse = ({ inputTokens, reusedTokens, sharedReusedTokens }: RequestTotals): ReadonlyArray<string> =>
  reusedTokens === sharedReusedTokens
    ? []
    : [
        `prefix_cache_reused_ratio (${percent(reusedTokens, inputTokens)}) counts tokens that a request had computed itself, in earlier `
          + "chunks or before it was preempted; shared_prefix_reused_ratio "
          + `(${percent(sharedReusedTokens, inputTokens)}) counts only what others, or earlier turns, had computed`
      ]

const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`
