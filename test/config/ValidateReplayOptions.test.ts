import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import type { GivenOptions } from "../../src/config/GivenOptions.ts"
import type { JsonSetting } from "../../src/config/JsonSetting.ts"
import type { ReplayOptions } from "../../src/run/ReplayOptions.ts"
import { traceFormats } from "../../src/trace/TraceFormat.ts"
import { validateReplayOptions } from "../../src/config/ValidateReplayOptions.ts"

const json =
  (flag: string) =>
  (text: string): JsonSetting => ({ _tag: "Text", flag, text })
const extra = json("--extra-engine-args")
const prefill = json("--prefill-engine-args")
const decode = json("--decode-engine-args")
const router = json("--router-config")
const autoscale = (text: string): JsonSetting => ({ _tag: "Text", flag: "--autoscale-config", text })
const planner = json("--planner-config")

const traced: GivenOptions = { traces: ["a.jsonl"] }
const synthetic: GivenOptions = { traces: [], inputTokens: 128, outputTokens: 4, requestCount: 3 }
const split: GivenOptions = {
  ...traced,
  prefillEngineArgs: prefill('{"worker_type": "prefill"}'),
  decodeEngineArgs: decode('{"worker_type": "decode"}')
}
const estimate = { aicBackend: "vllm", aicSystem: "h200_sxm", aicModelPath: "m" }

const accepted = (given: GivenOptions): ReplayOptions => Result.getOrThrow(validateReplayOptions(given))

const message = (given: GivenOptions): string => {
  const result = validateReplayOptions(given)
  if (Result.isSuccess(result)) throw new Error("accepted")
  return result.failure.message
}

describe("validateReplayOptions", () => {
  it("fills in the defaults of a trace replay", () => {
    const options = accepted(traced)
    assert.deepStrictEqual(options.input, {
      _tag: "Trace",
      files: ["a.jsonl"],
      format: "mooncake",
      traceBlockTokens: 512,
      columns: undefined,
      prefixes: { systemTokens: 0, meanTurns: 1 },
      sessionTurns: undefined,
      defaultOutputTokens: undefined,
      textBytesPerToken: undefined,
      prefixSeed: 42,
      timeUnit: undefined,
      strict: false,
      sharedPrefixRatio: 0,
      prefixGroups: 0
    })
    assert.deepStrictEqual(options.load, { _tag: "OpenLoop", arrivalSpeedup: 1 })
    assert(options.deployment._tag === "Aggregated")
    assert.strictEqual(options.deployment.workers, 1)
    assert.strictEqual(options.routing.mode, "round_robin")
    assert.strictEqual(options.mode, "offline")
    assert.deepStrictEqual(options.notices, [])
  })

  it("fills in the defaults of synthetic load", () => {
    assert.deepStrictEqual(accepted({ ...synthetic, replayConcurrency: 2 }).load, {
      _tag: "ClosedLoop",
      concurrency: 2
    })
    assert.deepStrictEqual(accepted(synthetic).input, {
      _tag: "Synthetic",
      inputTokens: 128,
      outputTokens: 4,
      requestCount: 3,
      arrivalIntervalMs: 1,
      arrivals: undefined,
      turnsPerSession: 1,
      sharedPrefixRatio: 0,
      prefixGroups: 0,
      interTurnDelayMs: 0
    })
  })

  it("leaves the block size of dynamo traces to the trace", () => {
    const { input } = accepted({ traces: ["a", "b"], traceFormat: "dynamo" })
    assert(input._tag === "Trace")
    assert.strictEqual(input.traceBlockTokens, undefined)
    assert.deepStrictEqual(input.files, ["a", "b"])
  })

  it("accepts a time limit, per-request lines and bounds of a good request online", () => {
    const options = accepted({ ...traced, replayMode: "online", maxSimTimeSeconds: 2, reportJsonl: "r", slaTtftMs: 5 })
    assert.deepStrictEqual(
      [options.maxSimTimeMs, options.outputs.reportJsonl, options.serviceLevel.ttftMs],
      [2000, "r", 5]
    )
  })

  it("accepts every trace format online", () => {
    for (const traceFormat of traceFormats) {
      const load = traceFormat === "applied_compute_agentic" ? { replayConcurrency: 1 } : {}
      assert.strictEqual(
        accepted({ ...traced, ...load, traceFormat, replayMode: "online" }).mode,
        "online",
        traceFormat
      )
    }
  })

  it("accepts every trace format on a disaggregated deployment", () => {
    for (const traceFormat of traceFormats) {
      const load = traceFormat === "applied_compute_agentic" ? { replayConcurrency: 1 } : {}
      assert.strictEqual(accepted({ ...split, ...load, traceFormat }).deployment._tag, "Disaggregated", traceFormat)
    }
  })

  it("accepts a disaggregated deployment with either router", () => {
    const { deployment } = accepted({ ...split, numPrefillWorkers: 2, numDecodeWorkers: 3 })
    assert(deployment._tag === "Disaggregated")
    assert.deepStrictEqual([deployment.prefillWorkers, deployment.decodeWorkers], [2, 3])
    accepted({ ...split, routerMode: "kv_router" })
  })

  it("ignores the speed-up in a closed loop, with a notice", () => {
    const options = accepted({ ...traced, replayConcurrency: 2, arrivalSpeedupRatio: 0 })
    assert.deepStrictEqual(options.notices, ["--arrival-speedup-ratio has no effect in a closed loop"])
  })

  it("converts the time limit to milliseconds", () => {
    assert.strictEqual(accepted({ ...traced, maxSimTimeSeconds: 0.006 }).maxSimTimeMs, 6)
    assert.strictEqual(accepted({ ...traced, maxSimTimeSeconds: 0 }).maxSimTimeMs, 0)
  })

  it("lets the flag replace the policy file of the router configuration", () => {
    const routerConfig = router('{"router_policy_config": "a.yaml"}')
    assert.strictEqual(accepted({ ...traced, routerConfig }).routing.policyFile, "a.yaml")
    assert.strictEqual(accepted({ ...traced, routerConfig, routerPolicyConfig: "b.yaml" }).routing.policyFile, "b.yaml")
  })

  it("says that draft tokens do not change prefill estimates", () => {
    const options = accepted({
      ...traced,
      numWorkers: 2,
      routerMode: "kv_router",
      routerConfig: router('{"router_prefill_load_model": "aic"}'),
      ...estimate,
      aicNextn: 2,
      aicNextnAcceptRates: "0.5"
    })
    assert.deepStrictEqual(options.notices, [
      "--aic-nextn has no effect on prefill estimates",
      "--aic-nextn-accept-rates has no effect on prefill estimates"
    ])
  })

  it("names every option that changes nothing", () => {
    assert.deepStrictEqual(
      accepted({
        ...traced,
        arrivalIntervalMs: 5,
        traceNumPrefixGroups: 2,
        routerConfig: router("{}"),
        extraEngineArgs: extra('{"bootstrap_port": 1}')
      }).notices,
      [
        "--arrival-interval-ms has no effect with a trace file",
        "--trace-num-prefix-groups has no effect with mooncake traces",
        "--router-config has no effect with --router-mode round_robin",
        "--extra-engine-args: bootstrap_port has no effect on this run"
      ]
    )
    assert.deepStrictEqual(
      accepted({ ...synthetic, traceBlockSize: 7, traceFormat: "applied_compute_agentic" }).notices,
      ["--trace-format has no effect on synthetic load", "--trace-block-size has no effect on synthetic load"]
    )
    assert.deepStrictEqual(
      accepted({ ...traced, routerMode: "kv_router", numWorkers: 2, routerConfig: router('{"router_ttl_secs": 1}') })
        .notices,
      ["--router-config: router_ttl_secs has no effect offline"]
    )
    const heedsTiers = { ...traced, routerMode: "kv_router", numWorkers: 2 } as const
    const config = router('{"router_tier_events": true}')
    assert.deepStrictEqual(accepted({ ...heedsTiers, routerConfig: config }).notices, [
      "--router-config: router_tier_events has no effect without KV tiers (num_g2_blocks)"
    ])
    const tiers = extra('{"num_g2_blocks": 8, "kv_bytes_per_token": 1}')
    assert.deepStrictEqual(accepted({ ...heedsTiers, routerConfig: config, extraEngineArgs: tiers }).notices, [])
    const unheeded = extra('{"engine_type": "sglang", "num_g2_blocks": 8, "onboard": "faster"}')
    assert.deepStrictEqual(accepted({ ...traced, extraEngineArgs: unheeded }).notices, [
      "--extra-engine-args: num_g2_blocks has no effect on this run: sglang engines have KV tiers with offload_policy write_through only",
      "--extra-engine-args: onboard has no effect on this run"
    ])
    const written = '"engine_type": "sglang", "num_g2_blocks": 8, "offload_policy": "write_through"'
    const sglang = extra(`{${written}, "kv_bytes_per_token": 1}`)
    assert.deepStrictEqual(accepted({ ...traced, extraEngineArgs: sglang }).notices, [])
  })

  it("reads groups of different workers", () => {
    const { deployment } = accepted({
      ...traced,
      extraEngineArgs: extra('[{"workers": 2, "num_gpu_blocks": 8192, "name": "large"}, {}]')
    })
    assert.strictEqual(deployment._tag, "Aggregated")
    if (deployment._tag !== "Aggregated") return
    assert.strictEqual(deployment.workers, 3)
    assert.deepStrictEqual(
      deployment.groups?.map(({ engine, name, workers }) => [name, workers, engine.numGpuBlocks]),
      [
        ["large", 2, 8192],
        ["group-2", 1, 16384]
      ]
    )
    const alone = accepted({ ...traced, extraEngineArgs: extra('[{"workers": 2}]') }).deployment
    assert.deepStrictEqual(alone, accepted({ ...traced, numWorkers: 2 }).deployment)
  })

  const refused: ReadonlyArray<readonly [name: string, given: GivenOptions, expected: RegExp]> = [
    [
      "dynamo without file",
      { ...synthetic, traceFormat: "dynamo" },
      /^--trace-format: dynamo needs at least one trace file$/
    ],
    ["two files", { traces: ["a", "b"] }, /^--trace-format: mooncake takes exactly one trace file, got 2$/],
    ["trace and synthetic", { ...synthetic, traces: ["a"] }, /^--input-tokens: asks for synthetic load/],
    ["trace and turns", { ...traced, turnsPerSession: 2 }, /^--turns-per-session: asks for synthetic load/],
    ["nothing", { traces: [] }, /^TRACE: nothing to replay$/],
    ["incomplete synthetic", { traces: [], outputTokens: 1 }, /^--input-tokens: is missing$/],
    ["empty name", { traces: [""] }, /^TRACE: the name of a trace file is empty$/],
    ["closed-loop format", { ...traced, traceFormat: "applied_compute_agentic" }, /requires --replay-concurrency$/],
    [
      "planner and schedule",
      { ...traced, plannerConfig: planner("{}"), autoscaleSchedule: "s" },
      /^--autoscale-schedule: does not work with --planner-config: only one can decide$/
    ],
    [
      "autoscaler and schedule",
      { ...traced, autoscale: "target-utilisation", autoscaleSchedule: "s" },
      /^--autoscale: does not work with --autoscale-schedule: only one can decide$/
    ],
    [
      "autoscaler online",
      { ...traced, autoscaleConfig: autoscale("{}"), replayMode: "online" },
      /^--autoscale-config: only works with --replay-mode offline$/
    ],
    [
      "autoscaler with an unknown key",
      { ...traced, autoscaleConfig: autoscale('{"max_worker": 2}') },
      /^--autoscale-config: max_worker: unknown key$/
    ],
    [
      "autoscaler that starts beyond its limit",
      { ...traced, numWorkers: 4, autoscaleConfig: autoscale('{"max_workers": 3}') },
      /^--autoscale-config: max_workers: the run starts with 4 workers, which is more than 3$/
    ],
    [
      "autoscaler that starts below its limit",
      { ...split, autoscaleConfig: autoscale('{"decode": {"min_workers": 2}}') },
      /^--autoscale-config: min_workers: the decode pool starts with 1 worker, which is fewer than 2$/
    ],
    [
      "autoscaler with limits that exclude each other",
      { ...traced, autoscaleConfig: autoscale('{"prefill": {"min_workers": 3}, "max_workers": 2}') },
      /^--autoscale-config: prefill.min_workers: must not exceed max_workers, got 3 and 2$/
    ],
    [
      "autoscaler of a pool that is not there",
      { ...traced, autoscaleConfig: autoscale('{"decode": {"kv_use": null}}') },
      /^--autoscale-config: decode: the run has no decode pool$/
    ],
    [
      "budget of GPUs that cannot hold the pools",
      { ...split, autoscaleConfig: autoscale('{"max_gpus": 1}') },
      /^--autoscale-config: max_gpus: 1 GPU cannot hold the fewest workers, which need 2$/
    ],
    [
      "budget of GPUs that the start exceeds",
      { ...traced, numWorkers: 4, autoscaleConfig: autoscale('{"max_gpus": 3}') },
      /^--autoscale-config: max_gpus: the run starts with 4 GPUs, which is more than 3$/
    ],
    [
      "window shorter than the interval",
      { ...traced, autoscaleConfig: autoscale('{"window_s": 1}') },
      /^--autoscale-config: window_s: must be at least interval_s, got 1 and 10$/
    ],
    [
      "goodput without bounds",
      { ...traced, autoscaleConfig: autoscale('{"good_share": 0.9}') },
      /^--autoscale-config: good_share: needs a bound that good requests keep$/
    ],
    [
      "objectives that nobody keeps",
      { ...traced, autoscale: "sla", autoscaleConfig: autoscale('{"by_load": false, "by_prediction": false}') },
      /^--autoscale-config: by_load: nothing is scaled/
    ],
    [
      "predictions between two decisions",
      { ...traced, autoscale: "sla", autoscaleConfig: autoscale('{"interval_s": 7}') },
      /^--autoscale-config: predict_interval_s: must be a multiple of interval_s, got 60 and 7$/
    ],
    [
      "objectives within a budget that cannot hold the pools",
      { ...split, autoscale: "sla", autoscaleConfig: autoscale('{"max_gpus": 5, "min_workers": 3}') },
      /^--autoscale-config: min_workers: the prefill pool starts with 1 worker, which is fewer than 3$/
    ],
    [
      "objectives that start beyond the budget",
      { ...traced, numWorkers: 6, autoscale: "sla", autoscaleConfig: autoscale('{"max_gpus": 5}') },
      /^--autoscale-config: max_gpus: the run starts with 6 GPUs, which is more than 5$/
    ],
    ["no groups of workers", { ...traced, extraEngineArgs: extra("[]") }, /^--extra-engine-args: the list is empty/],
    [
      "groups with a wrong argument",
      { ...traced, extraEngineArgs: extra('[{}, {"num_gpu_blocks": 0}]') },
      /^--extra-engine-args: 1.num_gpu_blocks: expected an integer/
    ],
    [
      "groups that do not fit together",
      { ...traced, extraEngineArgs: extra('[{"block_size": 16}, {"block_size": 32}]') },
      /^--extra-engine-args: 1.block_size: must be the same for all workers of a pool, got 16 and 32$/
    ],
    [
      "groups of one name",
      { ...traced, extraEngineArgs: extra('[{"name": "a"}, {"name": "a"}]') },
      /^--extra-engine-args: 1: a second group is called a$/
    ],
    [
      "groups and workers",
      { ...traced, numWorkers: 2, extraEngineArgs: extra("[{}, {}]") },
      /^--num-workers: cannot be combined with a list in --extra-engine-args$/
    ],
    ["planner of two pools", { ...traced, plannerConfig: planner("{}") }, /^--planner-config: mode: disagg needs/],
    ["engine JSON", { ...traced, extraEngineArgs: extra("{bad") }, /^--extra-engine-args: not JSON/],
    ["router JSON", { ...traced, routerConfig: router("[]") }, /^--router-config: expected an object/],
    ["incomplete estimate", { ...traced, aicTpSize: 1 }, /^--aic-backend: is missing$/],
    ["partial estimate", { ...traced, aicBackend: "vllm", aicSystem: "h200_sxm" }, /^--aic-model-path: is missing$/],
    [
      "planner online",
      { ...traced, plannerConfig: planner("{}"), replayMode: "online" },
      /^--planner-config: only works with --replay-mode offline$/
    ],
    ["negative workers", { ...traced, numWorkers: -1 }, /^--num-workers: expected an integer .*, got -1$/],
    [
      "absurd block size",
      { ...traced, traceBlockSize: 2 ** 63 },
      /^--trace-block-size: expected an integer from 1 to 2147483647/
    ],
    ["pool sizes alone", { ...traced, numDecodeWorkers: 2 }, /^--num-decode-workers: is only for disaggregated runs$/],
    ["three engines", { ...split, extraEngineArgs: extra("{}") }, /^--extra-engine-args: cannot be combined/],
    ["half a deployment", { ...traced, decodeEngineArgs: decode("{}") }, /^--prefill-engine-args: is missing$/],
    ["workers of a split", { ...split, numWorkers: 2 }, /^--num-workers: is only for aggregated runs$/],
    ["estimate and round robin", { ...traced, ...estimate }, /^--aic-backend: needs --router-mode kv_router$/],
    [
      "estimate unused",
      { ...traced, ...estimate, routerMode: "kv_router" },
      /^--aic-backend: needs router_prefill_load_model=aic$/
    ],
    [
      "estimate missing",
      {
        ...traced,
        routerMode: "kv_router",
        numWorkers: 2,
        routerConfig: router('{"router_prefill_load_model": "aic"}')
      },
      /^--router-config: router_prefill_load_model=aic needs --aic-backend/
    ],
    ["empty model", { ...traced, modelName: "" }, /^--model-name: must not be empty$/],
    [
      "negative limit",
      { ...traced, maxSimTimeSeconds: -1 },
      /^--max-sim-time-seconds: expected a number from 0 to 1e12, got -1$/
    ],
    ["limit NaN", { ...traced, maxSimTimeSeconds: Number.NaN }, /^--max-sim-time-seconds: .*got NaN$/],
    ["negative bound", { ...traced, slaItlMs: -1 }, /^--sla-itl-ms: expected a number from 0 to 1e12, got -1$/],
    ["no concurrency", { ...traced, replayConcurrency: 0 }, /^--replay-concurrency: expected an integer .*, got 0$/],
    [
      "no input tokens",
      { ...synthetic, inputTokens: 0 },
      /^--input-tokens: expected an integer from 1 to 2147483647, uniform.*, got 0$/
    ],
    ["no turns", { ...synthetic, turnsPerSession: 0 }, /^--turns-per-session: expected an integer .*, got 0$/],
    [
      "interval NaN",
      { ...synthetic, arrivalIntervalMs: Number.NaN },
      /^--arrival-interval-ms: expected a number from 0 to 1e12/
    ],
    [
      "prefix share",
      { ...synthetic, sharedPrefixRatio: 1.5 },
      /^--shared-prefix-ratio: expected a number from 0 to 1, got 1.5$/
    ],
    ["prefix share NaN", { ...synthetic, sharedPrefixRatio: Number.NaN }, /^--shared-prefix-ratio: .*got NaN$/],
    [
      "waits",
      { ...synthetic, interTurnDelayMs: -5 },
      /^--inter-turn-delay-ms: expected a number from 0 to 1e12, got -5$/
    ],
    [
      "split trtllm",
      { ...split, prefillEngineArgs: prefill('{"engine_type": "trtllm"}') },
      /^--prefill-engine-args: .*trtllm$/
    ],
    [
      "two engines",
      { ...split, decodeEngineArgs: decode('{"engine_type": "sglang", "worker_type": "decode"}') },
      /^--decode-engine-args: engine_type must be that of the prefill side, got vllm and sglang$/
    ],
    [
      "no prefill workers",
      { ...split, numPrefillWorkers: 0 },
      /^--num-prefill-workers: expected an integer .*, got 0$/
    ],
    [
      "no role",
      { ...split, prefillEngineArgs: prefill("{}") },
      /^--prefill-engine-args: worker_type must be prefill, got aggregated$/
    ],
    [
      "wrong role",
      { ...split, decodeEngineArgs: decode('{"worker_type": "prefill"}') },
      /^--decode-engine-args: worker_type must be decode, got prefill$/
    ],
    [
      "dp of a split",
      { ...split, decodeEngineArgs: decode('{"worker_type": "decode", "dp_size": 2}') },
      /^--decode-engine-args: only dp_size=1 can be simulated, got 2$/
    ],
    [
      "block sizes",
      { ...split, decodeEngineArgs: decode('{"worker_type": "decode", "block_size": 32}') },
      /got 64 and 32$/
    ],
    [
      "KV router alone",
      { ...traced, routerMode: "kv_router" },
      /^--router-mode: kv_router needs --num-workers of at least 2$/
    ],
    ["no workers", { ...traced, numWorkers: 0 }, /^--num-workers: expected an integer .*, got 0$/],
    [
      "role",
      { ...traced, extraEngineArgs: extra('{"worker_type": "prefill"}') },
      /^--extra-engine-args: worker_type must be aggregated, got prefill$/
    ],
    [
      "dp",
      { ...traced, extraEngineArgs: extra('{"dp_size": 2}') },
      /^--extra-engine-args: only dp_size=1 can be simulated, got 2$/
    ],
    [
      "agentic closed loop",
      { ...traced, traceFormat: "agentic_mooncake", replayConcurrency: 1 },
      /^--replay-concurrency: agentic_mooncake traces cannot be replayed in a closed loop$/
    ],
    ["no block size", { ...traced, traceBlockSize: 0 }, /^--trace-block-size: expected an integer .*, got 0$/],
    [
      "trace share",
      { ...traced, traceFormat: "applied_compute_agentic", replayConcurrency: 1, traceSharedPrefixRatio: 2 },
      /^--trace-shared-prefix-ratio/
    ],
    [
      "speed-up",
      { ...traced, arrivalSpeedupRatio: 0 },
      /^--arrival-speedup-ratio: expected a number above 0, from 1e-6 to 1e12, got 0$/
    ],
    ["infinite speed-up", { ...synthetic, arrivalSpeedupRatio: Infinity }, /^--arrival-speedup-ratio: .*got Infinity$/]
  ]
  for (const [name, given, expected] of refused) {
    it(`refuses: ${name}`, () => assert.match(message(given), expected))
  }

  /** Each option breaks a rule; any two together must be blamed on the earlier one. */
  it("applies the rules in the order of the reference", () => {
    const broken: ReadonlyArray<readonly [Partial<GivenOptions>, RegExp]> = [
      [{ extraEngineArgs: extra("{bad") }, /^--extra-engine-args/],
      [{ routerConfig: router("{bad") }, /^--router-config/],
      [{ aicTpSize: 1 }, /^--aic-backend/],
      // Ranges come in the order of the help.
      [{ traceBlockSize: 0 }, /^--trace-block-size/],
      [{ traceNumPrefixGroups: -1 }, /^--trace-num-prefix-groups/],
      [{ numWorkers: 0, routerMode: "round_robin" }, /^--num-workers/],
      [{ replayConcurrency: 0 }, /^--replay-concurrency/],
      [{ maxSimTimeSeconds: -1 }, /^--max-sim-time-seconds/],
      [{ numDecodeWorkers: 2 }, /^--num-decode-workers/],
      [{ modelName: "" }, /^--model-name/],
      [{ routerMode: "kv_router" }, /^--router-mode/],
      [{ arrivalSpeedupRatio: 0 }, /^--arrival-speedup-ratio/]
    ]
    for (const [index, [first, expected]] of broken.entries()) {
      for (const [second] of broken.slice(index + 1)) {
        if ("routerMode" in first && "routerMode" in second) continue
        if ("replayConcurrency" in first && "arrivalSpeedupRatio" in second) continue
        assert.match(message({ ...traced, ...second, ...first }), expected)
      }
    }
  })
})
