import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import type { ConfigError } from "../../src/config/ConfigError.ts"
import type { EngineArgs } from "../../src/engine/EngineArgs.ts"
import { engineSettings, defaultEngineArgs, decodeEngineArgs } from "../../src/engine/EngineArgs.ts"
import { decodePlaced, decodeSetting } from "../../src/config/DecodeSettings.ts"
import { foreignNames } from "../../src/engine/ForeignNames.ts"
import { entriesOf } from "../../src/settings/Setting.ts"
import { nodeOf } from "../../src/config/JsonSetting.ts"

const read = (text: string): Result.Result<EngineArgs, ConfigError> =>
  decodeSetting({ _tag: "Text", flag: "--extra-engine-args", text }, decodeEngineArgs)

const args = (text: string): EngineArgs => Result.getOrThrow(read(text))

const refused = (text: string): ConfigError => {
  const result = read(text)
  if (Result.isSuccess(result)) throw new Error(`accepted ${text}`)
  return result.failure
}

describe("engine arguments", () => {
  it("have the reference's defaults", () => {
    assert.deepStrictEqual(args("{}"), defaultEngineArgs)
    assert.deepStrictEqual(
      {
        engineType: defaultEngineArgs.engineType,
        workerType: defaultEngineArgs.workerType,
        numGpuBlocks: defaultEngineArgs.numGpuBlocks,
        blockTokens: defaultEngineArgs.blockTokens,
        maxNumSeqs: defaultEngineArgs.maxNumSeqs,
        maxNumBatchedTokens: defaultEngineArgs.maxNumBatchedTokens,
        sglang: defaultEngineArgs.sglang,
        gpusPerWorker: defaultEngineArgs.gpusPerWorker,
        mtp: defaultEngineArgs.mtp,
        aic: defaultEngineArgs.aic
      },
      {
        engineType: "vllm",
        workerType: "aggregated",
        numGpuBlocks: 16384,
        blockTokens: 64,
        maxNumSeqs: 256,
        maxNumBatchedTokens: 8192,
        sglang: {
          schedulePolicy: "fcfs",
          maxPrefillTokens: 16384,
          chunkedPrefillTokens: 8192,
          clipMaxNewTokens: 4096,
          scheduleConservativeness: 1
        },
        gpusPerWorker: 1,
        mtp: undefined,
        aic: undefined
      }
    )
  })

  it("default the block size by engine", () => {
    assert.strictEqual(args('{"block_size": 0}').blockTokens, 64)
    assert.strictEqual(args('{"engine_type": "TRTLLM"}').blockTokens, 32)
    assert.strictEqual(args('{"engine_type": "sglang"}').blockTokens, 1)
    assert.strictEqual(args('{"engine_type": "sglang", "sglang": {"page_size": 16}}').blockTokens, 16)
    assert.strictEqual(args('{"engine_type": "sglang", "block_size": 3}').blockTokens, 3)
    assert.strictEqual(args('{"sglang": {"page_size": 2}}').blockTokens, 64)
  })

  it("read null as unlimited, as unset or as the default, where it is allowed", () => {
    const unlimited = args(
      '{"max_num_seqs": null, "max_num_batched_tokens": null, "num_gpu_blocks": null, "aic_nextn": null}'
    )
    assert.strictEqual(unlimited.maxNumSeqs, Number.POSITIVE_INFINITY)
    assert.strictEqual(unlimited.maxNumBatchedTokens, Number.POSITIVE_INFINITY)
    assert.strictEqual(unlimited.numGpuBlocks, 16384)
    assert.strictEqual(unlimited.mtp, undefined)
  })

  it("take integers for floats and names in any case", () => {
    const read = args(
      '{"speedup_ratio": 2, "decode_speedup_ratio": 1.5e0, "preemption_mode": "FIFO", "worker_type": "Prefill"}'
    )
    assert.strictEqual(read.speedupRatio, 2)
    assert.strictEqual(read.decodeSpeedupRatio, 1.5)
    assert.strictEqual(read.preemptionMode, "fifo")
    assert.strictEqual(read.workerType, "prefill")
  })

  it("derive the worker type from the legacy keys", () => {
    assert.strictEqual(args('{"is_prefill": true}').workerType, "prefill")
    assert.strictEqual(args('{"is_decode": true}').workerType, "decode")
    assert.strictEqual(args('{"is_decode": false}').workerType, "aggregated")
  })

  it("normalise the acceptance rates to one per draft token", () => {
    assert.deepStrictEqual(args('{"aic_nextn": 3}').mtp, { acceptRates: [0.85, 0.3, 0], seed: 42n })
    assert.deepStrictEqual(args('{"aic_nextn": 1, "aic_nextn_accept_rates": " 0.5 , 0.25"}').mtp?.acceptRates, [0.5])
    assert.deepStrictEqual(args('{"aic_nextn": 2, "aic_nextn_accept_rates": "1"}').mtp?.acceptRates, [1, 0])
    assert.deepStrictEqual(args('{"aic_nextn": 2, "aic_nextn_accept_rates": "  "}').mtp?.acceptRates, [0.85, 0.3])
    assert.strictEqual(args('{"aic_nextn": 1, "aic_mtp_seed": 18446744073709551615}').mtp?.seed, 18446744073709551615n)
  })

  it("count the GPUs of a worker with or without AIC timing", () => {
    assert.strictEqual(args('{"aic_tp_size": 2, "aic_attention_dp_size": 4}').gpusPerWorker, 8)
    const aic = args('{"aic_backend": "vllm", "aic_model_path": "m", "aic_tp_size": 2}')
    assert.strictEqual(aic.gpusPerWorker, 2)
    assert.strictEqual(aic.aic?.sizesKvPool, true)
    assert.strictEqual(
      args('{"aic_backend": "vllm", "aic_model_path": "m", "num_gpu_blocks": 9}').aic?.sizesKvPool,
      false
    )
  })

  const problems: ReadonlyArray<readonly [text: string, message: string | RegExp]> = [
    ["{bad", "--extra-engine-args: not JSON: line 1, column 2: expected a property name in double quotes, got bad"],
    ["eng.json", "--extra-engine-args: not JSON: line 1, column 1: expected a value, got eng.json"],
    ["", "--extra-engine-args: not JSON: line 1, column 1: the text is empty"],
    ["[1]", "--extra-engine-args: expected an object with settings, got a list"],
    ["null", "--extra-engine-args: expected an object with settings, got null"],
    ['{"foo": 1}', "--extra-engine-args: foo: unknown key"],
    ['{"block_size": 64.0}', "--extra-engine-args: block_size: expected an integer of at least 0, got 64.0"],
    ['{"block_size": "64"}', /block_size: expected an integer .*, got "64"$/],
    ['{"block_size": -1}', /block_size: expected an integer .*, got -1$/],
    ['{"block_size": null}', /block_size: must not be null/],
    ['{"worker_type": null}', /worker_type: must not be null/],
    [
      '{"engine_type": "tgi"}',
      '--extra-engine-args: engine_type: expected one of "vllm", "sglang", "trtllm", got "tgi"'
    ],
    ['{"num_gpu_blocks": 0}', /num_gpu_blocks: expected an integer from 1 to \d+, got 0$/],
    ['{"max_num_seqs": 0}', /max_num_seqs: expected an integer of at least 1, got 0$/],
    ['{"max_num_batched_tokens": 0}', /max_num_batched_tokens: expected an integer of at least 1, got 0$/],
    ['{"speedup_ratio": -1.0}', /speedup_ratio: expected 0 or a number from .*, got -1.0$/],
    ['{"speedup_ratio": true}', /speedup_ratio: expected 0 or a number from .*, got true$/],
    ['{"dp_size": 0}', /dp_size: expected an integer from 1/],
    ['{"enable_prefix_caching": 1}', /enable_prefix_caching: expected true or false, got 1$/],
    ['{"gpu_memory_utilization": 1.5}', /gpu_memory_utilization: expected a number from 0 to 1, got 1.5$/],
    ['{"worker_type": "router"}', /worker_type: expected one of "aggregated", "prefill", "decode", got "router"$/],
    ['{"worker_type": "prefill", "is_prefill": true}', /worker_type: cannot be combined with is_prefill or is_decode$/],
    ['{"is_prefill": true, "is_decode": true}', /is_prefill and is_decode cannot both be true$/],
    ['{"num_g3_blocks": 10}', /num_g3_blocks: requires num_g2_blocks$/],
    ['{"num_g3_blocks": 10, "num_g2_blocks": 0}', /num_g3_blocks: requires num_g2_blocks$/],
    ['{"enable_g4_storage": true}', /enable_g4_storage: requires num_g2_blocks$/],
    [
      '{"num_g2_blocks": 9, "kv_bytes_per_token": 9, "enable_g4_storage": true, "offload_policy": "write_through"}',
      /enable_g4_storage: needs offload_policy on_evict$/
    ],
    [
      '{"num_g2_blocks": 9, "kv_bytes_per_token": 9, "engine_profile": "vllm-0.33", "offload_policy": "on_evict"}',
      /offload_policy: engine_profile vllm-0.33 has no such rule$/
    ],
    ['{"aic_nextn": 2, "decode_speedup_ratio": 2.0}', /aic_nextn: requires decode_speedup_ratio=1.0, got 2$/],
    ['{"aic_nextn": 9}', /aic_nextn: expected an integer from 1 to 5, got 9$/],
    ['{"aic_nextn_accept_rates": "0.5"}', /aic_nextn_accept_rates: requires aic_nextn$/],
    [
      '{"aic_nextn": 2, "aic_nextn_accept_rates": "0.5,1.5"}',
      /aic_nextn_accept_rates: entry 1 must be a number from 0 to 1, got "1.5"$/
    ],
    ['{"aic_nextn": 2, "aic_nextn_accept_rates": "0.5,,1"}', /entry 1 must be a number from 0 to 1, got ""$/],
    ['{"aic_backend": "vllm"}', /aic_backend: requires aic_model_path$/],
    ['{"router_queue_policy": "xx"}', /router_queue_policy: expected one of "fcfs", "lcfs", "wspt", got "xx"$/],
    ['{"preemption_mode": "random"}', /preemption_mode: expected one of "lifo", "fifo", got "random"$/],
    ['{"kv_transfer_timing_mode": "zzz"}', /expected one of "full_prompt", "destination_missing", got "zzz"$/],
    [
      '{"trtllm": {"capacity_scheduler_policy": "max_utilization"}}',
      /trtllm\.capacity_scheduler_policy: .*got "max_utilization"$/
    ],
    ['{"block_size": 3}', /block_size: must be a power of 2 from 2 to 1024 for engine_type=vllm, got 3$/],
    ['{"block_size": 1}', /power of 2 from 2 to 1024 .*, got 1$/],
    ['{"block_size": 2048, "engine_type": "trtllm"}', /power of 2 from 2 to 1024 for engine_type=trtllm, got 2048$/],
    ['{"block_size": 4294967296}', /block_size: must be a power of 2 from 2 to 1024 .*, got 4294967296$/],
    ['{"block_size": 4294967296, "engine_type": "sglang"}', /block_size: must be at most 2147483647, got 4294967296$/],
    [
      '{"engine_type": "sglang", "block_size": 8, "sglang": {"page_size": 4}}',
      /got block_size=8 and sglang\.page_size=4$/
    ],
    [
      '{"engine_type": "sglang", "block_size": 8, "sglang": {"chunked_prefill_size": 100}}',
      /divisible by block_size, got chunked_prefill_size=100 and block_size=8$/
    ],
    ['{"engine_type": "sglang", "sglang": {"page_size": 0}}', /sglang\.page_size: expected an integer from 1/],
    [
      '{"engine_type": "sglang", "sglang": {"schedule_policy": "zz"}}',
      /sglang\.schedule_policy: expected one of "fifo", "fcfs", "lpm", got "zz"$/
    ],
    ['{"sglang": {"pagesize": 4}}', /sglang\.pagesize: unknown key$/],
    ['{"sglang": []}', /sglang: expected an object with settings, got an empty list$/],
    ['{"reasoning": {"thinking_ratio": 1.5}}', /reasoning\.thinking_ratio: expected a number from 0 to 1, got 1.5$/],
    ['{"block_size": 32, "block_size": 64}', /duplicate key "block_size"$/]
  ]
  for (const [text, message] of problems) {
    it(`refuse ${text}`, () => {
      const error = refused(text)
      if (typeof message === "string") assert.strictEqual(error.message, message)
      else assert.match(error.message, message)
    })
  }

  it("report the first problem in the text, and rules between fields after it", () => {
    assert.match(refused('{"aic_nextn_accept_rates": "1", "speedup_ratio": "x", "zzz": 1}').message, /speedup_ratio/)
    assert.match(refused('{"zzz": 1, "speedup_ratio": "x"}').message, /zzz/)
    assert.match(refused('{"sglang": {"x": 1}, "speedup_ratio": "x"}').message, /sglang\.x/)
  })

  it("suggest the key that was meant and list the accepted ones", () => {
    const { hint } = refused('{"num_gpu_block": 1}')
    assert.match(hint ?? "", /^did you mean num_gpu_blocks\? accepted keys: engine_type, /)
    assert.match(
      refused('{"sglang": {"pagesize": 4}}').hint ?? "",
      /^did you mean page_size\? accepted keys: schedule_policy, /
    )
  })

  it("say what the engines' own names are called here", () => {
    assert.strictEqual(refused('{"tensor_parallel_size": 2}').hint, "here it is aic_tp_size, with aic_backend")
    assert.strictEqual(refused('{"--tensor-parallel-size": 2}').hint, "here it is aic_tp_size, with aic_backend")
    assert.strictEqual(refused('{"page_size": 2}').hint, 'put it inside "sglang": {…}')
    const own = new Set(entriesOf(engineSettings).keys())
    assert.deepStrictEqual(
      [...foreignNames.keys()].filter((name) => own.has(name)),
      []
    )
  })

  it("want the bytes of KV that is transferred at a given bandwidth", () => {
    const error = refused('{"worker_type": "prefill", "kv_transfer_bandwidth": 400}')
    assert.strictEqual(error.message, "--extra-engine-args: kv_transfer_bandwidth: requires kv_bytes_per_token")
    const known = '"aic_backend": "vllm", "aic_model_path": "m"'
    assert.strictEqual(
      args(`{"worker_type": "prefill", "kv_transfer_bandwidth": 400, ${known}}`).kvBytesPerToken,
      undefined
    )
  })

  it("want a backend for a model and a system to be timed by", () => {
    assert.strictEqual(
      refused('{"aic_model_path": "m"}').message,
      "--extra-engine-args: aic_model_path: requires aic_backend"
    )
    assert.strictEqual(
      refused('{"aic_system": "h200_sxm"}').message,
      "--extra-engine-args: aic_system: requires aic_backend"
    )
  })

  it("refuse ratios by which nothing can be divided, with their place", () => {
    for (const ratio of ["1e-300", "5e-324", "1e300"]) {
      assert.strictEqual(
        refused(`{"speedup_ratio": ${ratio}}`).message,
        `--extra-engine-args: speedup_ratio: expected 0 or a number from 1e-6 to 1e12, got ${ratio}`
      )
    }
  })

  it("point into a file at the line", () => {
    const { node } = Result.getOrThrow(nodeOf({ _tag: "Text", flag: "x", text: '{\n "a": {\n  "block_size": true}}' }))
    assert(node._tag === "Object")
    const engine = node.entries.get("a")?.value
    assert(engine !== undefined)
    const result = decodePlaced(
      { node: engine, source: { _tag: "File", name: "run.json" }, path: "extra-engine-args" },
      decodeEngineArgs
    )
    assert(Result.isFailure(result))
    assert.match(result.failure.message, /^run\.json:3: extra-engine-args\.block_size: expected an integer/)
  })

  it("name the keys that change nothing", () => {
    const inert = (text: string): ReadonlyArray<string> => args(text).inertKeys
    assert.deepStrictEqual(inert('{"num_gpu_blocks": 9, "bootstrap_port": 1, "startup_time": 2.5}'), [
      "bootstrap_port",
      "startup_time"
    ])
    assert.deepStrictEqual(inert('{"bootstrap_port": null}'), [])
    assert.deepStrictEqual(inert('{"sglang": {}, "preemption_mode": "fifo"}'), ["sglang"])
    assert.deepStrictEqual(
      inert('{"engine_type": "sglang", "sglang": {}, "preemption_mode": "fifo", "enable_prefix_caching": false}'),
      ["preemption_mode", "enable_prefix_caching"]
    )
    assert.deepStrictEqual(inert('{"kv_bytes_per_token": 1, "worker_type": "prefill"}'), [])
    assert.deepStrictEqual(inert('{"kv_bytes_per_token": 1}'), ["kv_bytes_per_token"])
    assert.deepStrictEqual(inert('{"aic_backend_version": "1", "aic_tp_size": 2}'), ["aic_backend_version"])
    assert.deepStrictEqual(
      inert(
        '{"aic_backend": "vllm", "aic_model_path": "m", "gpu_memory_utilization": 0.5, "mem_fraction_static": 0.5, "planner_profile_data": "p"}'
      ),
      ["mem_fraction_static", "planner_profile_data"]
    )
    assert.deepStrictEqual(inert('{"num_g2_blocks": 5, "kv_bytes_per_token": 9, "aic_mtp_seed": 1}'), ["aic_mtp_seed"])
    assert.deepStrictEqual(inert('{"num_g2_blocks": 5, "engine_type": "sglang"}'), ["num_g2_blocks"])
    assert.deepStrictEqual(inert('{"bandwidth_g1_to_g2_gbps": 5}'), ["bandwidth_g1_to_g2_gbps"])
  })
})
