/**
 * The table "reference rules against real rules" of docs/accuracy.md: the same loads under the default engine profile and under those
 * of vLLM, with and without asynchronous scheduling. Pass times are the built-in model's in all of them, so only decisions differ.
 *
 *     npm run build && node bench/accuracy.ts
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"

const root = resolve(import.meta.dirname, "..")
const loads = join(root, "test/golden/vllm/traces")
const scratch = mkdtempSync(join(tmpdir(), "dynosim-accuracy-"))

/** The engine of the default profile, spelled out: the vLLM profiles have other defaults. */
const engine = { block_size: 64, num_gpu_blocks: 16384, max_num_seqs: 256, max_num_batched_tokens: 8192 }

interface Load {
  readonly name: string
  readonly trace: string
  readonly args?: Readonly<Record<string, unknown>>
  readonly flags?: ReadonlyArray<string>
}

const cases: ReadonlyArray<Load> = [
  { name: "short prompts, Poisson, 4/s", trace: join(loads, "poi_short_low.jsonl") },
  { name: "short prompts, Poisson, 12/s", trace: join(loads, "poi_short_mid.jsonl") },
  { name: "chat, Poisson, 2/s", trace: join(loads, "poi_chat.jsonl") },
  { name: "sessions", trace: join(loads, "sess.jsonl") },
  { name: "KV-bound (512 blocks)", trace: join(loads, "kvbound.jsonl"), args: { num_gpu_blocks: 512 } },
  { name: "conversation trace", trace: join(root, "traces/conversation_trace.jsonl") }
]

const rules: ReadonlyArray<readonly [name: string, args: Readonly<Record<string, unknown>>]> = [
  ["dynamo-1.3.1", {}],
  ["vllm-0.33, async_scheduling off", { engine_profile: "vllm-0.33", async_scheduling: false }],
  ["vllm-0.33 (asynchronous)", { engine_profile: "vllm-0.33" }],
  ["vllm-0.17 (asynchronous)", { engine_profile: "vllm-0.17" }]
]

interface Report {
  readonly mean_ttft_ms: number
  readonly p99_ttft_ms: number
  readonly mean_itl_ms: number
  readonly mean_e2e_latency_ms: number
  readonly output_throughput_tok_s: number
}

const reportOf = ({ args = {}, flags = [], trace }: Load, profile: Readonly<Record<string, unknown>>): Report => {
  const file = join(scratch, "report.json")
  execFileSync(
    process.execPath,
    [
      join(root, "bundle/dynosim.mjs"),
      "replay",
      trace,
      "--quiet",
      "--report-json",
      file,
      "--extra-engine-args",
      JSON.stringify({ ...engine, ...args, ...profile }),
      ...flags
    ],
    { stdio: ["ignore", "ignore", "inherit"] }
  )
  return JSON.parse(readFileSync(file, "utf8")) as Report
}

const columns: ReadonlyArray<readonly [title: string, key: keyof Report, digits: number]> = [
  ["mean TTFT ms", "mean_ttft_ms", 1],
  ["p99 TTFT ms", "p99_ttft_ms", 1],
  ["mean ITL ms", "mean_itl_ms", 2],
  ["mean E2E ms", "mean_e2e_latency_ms", 0],
  ["output tokens/s", "output_throughput_tok_s", 1]
]

try {
  process.stdout.write(`| load | rules | ${columns.map(([title]) => title).join(" | ")} |\n`)
  process.stdout.write(`|---|---|${columns.map(() => "---:").join("|")}|\n`)
  for (const load of cases) {
    for (const [name, profile] of rules) {
      const report = reportOf(load, profile)
      const figures = columns.map(([, key, digits]) => report[key].toFixed(digits))
      process.stdout.write(`| ${load.name} | ${name} | ${figures.join(" | ")} |\n`)
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
