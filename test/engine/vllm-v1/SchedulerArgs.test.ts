/** What engines of the vLLM profiles can be told, and what they refuse. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { decodeEngineArgs, engineArgsOf, type GivenEngineArgs, make } from "../../../src/engine/EngineArgs.ts"
import { engineProfiles } from "../../../src/engine/EngineProfile.ts"
import { schedulerSettingsOf, serverLimits, withServerLimits } from "../../../src/engine/vllm-v1/SchedulerArgs.ts"
import type { SchedulerSettings } from "../../../src/engine/vllm-v1/SchedulerSettings.ts"

const settingsOf = (given: GivenEngineArgs): SchedulerSettings => {
  const args = make(given)
  return Result.getOrThrow(schedulerSettingsOf(args, args.vllmScheduler!))
}

const problemOf = (given: GivenEngineArgs): string => {
  const result = engineArgsOf(given)
  return Result.isFailure(result) ? result.failure.message : "accepted"
}

const gibibyte = 2 ** 30

describe("engine profiles", () => {
  it("are the reference's unless another is named, and only a vLLM profile has a scheduler of vLLM", () => {
    assert.strictEqual(make().engineProfile, "dynamo-1.3.1")
    assert.isUndefined(make().vllmScheduler)
    for (const engineProfile of engineProfiles.slice(1)) {
      assert.strictEqual(make({ engineProfile }).vllmScheduler?.asyncScheduling, true)
    }
  })

  it("have the defaults of vLLM's classes, and those of its server where the GPU is known", () => {
    const args = make({ engineProfile: "vllm-0.33" })
    assert.deepInclude(args, { blockTokens: 16, maxNumSeqs: 128, maxNumBatchedTokens: 2048, numGpuBlocks: 16384 })
    assert.deepStrictEqual(serverLimits(80 * gibibyte, "h100_sxm"), { maxNumSeqs: 1024, maxNumBatchedTokens: 8192 })
    assert.deepStrictEqual(serverLimits(80 * gibibyte, "a100_sxm"), { maxNumSeqs: 256, maxNumBatchedTokens: 2048 })
    assert.deepStrictEqual(serverLimits(180 * gibibyte, "b200_sxm"), { maxNumSeqs: 1024, maxNumBatchedTokens: 16384 })
    assert.deepStrictEqual(serverLimits(48 * gibibyte, "l40s"), { maxNumSeqs: 256, maxNumBatchedTokens: 2048 })
    const served = withServerLimits(args, 141 * gibibyte, "h200_sxm")
    assert.deepInclude(served, { maxNumSeqs: 1024, maxNumBatchedTokens: 8192 })
    const named = make({ engineProfile: "vllm-0.33", maxNumSeqs: 64 })
    assert.deepInclude(withServerLimits(named, 141 * gibibyte, "h200_sxm"), {
      maxNumSeqs: 64,
      maxNumBatchedTokens: 8192
    })
  })

  it("pass every option on", () => {
    assert.deepStrictEqual(
      settingsOf({
        engineProfile: "vllm-0.33",
        blockTokens: 32,
        numGpuBlocks: 999,
        maxNumSeqs: 50,
        maxNumBatchedTokens: 700,
        enablePrefixCaching: false,
        chargeRecompute: true,
        mtpRecomputeBlock: true,
        aicNextn: 2,
        vllmScheduler: {
          maxModelLen: 650,
          maxNumScheduledTokens: 600,
          maxNumActiveSeqs: 40,
          watermark: 0.01,
          schedulerReserveFullIsl: false,
          longPrefillTokenThreshold: 100,
          longPrefillTokenThresholdAdaptive: true,
          prefillScheduleInterval: 3,
          policy: "priority",
          asyncScheduling: false
        }
      }),
      {
        blockTokens: 32,
        usableBlocks: 999,
        maxModelTokens: 650,
        maxActiveRequests: 40,
        maxScheduledTokens: 600,
        enablePrefixCaching: false,
        enableChunkedPrefill: true,
        reservesFullSequence: false,
        watermarkBlocks: 10,
        shareCapTokens: 100,
        adaptiveShareCap: true,
        prefillInterval: 3,
        policy: "priority",
        asynchronous: false,
        outstandingBatches: 1,
        recomputedHitBlocks: 1,
        chargesRecompute: true
      }
    )
    assert.deepInclude(settingsOf({ engineProfile: "vllm-0.17" }), {
      maxModelTokens: 16 * 16384,
      maxActiveRequests: 128,
      maxScheduledTokens: 2048,
      reservesFullSequence: false,
      asynchronous: true,
      outstandingBatches: 2
    })
  })

  const refused: ReadonlyArray<readonly [what: string, given: GivenEngineArgs, problem: RegExp]> = [
    [
      "vLLM's options without its profile",
      { vllmScheduler: { watermark: 0.1 } },
      /^watermark: engine_profile dynamo-1/
    ],
    [
      "options that a release lacks",
      { engineProfile: "vllm-0.25", vllmScheduler: { prefillScheduleInterval: 2 } },
      /^prefill_schedule_interval: vLLM 0\.25\.1 .* has no such option/
    ],
    [
      "full-sequence reservation in 0.17",
      { engineProfile: "vllm-0.17", vllmScheduler: { schedulerReserveFullIsl: true } },
      /^scheduler_reserve_full_isl: vLLM 0\.17\.1/
    ],
    [
      "other engines",
      { engineProfile: "vllm-0.33", engineType: "sglang" },
      /^engine_profile: .* needs engine_type vllm/
    ],
    ["hand-offs", { engineProfile: "vllm-0.33", workerType: "prefill" }, /^worker_type: .* aggregated workers only/],
    ["oldest first", { engineProfile: "vllm-0.33", preemptionMode: "fifo" }, /^preemption_mode: .* has no such rule/],
    [
      "requests longer than the pool",
      { engineProfile: "vllm-0.33", numGpuBlocks: 10, vllmScheduler: { maxModelLen: 161 } },
      /^max_model_len: .* 10 blocks \(160 tokens\), got 161/
    ],
    ["no limit of requests", { engineProfile: "vllm-0.33", maxNumSeqs: Infinity }, /^max_num_seqs: /],
    [
      "budgets below the batch",
      { engineProfile: "vllm-0.33", maxNumSeqs: 3000 },
      /^max_num_batched_tokens: must be at least max_num_seqs \(3000\), got 2048/
    ],
    [
      "more active than running requests",
      { engineProfile: "vllm-0.33", vllmScheduler: { maxNumActiveSeqs: 129 } },
      /^max_num_active_seqs: must be at most max_num_seqs \(128\)/
    ],
    [
      "whole prompts in too small a budget",
      { engineProfile: "vllm-0.33", enableChunkedPrefill: false },
      /^enable_chunked_prefill: .* must hold max_model_len/
    ]
  ]
  for (const [what, given, problem] of refused) {
    it(`refuse ${what}`, () => assert.match(problemOf(given), problem))
  }

  it("are read by their own names", () => {
    const written = new Map<string, unknown>([
      ["engine_profile", "vllm-0.33"],
      ["max_model_len", 4096],
      ["async_scheduling", false],
      ["scheduler_reserve_full_isl", false]
    ])
    assert.deepInclude(Result.getOrThrow(decodeEngineArgs(written)).vllmScheduler, {
      maxModelLen: 4096,
      asyncScheduling: false,
      schedulerReserveFullIsl: false
    })
  })
})
