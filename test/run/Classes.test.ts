/** Runs of several classes of requests: what each got, to the token. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { GivenOptions } from "../../src/config/GivenOptions.ts"
import type { JsonSetting } from "../../src/config/JsonSetting.ts"
import { validateReplayOptions } from "../../src/config/ValidateReplayOptions.ts"
import type { Report } from "../../src/report/Report.ts"
import * as Run from "../../src/run/Run.ts"

const json = (value: unknown): JsonSetting => ({ _tag: "Text", flag: "test", text: JSON.stringify(value) })

const reportOf = (given: Partial<GivenOptions>): Effect.Effect<Report, Run.RunError> =>
  Run.report(Result.getOrThrow(validateReplayOptions({ traces: [], ...given }))).pipe(
    Effect.provide(NodeServices.layer)
  )

const lengths = { input_tokens: "lognormal:900,0.7", output_tokens: "uniform:2,40" }
const one = json({ request_count: 60, classes: { a: { rate: 30, ...lengths } } })
const two = json({
  request_count: 50,
  classes: {
    chat: { rate: 20, ...lengths, turns: 3, wait_ms: 50, turn_input_tokens: 20, sla_ttft_ms: 100 },
    batch: { rate: 5, input_tokens: 4000, output_tokens: 30, sla_e2e_ms: 1e6 }
  }
})

describe("classes of requests", () => {
  const deployments: Readonly<Record<string, Partial<GivenOptions>>> = {
    vllm: { extraEngineArgs: json({ num_gpu_blocks: 200 }) },
    "vllm-0.33": { engineProfile: "vllm-0.33", extraEngineArgs: json({ num_gpu_blocks: 300 }) },
    sglang: { extraEngineArgs: json({ engine_type: "sglang" }) },
    trtllm: { numWorkers: 2, extraEngineArgs: json({ engine_type: "trtllm" }) },
    "drafted tokens": { extraEngineArgs: json({ aic_nextn: 2 }) },
    disaggregated: {
      prefillEngineArgs: json({ worker_type: "prefill" }),
      decodeEngineArgs: json({ worker_type: "decode" })
    }
  }

  for (const [name, deployment] of Object.entries(deployments)) {
    it.effect(`have the gaps between tokens of the whole run where there is one class: ${name}`, () =>
      Effect.map(reportOf({ ...deployment, workload: one }), (report) => {
        const gaps = report.dynosim.classes?.["a"]?.itl_ms
        const figures = {
          mean: report.mean_itl_ms,
          p99: report.p99_itl_ms,
          max: report.max_itl_ms,
          std: report.std_itl_ms
        }
        for (const [figure, value] of Object.entries(figures)) {
          assert.closeTo(new Map(Object.entries(gaps ?? {})).get(figure) ?? Number.NaN, value, 1e-9 * value, figure)
        }
        assert.strictEqual(report.dynosim.fairness, undefined)
      })
    )
  }

  it.effect("add up to the run, and have sessions of their own", () =>
    Effect.map(reportOf({ workload: two }), ({ dynosim, ...report }) => {
      const { batch, chat } = dynosim.classes ?? {}
      assert(batch !== undefined && chat !== undefined)
      assert.deepStrictEqual([chat.offered_requests, batch.offered_requests], [120, 10])
      assert.strictEqual(chat.output_tokens + batch.output_tokens, report.total_output_tokens)
      assert.strictEqual(batch.goodput?.ratio, 1)
      assert.deepInclude(chat.sessions, { ended_sessions: 40, mean_turns: 3, first_turns: 40, later_turns: 80 })
      assert.isAtLeast(chat.sessions?.duration_ms.min ?? 0, 100)
      assert.isBelow(chat.sessions?.warm_ttft_ms.mean ?? 0, chat.sessions?.cold_ttft_ms.mean ?? 0)
      assert.notProperty(batch, "sessions")
      assert.strictEqual(dynosim.sessions?.ended_sessions, 40)
      assert.isBelow(dynosim.fairness?.output_tokens_per_latency_second ?? 2, 1)
    })
  )

  it.effect("can be replayed at fixed concurrency, and in part measured", () =>
    Effect.gen(function* () {
      const closed = yield* reportOf({ workload: two, replayConcurrency: 4 })
      assert.strictEqual(closed.completed_requests, 130)
      const part = yield* reportOf({ workload: two, measureFrom: { _tag: "Share", share: 0.1 } })
      assert.isBelow(part.dynosim.classes?.["chat"]?.offered_requests ?? 0, 120)
      assert.notProperty(part.dynosim.classes?.["chat"], "itl_ms")
    })
  )
})
