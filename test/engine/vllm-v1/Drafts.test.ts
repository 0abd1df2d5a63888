/** KV blocks for draft tokens: set aside before they are computed, and never beyond the end of the output. */
import { assert, describe, it } from "@effect/vitest"
import { schedulerRules } from "../../../src/engine/vllm-v1/SchedulerRules.ts"
import { drive, passesOf, recordedWorker, requestsOf, settingsOf } from "./RecordedDecisions.ts"

const rules = schedulerRules["vllm-0.33"]

/** Three drafts a pass, all accepted: bursts of four tokens. */
const mtp = { acceptRates: [1, 1, 1], seed: 1n }

/** Requests that come together, in a pool of blocks of 4 tokens; blocks in use and preemptions pass by pass. */
const passes = (usableBlocks: number, promptTokens: number, outputTokens: number, count: number) => {
  const settings = settingsOf(
    {
      block_size: 4,
      num_gpu_blocks_usable: usableBlocks,
      max_num_seqs: count,
      max_num_batched_tokens: 64,
      max_model_len: 32,
      enable_prefix_caching: false,
      scheduler_reserve_full_isl: false,
      async_scheduling: false
    },
    rules
  )
  const requests = requestsOf(
    {
      trace_block_size: 16,
      requests: Array.from({ length: count }, (_, index) => ({
        id: String(index),
        arrival_ms: 0,
        hash_ids: [index],
        input_length: promptTokens,
        output_length: outputTokens
      }))
    },
    settings.blockTokens
  )
  const { log, worker } = recordedWorker(settings, rules, mtp)
  assert.deepStrictEqual(drive(worker, requests), [])
  assert.isTrue(requests.every(({ emittedTokens }) => emittedTokens === outputTokens))
  const recorded = passesOf(log, requests)
  assert.deepStrictEqual(
    recorded.flatMap(({ preempted }) => preempted),
    []
  )
  return recorded.map(({ used_blocks }) => used_blocks)
}

describe("blocks for drafts", () => {
  it("are there before the drafts are computed", () => {
    // 8 tokens of prompt fill two blocks; the three drafts that may follow open the third.
    assert.deepStrictEqual(passes(8, 8, 9, 1), [3, 4, 4])
  })

  it("end with the output", () => {
    // Both end with 16 tokens, which fill the pool: their last bursts may not ask for a fifth block each.
    assert.deepStrictEqual(passes(8, 11, 5, 2), [8, 8])
  })
})
