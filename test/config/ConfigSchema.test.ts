import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { parse } from "yaml"
import { parseConfigFile } from "../../src/config/ConfigFile.ts"
import { workloadJsonSchema } from "../../src/workload/classes/WorkloadPlan.ts"
import { configJsonSchema } from "../../src/config/ConfigSchema.ts"
import { readGivenOptions } from "../../src/config/GivenOptions.ts"
import { validateReplayOptions } from "../../src/config/ValidateReplayOptions.ts"
import { JsonSchemaCheck } from "./JsonSchemaCheck.ts"

const root = resolve(import.meta.dirname, "../..")
const schema = configJsonSchema()
const check = new JsonSchemaCheck(schema)
const workloadSchema = workloadJsonSchema()

/** Whether a run can be made of the file. */
const isRead = (value: unknown): boolean => {
  const file = parseConfigFile("c.json", JSON.stringify(value))
  if (Result.isFailure(file)) return false
  const given = readGivenOptions(["a.jsonl"], file.success.values)
  return Result.isSuccess(given) && Result.isSuccess(validateReplayOptions(given.success))
}

const engine = (args: object | ReadonlyArray<object>) => ({ "extra-engine-args": args })

const good: ReadonlyArray<object> = [
  {},
  { $schema: "config.schema.json", traces: "b.jsonl" },
  { traces: ["b.jsonl"], "num-workers": 2, router_mode: "kv_router", "router-config": { router_temperature: 0.5 } },
  { num_workers: null, "trace-format": "mooncake", quiet: true, check: false },
  { "aic-bundle": "x.json" },
  { aic_bundle: ["x.json", "y.json"] },
  { "arrival-speedup-ratio": 2 },
  engine({ num_gpu_blocks: 4096, block_size: 64, max_num_seqs: null, speedup_ratio: 1.5 }),
  engine({ engine_type: "sglang", sglang: { page_size: 16, schedule_policy: "lpm" } }),
  engine({ trtllm: null, engine_type: "trtllm" }),
  { extra_engine_args: '{"block_size": 32}' },
  engine([{ workers: 2, num_gpu_blocks: 4096, name: "large" }, {}]),
  { "autoscale-config": { max_gpus: 8, kv_use: null } },
  { autoscale: "sla", "autoscale-config": { ttft_ms: 300 } }
]

/** Wrong for both: an unknown name, or a value of the wrong form or out of its range. */
const bad: ReadonlyArray<object> = [
  { "num-worker": 2 },
  { "num-workers": "2" },
  { num_workers: 1.5 },
  { "router-mode": "fastest" },
  { "arrival-speedup-ratio": "2" },
  { quiet: 1 },
  { traces: [1] },
  { traces: 1 },
  { "aic-bundle": [1] },
  { config: "other.yaml" },
  engine({ block_siz: 64 }),
  engine({ block_size: null }),
  engine({ num_gpu_blocks: 0 }),
  engine({ preemption_mode: "random" }),
  engine({ sglang: { page: 1 } }),
  { extra_engine_args: [1] },
  engine([]),
  engine([{ workers: 0 }]),
  engine([{ worker: 1 }]),
  { autoscale: "best" },
  { "autoscale-config": { max_gpu: 1 } },
  { "router-config": { router_temperature: -1 } },
  { "router-config": { router_queue_policy: "best" } }
]

describe("the schema of configuration files", () => {
  it("is the published one", () => {
    const published: unknown = JSON.parse(readFileSync(join(root, "data/schema/config.schema.json"), "utf8"))
    assert.deepStrictEqual(
      published,
      JSON.parse(JSON.stringify(schema)),
      "npx node tools/config/write_schema.ts writes it"
    )
  })

  it("accepts what is read", () => {
    for (const file of good)
      assert.deepStrictEqual([check.accepts(file), isRead(file)], [true, true], JSON.stringify(file))
    const synthetic = { "input-tokens": "uniform:10,20", output_tokens: 5, request_count: 3, request_rate: 0.5 }
    assert.isTrue(check.accepts(synthetic))
  })

  it("refuses what is refused", () => {
    for (const file of bad)
      assert.deepStrictEqual([check.accepts(file), isRead(file)], [false, false], JSON.stringify(file))
    assert.isFalse(check.accepts({ input_tokens: "normal:1,2" }))
  })

  it("accepts the examples", () => {
    // Plans of sweeps and workloads have schemas of their own.
    const examples = readdirSync(join(root, "examples")).filter((name) => /(?<!sweep|workload)\.yaml$/.test(name))
    assert.isNotEmpty(examples)
    for (const name of examples)
      assert.isTrue(check.accepts(parse(readFileSync(join(root, "examples", name), "utf8"))), name)
  })
})

describe("the schema of workload files", () => {
  const workload = new JsonSchemaCheck(workloadSchema)
  const least = { rate: 1, input_tokens: 5, output_tokens: 5 }

  it("is the published one", () => {
    const published: unknown = JSON.parse(readFileSync(join(root, "data/schema/workload.schema.json"), "utf8"))
    const written: unknown = JSON.parse(JSON.stringify(workloadSchema))
    assert.deepStrictEqual(published, written, "npx node tools/config/write_schema.ts writes it")
  })

  it("accepts the example, also as an option of a configuration file", () => {
    const example: unknown = parse(readFileSync(join(root, "examples/workload.yaml"), "utf8"))
    assert.isTrue(workload.accepts(example))
    assert.isTrue(check.accepts({ workload: example }))
    assert.isTrue(check.accepts({ workload: "@workload.yaml" }))
  })

  it("refuses what is refused", () => {
    for (const file of [
      {},
      { classes: {} },
      { classes: { a: { rate: 1 } } },
      { classes: { a: { ...least, rates: 1 } } },
      { classes: { a: { ...least, turns: 0 } } },
      { classes: { a: { ...least, wait_ms: "normal:3" } } },
      { classes: { a: { ...least, sharing: [{ share: [] }] } } },
      { classes: { a: least }, block_tokens: 0 }
    ]) {
      assert.isFalse(workload.accepts(file), JSON.stringify(file))
    }
  })
})
