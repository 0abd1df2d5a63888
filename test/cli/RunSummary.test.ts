/** What is printed around the table on a terminal or with --summary, and that nothing is where neither is. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { copyFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { Screen } from "../../src/cli/Screen.ts"
import { Folder, program } from "./Program.ts"

const trace = resolve(import.meta.dirname, "../../traces/conversation_sample.jsonl")

const inFolder = <E>(test: (folder: Folder) => Effect.Effect<void, E>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const folder = new Folder({ "trace.jsonl": "" })
      copyFileSync(trace, join(folder.path, "trace.jsonl"))
      return folder
    }),
    test,
    (folder) => Effect.sync(() => folder.leave())
  )

const run = (...flags: ReadonlyArray<string>) =>
  program(["replay", "trace.jsonl", "--num-workers=4", "--report-json=r.json", "--quiet", ...flags])

const load = ["--input-tokens=2000", "--output-tokens=100", "--report-json=r.json"]
const synthetic = (...flags: ReadonlyArray<string>) =>
  program(["replay", ...load, "--summary", "--table=none", ...flags])

const withoutWallTime = (text: string): string => text.replace(/Wall Time \(ms\): .*/, "")

describe("the summary", () => {
  it.effect("stands around the table, which stays as it is", () =>
    inFolder(() =>
      Effect.gen(function* () {
        const plain = withoutWallTime((yield* run()).stdout)
        assert.match(plain, /^NVIDIA AIPerf \| LLM Metrics\n[^]*\nSaved full report to: r\.json$/)
        const { stdout } = yield* run("--summary")
        assert.include(withoutWallTime(stdout), `\n\n${plain}\n\n`)
        assert.match(stdout, /^Engine: +vllm, scheduled like dynamo-1\.3\.1\nTiming: +polynomial/)
        assert.match(stdout, /\nWorkers: +4 of 1 GPU, round_robin\n/)
        assert.match(stdout, /\nKV pool: +1,048,576 tokens per worker, 16,384 blocks of 64\n/)
        assert.match(stdout, /\nLoad: +trace\.jsonl, open loop\n/)
        assert.match(stdout, /\nReuse: +\d+\.\d % of the prompt tokens/)
        assert.match(stdout, /\nRequests: +60 offered = 60 completed \+ 0 rejected \+ 0 in flight\n/)
        assert.notInclude(stdout, "Goodput")
        assert.notInclude(stdout, "\u001b")
      })
    )
  )

  it.effect("tells how pools were scaled, and what groups of different workers cost", () =>
    inFolder(() =>
      Effect.gen(function* () {
        const replayed = (...flags: ReadonlyArray<string>) =>
          program(["replay", "trace.jsonl", "--report-json=r.json", "--table=none", "--summary", "--quiet", ...flags])
        const scaled = yield* replayed('--autoscale-config={"interval_s": 1, "window_s": 5, "max_gpus": 6}')
        assert.match(
          scaled.stdout,
          /\nScaling: +1 change by target-utilisation, 1 to 2 workers ready; [\d,]+ requests per GPU hour/
        )
        const mixed = yield* replayed('--extra-engine-args=[{"name": "a"}, {"workers": 2}]')
        assert.match(mixed.stdout, /\nWorkers: +1 a of 1 GPU and 2 group-2 of 1 GPU, round_robin\n/)
        assert.match(mixed.stdout, /\nGPU hours: +0\.0\d+ \(a 0\.00\d+, group-2 0\.0\d+\)/)
        assert.notInclude(mixed.stdout, "Scaling")
      })
    )
  )

  it.effect("is there on a terminal; narrow ones get the compact table, and colour is a matter of taste", () =>
    inFolder(() =>
      Effect.gen(function* () {
        const on = (columns: number, colour: boolean, ...flags: ReadonlyArray<string>) =>
          Effect.provideService(run(...flags), Screen, { columns, colour })
        const wide = yield* on(200, true)
        assert.include(wide.stdout, "\u001b[1mEngine:")
        assert.include(wide.stdout, "NVIDIA AIPerf")
        const narrow = yield* on(100, false)
        assert.notInclude(narrow.stdout, "NVIDIA AIPerf")
        assert.notInclude(narrow.stdout, "\u001b")
        assert.match(narrow.stdout, /\n +avg +p50 +p90 +p95 +p99 +max\nTTFT \(ms\)/)
        const given = yield* on(100, false, "--table=aiperf")
        assert.include(given.stdout, "NVIDIA AIPerf")
      })
    )
  )

  it.effect("leaves the table to --table", () =>
    inFolder(() =>
      Effect.gen(function* () {
        const compact = (yield* run("--table=compact")).stdout
        for (const line of compact.split("\n")) assert.isAtMost(line.length, 100)
        assert.match(compact, /^ +avg +p50[^]*\nSaved full report to: r\.json$/)
        assert.strictEqual((yield* run("--table=none")).stdout, "Saved full report to: r.json")
      })
    )
  )

  it.effect("says when a run is overloaded, and what to try", () =>
    inFolder(() =>
      Effect.gen(function* () {
        const { stdout } = yield* synthetic("--request-count=300", "--arrival-interval-ms=5")
        assert.match(
          stdout,
          /\nNote: +overloaded: serving took [\d.]+ times .* try --num-workers \d+, or --arrival-speed/
        )
        const cut = yield* synthetic("--request-count=300", "--arrival-interval-ms=5", "--max-sim-time-seconds=1")
        assert.match(
          cut.stdout,
          /\nNote: +overloaded: \d+ of the \d+ requests that came were still waiting .* try --num-workers \d+, or/
        )
        const calm = yield* synthetic("--request-count=20", "--arrival-interval-ms=2000")
        assert.notInclude(calm.stdout, "Note")
      })
    )
  )

  it.effect("says when even the best request misses the service level", () =>
    inFolder(() =>
      Effect.gen(function* () {
        const calm = ["--request-count=20", "--arrival-interval-ms=2000"]
        for (const [bound, what] of [
          ["--sla-ttft-ms=1", "a TTFT"],
          ["--sla-itl-ms=0.1", "a mean ITL"],
          ["--sla-e2e-ms=5", "a latency"]
        ] as const) {
          const { stdout } = yield* synthetic(...calm, bound)
          assert.match(stdout, /\nGoodput: +0 requests \(0\.0 %\) within the service level/)
          assert.include(stdout, `even the best request has ${what} of`)
        }
      })
    )
  )

  it.effect("splits the mean TTFT into its parts, and counts preemptions", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const { stdout } = yield* run("--summary", '--extra-engine-args={"num_gpu_blocks": 900}')
        const [, queue = "", prefill = ""] = /average ([\d.,]+) ms in the queue, ([\d.,]+) ms/.exec(stdout) ?? []
        const mean = /"mean_ttft_ms": ([\d.]+)/.exec(folder.read("r.json"))?.[1]
        const sum = Number(queue.replaceAll(",", "")) + Number(prefill.replaceAll(",", ""))
        assert.approximately(sum, Number(mean), Number(mean) * 2e-3)
        assert.match(stdout, /\nPreempted: +[1-9]\d* times/)
      })
    )
  )
})
