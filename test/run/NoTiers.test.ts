/** Tiers of size 0 are none: reports and per-request lines are the same to the byte, whatever the engine and the topology. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { GivenOptions } from "../../src/config/GivenOptions.ts"
import type { JsonSetting } from "../../src/config/JsonSetting.ts"
import { validateReplayOptions } from "../../src/config/ValidateReplayOptions.ts"
import { wallClockKeys } from "../../src/report/Report.ts"
import { reportJson } from "../../src/report/ReportJson.ts"
import { requestLines } from "../../src/report/RequestLines.ts"
import * as Run from "../../src/run/Run.ts"

const json = (value: unknown): JsonSetting => ({ _tag: "Text", flag: "test", text: JSON.stringify(value) })

const sessions = json({
  request_count: 30,
  classes: {
    chat: { rate: 20, input_tokens: "lognormal:700,0.7", output_tokens: "uniform:2,40", turns: 3, wait_ms: 50 }
  }
})

/** Report, without what depends on the real time, and lines. */
const textOf = Effect.fnUntraced(function* (given: Partial<GivenOptions>) {
  const run = yield* Run.prepare(Result.getOrThrow(validateReplayOptions({ traces: [], workload: sessions, ...given })))
  const events = yield* Stream.runCollect(run.events())
  const report = yield* Stream.run(Stream.fromIterable(events), run.report)
  const lines = reportJson(report).split("\n")
  return [
    ...lines.filter((line) => !wallClockKeys.some((key) => line.includes(`"${key}"`))),
    requestLines(events)
  ].join("\n")
})

const none = { num_g2_blocks: 0, num_g3_blocks: 0, enable_g4_storage: false }

type Deployment = (tiers: object) => Partial<GivenOptions>

const aggregated =
  (engine: object, others: Partial<GivenOptions> = {}): Deployment =>
  (tiers) => ({ ...others, extraEngineArgs: json({ num_gpu_blocks: 120, ...engine, ...tiers }) })

const deployments: Readonly<Record<string, Deployment>> = {
  "one vLLM worker": aggregated({}),
  "one vLLM worker, written through": aggregated({ offload_policy: "write_through" }),
  "two workers of the profile vllm-0.33": aggregated({ engine_profile: "vllm-0.33" }, { numWorkers: 2 }),
  "TensorRT-LLM in a closed loop": aggregated({ engine_type: "trtllm" }, { replayConcurrency: 4 }),
  "two SGLang workers behind a KV router": aggregated(
    { engine_type: "sglang", block_size: 64 },
    { numWorkers: 2, routerMode: "kv_router" }
  ),
  "two pools": (tiers) => ({
    prefillEngineArgs: json({ worker_type: "prefill", ...tiers }),
    decodeEngineArgs: json({ worker_type: "decode", ...tiers })
  })
}

describe("tiers of size 0", () => {
  for (const [name, deployment] of Object.entries(deployments)) {
    it.effect(`change no byte: ${name}`, () =>
      Effect.gen(function* () {
        const absent = yield* textOf(deployment({}))
        const empty = yield* textOf(deployment(none))
        const differing = empty.split("\n").filter((line, index) => line !== absent.split("\n")[index])
        assert.deepStrictEqual(differing, [])
        assert.strictEqual(empty.length, absent.length)
        assert.notInclude(absent, "host_reused_tokens")
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
    )
  }
})
