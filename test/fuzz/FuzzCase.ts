/** Random command lines and files: most are wrong somewhere, all are small. The same family and seed make the same case. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync, gzipSync, zstdCompressSync } from "node:zlib"
import { replayFlags } from "../../src/config/ReplayFlags.ts"
import { Dice } from "../differential/Dice.ts"
import { hostileValues, mutated } from "./Hostile.ts"

export interface FuzzCase {
  readonly argv: ReadonlyArray<string>
  readonly files: Readonly<Record<string, Uint8Array>>
}

const rows = (count: number, row: (index: number) => object): string =>
  Array.from({ length: count }, (_, index) => `${JSON.stringify(row(index))}\n`).join("")

/** Small valid traces by format. */
const traces = {
  mooncake: rows(5, (index) => ({ timestamp: index * 20, input_length: 900, output_length: 4, hash_ids: [0, index] })),
  agentic_mooncake: rows(5, (index) => ({
    session_id: `s${index % 2}`,
    request_id: `r${index}`,
    ...(index < 2 ? { first_arrival_timestamp_ms: index } : { delay: 5 }),
    input_length: 700 + index,
    output_length: 3,
    hash_ids: [1, 2]
  })),
  "mooncake-delta": rows(5, (index) => ({
    session_id: `s${index % 2}`,
    ...(index < 2 ? { timestamp: index } : { delay: 5 }),
    input_length: 512,
    output_length: 3,
    hash_ids: [index]
  })),
  applied_compute_agentic: rows(2, (index) => ({
    num_turns: 1,
    input_prompt_length: 600 + index,
    assistant_response_length: [4],
    tool_call_output_length: [40],
    tool_call_latency: [0.01],
    final_assistant_response_length: 3
  })),
  dynamo: rows(5, (index) => ({
    schema: "dynamo.request.trace.v1",
    event_type: "request_end",
    event_time_unix_ms: 1_000 + index,
    request: {
      request_id: `r${index}`,
      request_received_ms: 900 + index * 10,
      output_tokens: 3,
      total_time_ms: 5,
      replay: { trace_block_size: 64, input_length: 100, input_sequence_hashes: [11, 20 + index] }
    },
    agent_context: { session_id: `s${index % 2}`, parent_session_id: null }
  }))
} as const

const formats = Object.keys(traces).filter((name): name is keyof typeof traces => name in traces)

const packed = (dice: Dice, bytes: Uint8Array): readonly [name: string, bytes: Uint8Array] => {
  const name = dice.pick([
    "t.jsonl",
    "t.jsonl",
    "t.jsonl",
    "t.jsonl.gz",
    "t.jsonl.zst",
    "t.csv",
    "t.parquet",
    "-t\u001b[1m"
  ])
  if (dice.chance(0.15)) return [name, dice.chance(0.5) ? mutated(dice, gzipSync(bytes)) : gzipSync(bytes)]
  if (dice.chance(0.05))
    return [name, dice.chance(0.5) ? mutated(dice, zstdCompressSync(bytes)) : zstdCompressSync(bytes)]
  return [name, bytes]
}

const traceCase = (dice: Dice): FuzzCase => {
  const format = dice.pick(formats)
  const [name, bytes] = packed(dice, mutated(dice, Buffer.from(traces[format])))
  const said = dice.chance(0.85) ? format : dice.pick(formats)
  const command = dice.pick([["replay"], ["replay"], ["replay"], ["trace", "inspect"], ["trace", "validate"]])
  const block = dice.chance(0.3) ? ["--trace-block-size", dice.pick(["64", "512", "0", "1"])] : []
  const outputs = command[0] === "replay" ? ["--report-json", "r.json", "--report-jsonl", "r.jsonl"] : []
  return { argv: [...command, `./${name}`, "--trace-format", said, ...block, ...outputs], files: { [name]: bytes } }
}

/** Words that a shell could pass. */
const hostileWord = (dice: Dice): string =>
  dice.chance(0.7)
    ? dice.pick(hostileValues).replaceAll('"', "")
    : dice.pick([
        "",
        "-",
        "--",
        "a.jsonl",
        ".",
        "nope",
        "lognormal:1,2",
        "uniform:5,1",
        "kv_router",
        "0.5",
        "2",
        "16",
        "\u001b[31m"
      ])

const engineJson = (dice: Dice): string => {
  const fields = Array.from({ length: dice.between(1, 3) }, () => {
    const value = dice.chance(0.5)
      ? dice.pick(hostileValues)
      : dice.pick(["1", "2", "16", "64", '"vllm"', '"sglang"', '"trtllm"'])
    return `${JSON.stringify(dice.pick(engineArgsFields))}:${value}`
  })
  const text = `{${fields.join(",")}}`
  return dice.chance(0.1)
    ? Buffer.from(mutated(dice, Buffer.from(text)))
        .toString("utf8")
        .replaceAll("\0", "")
    : text
}

const argumentCase = (dice: Dice): FuzzCase => {
  const words = Array.from({ length: dice.between(1, 3) }, () => {
    if (dice.chance(0.35)) {
      return [dice.pick(["--extra-engine-args", "--prefill-engine-args", "--decode-engine-args"]), engineJson(dice)]
    }
    const flag = `--${dice.pick(replayFlagNames)}`
    if (dice.chance(0.05)) return [flag.slice(0, -1)]
    return dice.chance(0.3) ? [`${flag}=${hostileWord(dice)}`] : [flag, hostileWord(dice)]
  }).flat()
  const source = dice.chance(0.8)
    ? ["a.jsonl"]
    : ["--input-tokens", "100", "--output-tokens", "3", "--request-count", "4", "--request-rate", "10"]
  return {
    argv: ["replay", ...source, "--report-json", "r.json", ...words],
    // Where it is not read, an output may well take its name.
    files: source[0] === "a.jsonl" ? { "a.jsonl": Buffer.from(traces.mooncake) } : {}
  }
}

const schema = JSON.parse(readFileSync(join(import.meta.dirname, "../../data/schema/config.schema.json"), "utf8")) as {
  readonly $defs: { readonly engine_args: { readonly properties: object } }
}
const engineArgsFields = Object.keys(schema.$defs.engine_args.properties)

/** Online replays take real time. */
const replayFlagNames = Object.keys(replayFlags).filter((name) => name !== "replay-mode")

const config = `trace: a.jsonl
num-workers: 2
router-mode: kv_router
extra-engine-args:
  num_gpu_blocks: 4096
  block_size: 64
replay-concurrency: 3
`

const policy = `default_policy_family: chat
uncached_isl_buckets:
  - min_tokens: 0
    bucket: short
  - min_tokens: 4000
    bucket: long
policy_classes:
  - {name: cs, policy_family: chat, cache_bucket: short, quantum: 100}
  - {name: cl, policy_family: chat, cache_bucket: long, quantum: 200, queue_policy: wspt, prefill_busy_threshold: 9}
`

const routerConfig =
  '{"overlap_score_weight": 1.5, "router_temperature": 0.2, "router_queue_threshold": 0.4, "router_queue_policy": "wspt"}'

const yamlBombs: ReadonlyArray<string> = [
  "a: &a [1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d]\n",
  "x: &x {a: *x}\n",
  "x: &x [*x]\n",
  `a: ${"[".repeat(20_000)}`,
  `a: ${"[".repeat(20_000)}1${"]".repeat(20_000)}`,
  `${"{a: ".repeat(20_000)}1${"}".repeat(20_000)}`,
  `${"- ".repeat(20_000)}1`,
  "? {a: 1}\n: 2\n",
  "!!js/function 'x'\n",
  "<<: {num-workers: 2}\n"
]

const golden = join(import.meta.dirname, "../golden")
const profiles = ["base.npz", "comp.npz", "f32.npz", "fortran.npz", "int.npz", "two.npz"]

const bundles = ["bundle_qwen3_32b_h200_vllm_tp2.json.gz", "bundle_qwen3_32b_h200_trtllm_tp2.json.gz"]
const bundledEngine =
  '{"aic_backend": "trtllm", "aic_model_path": "Qwen/Qwen3-32B", "aic_tp_size": 2, "num_gpu_blocks": 500}'

const fileCase = (dice: Dice): FuzzCase => {
  const common = ["replay", "a.jsonl", "--report-json", "r.json"]
  const trace = { "a.jsonl": Buffer.from(traces.mooncake) }
  const spoilt = (text: string): Uint8Array =>
    dice.chance(0.1) ? Buffer.from(dice.pick(yamlBombs)) : mutated(dice, Buffer.from(text))
  switch (dice.between(0, 4)) {
    case 0: {
      const [name, text] = dice.chance(0.5)
        ? (["c.yaml", config] as const)
        : ([
            "c.json",
            '{"trace": "a.jsonl", "num-workers": 2, "quiet": true, "extra-engine-args": {"block_size": 64}}'
          ] as const)
      return {
        argv: ["replay", "--report-json", "r.json", "--config", name],
        files: { ...trace, [name]: spoilt(text) }
      }
    }
    case 1:
      return {
        argv: [...common, "--num-workers", "2", "--router-mode", "kv_router", "--router-policy-config", "p.yaml"],
        files: { ...trace, "p.yaml": spoilt(policy) }
      }
    case 2: {
      const spoiltJson = Buffer.from(mutated(dice, Buffer.from(routerConfig)))
        .toString("utf8")
        .replaceAll("\0", "")
      return {
        argv: [...common, "--num-workers", "2", "--router-mode", "kv_router", "--router-config", spoiltJson],
        files: trace
      }
    }
    case 3: {
      const bundle = mutated(dice, gunzipSync(readFileSync(join(golden, "aic", dice.pick(bundles)))))
      return {
        argv: [...common, "--aic-bundle", "b.json", "--extra-engine-args", bundledEngine],
        files: { ...trace, "b.json": bundle }
      }
    }
    default: {
      const profile = mutated(dice, readFileSync(join(golden, "npz", dice.pick(profiles))))
      return {
        argv: [...common, "--extra-engine-args", '{"planner_profile_data": "./p.npz"}'],
        files: { ...trace, "p.npz": profile }
      }
    }
  }
}

export const families = { traces: traceCase, arguments: argumentCase, files: fileCase } as const

export type Family = keyof typeof families

export const isFamily = (name: string): name is Family => name in families

export const fuzzCase = (family: Family, seed: number): FuzzCase =>
  families[family](new Dice(Math.imul(seed + 1, 0x9e3779b1) ^ family.length))
