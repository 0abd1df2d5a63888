/** The vLLM profiles wherever engines are used: several workers, routers, sessions, closed loops, measured timing. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { join, resolve } from "node:path"
import { make } from "../../../src/engine/EngineArgs.ts"
import type { RequestRecord } from "../../../src/request/SimRequest.ts"
import { runCommand } from "../../support/CommandRun.ts"
import * as PlainWorkload from "../../support/PlainWorkload.ts"
import { multiTopology, replay, topology } from "../../support/Replays.ts"
import { row } from "../../support/RequestBuilder.ts"

const root = resolve(import.meta.dirname, "../../..")
const sample = join(root, "traces/conversation_sample.jsonl")
const sessions = join(root, "test/golden/vllm/traces/sess.jsonl")
const profile = ["--engine-profile", "vllm-0.33"]
const engine = (args: object): ReadonlyArray<string> => ["--extra-engine-args", JSON.stringify(args)]
const roomy = { block_size: 64, max_num_seqs: 256, max_num_batched_tokens: 8192 }

const timesOf = (records: ReadonlyArray<RequestRecord>) =>
  records
    .toSorted((one, other) => one.id - other.id)
    .map(({ firstAdmitMs, firstTokenMs, lastTokenMs, reusedTokens }) => [
      firstAdmitMs,
      firstTokenMs,
      lastTokenMs,
      reusedTokens
    ])

describe("a vLLM profile", () => {
  for (const asyncScheduling of [true, false]) {
    it.effect(`decides the same behind a router as alone, async_scheduling ${asyncScheduling}`, () =>
      Effect.gen(function* () {
        const args = make({
          engineProfile: "vllm-0.33",
          blockTokens: 16,
          numGpuBlocks: 90,
          maxNumSeqs: 16,
          vllmScheduler: { asyncScheduling }
        })
        const rows = Array.from({ length: 40 }, (_, index) =>
          row(
            { timestampMs: index * 7, promptTokens: 100 + index, outputTokens: 60, hashIds: [index % 5, 100 + index] },
            index + 1
          )
        )
        const workload = PlainWorkload.layer({ rows, traceBlockTokens: 96 })
        const alone = yield* replay(topology(args), workload, { check: true })
        const routed = yield* replay(multiTopology(args, 1), workload, { check: true })
        assert.deepStrictEqual(timesOf(routed.records), timesOf(alone.records))
      })
    )
  }

  const deployments: ReadonlyArray<readonly [what: string, trace: string, flags: ReadonlyArray<string>]> = [
    ["several workers", sample, ["--num-workers", "3"]],
    ["a KV router", sample, ["--num-workers", "3", "--router-mode", "kv_router"]],
    ["sessions", sessions, ["--num-workers", "2", "--router-mode", "kv_router"]],
    ["a closed loop", sample, ["--replay-concurrency", "5"]]
  ]
  for (const [what, trace, flags] of deployments) {
    it.live(`completes everything with ${what}`, () =>
      Effect.gen(function* () {
        const { records, report } = yield* runCommand([trace], [...profile, ...engine(roomy), ...flags])
        assert.isTrue(records.every(({ status }) => status === "completed"))
        assert.strictEqual(report.dynosim.pools?.[0]?.engine_profile, "vllm-0.33")
      })
    )
  }

  for (const async_scheduling of [true, false]) {
    it.live(`completes everything in passes that take no time, async_scheduling ${async_scheduling}`, () =>
      Effect.gen(function* () {
        const flags = [...profile, ...engine({ ...roomy, async_scheduling, speedup_ratio: 1e9 }), "--num-workers", "2"]
        const { records } = yield* runCommand([sample], flags)
        assert.isTrue(records.every(({ status }) => status === "completed"))
      })
    )
  }

  it.live("finds prefixes where a KV router sends them", () =>
    Effect.gen(function* () {
      const flags = [...profile, ...engine(roomy), "--num-workers", "2"]
      const spread = yield* runCommand([sessions], flags)
      const kept = yield* runCommand([sessions], [...flags, "--router-mode", "kv_router"])
      assert.isAbove(kept.report.prefix_cache_reused_ratio, spread.report.prefix_cache_reused_ratio)
    })
  )

  it.live("takes the limits of vLLM's server on a GPU that AIC times", () =>
    Effect.gen(function* () {
      const aic = { aic_backend: "vllm", aic_system: "h200_sxm", aic_model_path: "Qwen/Qwen3-32B", aic_tp_size: 2 }
      const { report } = yield* runCommand([sample], [...profile, ...engine(aic)])
      assert.deepInclude(report.dynosim.pools?.[0], {
        block_size: 16,
        kv_pool_source: "aic",
        max_num_seqs: 1024,
        max_num_batched_tokens: 8192,
        default_limits: "vllm_server"
      })
      assert.isAbove(report.completed_requests, 0)
    })
  )

  it.live("emits bursts under multi-token prediction", () =>
    Effect.gen(function* () {
      const plain = yield* runCommand([sample], [...profile, ...engine(roomy)])
      const drafted = yield* runCommand([sample], [...profile, ...engine({ ...roomy, aic_nextn: 3 })])
      assert.isTrue(drafted.records.every(({ emittedTokens, outputTokens }) => emittedTokens === outputTokens))
      assert.isBelow(drafted.report.mean_e2e_latency_ms, plain.report.mean_e2e_latency_ms)
      const few = { ...roomy, num_gpu_blocks: 300, aic_nextn: 3, async_scheduling: false }
      const tight = yield* runCommand([sample], [...profile, ...engine(few)])
      assert.isTrue(tight.records.every(({ status }) => status !== "failed"))
    })
  )
})
