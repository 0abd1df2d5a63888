/** The whole runs of the command that are measured, shared by the scripts of this folder. */
import { readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"

export const root = resolve(import.meta.dirname, "..")
const conversation = join(root, "traces/conversation_trace.jsonl")

/** A quiet replay whose report goes to `reportFile`. */
export const replay = (reportFile: string, trace: string, ...flags: ReadonlyArray<string>): ReadonlyArray<string> => [
  "replay",
  trace,
  "--quiet",
  "--report-json",
  reportFile,
  ...flags
]

const disaggregated = [
  "--prefill-engine-args",
  '{"worker_type":"prefill"}',
  "--decode-engine-args",
  '{"worker_type":"decode"}',
  "--num-prefill-workers",
  "2",
  "--num-decode-workers",
  "2"
]

const aic = JSON.stringify({
  aic_backend: "vllm",
  aic_system: "h200_sxm",
  aic_model_path: "Qwen/Qwen3-32B",
  aic_tp_size: 2,
  num_gpu_blocks: 16384
})

/** 65,536 blocks of host memory per worker. */
const tiered = (offloadPolicy: "on_evict" | "write_through"): string =>
  JSON.stringify({ kv_bytes_per_token: 131_072, num_g2_blocks: 65_536, offload_policy: offloadPolicy })

/** The first rows of the conversation trace: a run that is almost all start-up. */
const sevenRows = (scratch: string): string => {
  const file = join(scratch, "seven-rows.jsonl")
  writeFileSync(file, readFileSync(conversation, "utf8").split("\n", 7).join("\n"))
  return file
}

/** One run, unwatched and with each of the files that show what happens in it. */
const watched = (scratch: string, reportFile: string): Record<string, ReadonlyArray<string>> => {
  const name = "conversation, 8 workers, round robin"
  const run = replay(reportFile, conversation, "--num-workers", "8")
  const outputs = {
    series: ["series.csv", "series.jsonl", "series.parquet"],
    timeline: ["timeline.json", "timeline.json.gz"],
    html: ["run.html"]
  }
  const watching = Object.entries(outputs).flatMap(([flag, files]) =>
    files.map((file) => [`${name}, ${file}`, [...run, `--${flag}`, join(scratch, file)]] as const)
  )
  return { [name]: run, ...Object.fromEntries(watching) }
}

/** The runs that are measured, by name; what they write goes into the folder `scratch`. */
export const casesWith = (
  scratch: string,
  reportFile = join(scratch, "report.json")
): Record<string, ReadonlyArray<string>> => {
  const run = (...words: ReadonlyArray<string>) => replay(reportFile, conversation, ...words)
  const routed = (workers: string, ...words: ReadonlyArray<string>) =>
    run("--num-workers", workers, "--router-mode", "kv_router", ...words)
  return {
    help: ["--help"],
    "7 rows, 1 worker": replay(reportFile, sevenRows(scratch)),
    "trace validate": ["trace", "validate", conversation],
    "conversation, 1 worker": run(),
    "conversation, 1 worker, vllm-0.33": run(
      "--engine-profile",
      "vllm-0.33",
      "--extra-engine-args",
      '{"block_size":64,"max_num_seqs":256,"max_num_batched_tokens":8192}'
    ),
    "conversation, 4 workers, round robin": run("--num-workers", "4"),
    "conversation, 4 workers, kv_router": routed("4"),
    "conversation, 4 workers, kv_router, write_through": routed("4", "--extra-engine-args", tiered("write_through")),
    "conversation, 4 workers, kv_router, on_evict": routed("4", "--extra-engine-args", tiered("on_evict")),
    "conversation, 64 workers, kv_router": routed("64"),
    "conversation, 1,024 workers, kv_router": routed("1024"),
    ...watched(scratch, reportFile),
    "conversation, sglang page 64": run(
      "--extra-engine-args",
      '{"engine_type":"sglang","num_gpu_blocks":16384,"sglang":{"page_size":64}}'
    ),
    "conversation, 2P2D, kv_router": run(...disaggregated, "--router-mode", "kv_router"),
    "conversation, 4 workers, AIC": run("--num-workers", "4", "--extra-engine-args", aic)
  }
}
