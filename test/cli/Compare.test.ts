/** `dynosim compare` as users meet it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync, writeFileSync } from "node:fs"

import { Folder, program, programIn } from "./Program.ts"

const settings = {
  "input-tokens": "uniform:200,4000",
  "output-tokens": "uniform:20,200",
  "request-count": 120,
  "request-rate": 3,
  "arrival-process": "gamma",
  "arrival-shape": 0.5
}
const load = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])

const outputs = (name: string) => ["--report-json", `${name}.json`, "--report-jsonl", `${name}.jsonl`, "--quiet"]

const within = (folder: Folder) =>
  Effect.acquireRelease(Effect.succeed(folder), () => Effect.sync(() => folder.leave()))

describe("compare", () => {
  it.live("of two runs of ours: all of it, matched per request", () =>
    Effect.gen(function* () {
      yield* within(new Folder({}))
      yield* program(["replay", ...load, ...outputs("a")])
      yield* program(["replay", ...load, ...outputs("b"), "--extra-engine-args", '{"decode_speedup_ratio": 2}'])
      const { exit, stderr, stdout } = yield* program(["compare", "--json", "a.json,a.jsonl", "b.json,b.jsonl"])
      assert.strictEqual(exit, 0, stderr)
      const [comparison] = JSON.parse(stdout).comparisons
      const report = (name: string) => JSON.parse(readFileSync(`${name}.json`, "utf8"))
      const by = (metric: string) => comparison.metrics.find((each: { metric: string }) => each.metric === metric)
      for (const metric of ["ttft_ms", "ttst_ms", "tpot_ms", "itl_ms", "e2e_latency_ms"]) {
        for (const [statistic, key] of [
          ["mean", "mean"],
          ["p50", "median"],
          ["p99", "p99"],
          ["std", "std"]
        ]) {
          const { other, reference } = by(metric).statistics[statistic!]
          assert.approximately(reference, report("a")[`${key}_${metric}`], 1e-9 * reference)
          assert.approximately(other, report("b")[`${key}_${metric}`], 1e-9 * other)
        }
      }
      assert.isAbove(by("tpot_ms").kolmogorov_smirnov, 0.5)
      assert.approximately(by("tpot_ms").statistics.mean.relative_error, -0.5, 0.1)
      assert.deepInclude(by("tpot_ms").matched, { pairs: 120 })
      assert.strictEqual(by("input_tokens").matched.mean_absolute_error, 0)
      const judged = (...conditions: ReadonlyArray<string>) =>
        program([
          "compare",
          "a.json,a.jsonl",
          "a.jsonl",
          "b.jsonl",
          ...conditions.flatMap((text) => ["--fail-if", text])
        ])
      const bad = yield* judged(
        "mean_tpot_ms.absolute_error > 20 %",
        "tpot_ms.ks > 0.5",
        "ttft_ms.ks > 2",
        "mean_tpot_ms > 1 h"
      )
      assert.strictEqual(bad.exit, 3)
      assert.match(
        bad.stderr,
        /^error: --fail-if: mean_tpot_ms\.absolute_error is 0\.\d+, > 20 % \(b\.jsonl\)\nerror: --fail-if: tpot_ms\.ks is [\d.]+, > 0\.5 \(b\.jsonl\)$/
      )
      assert.match(bad.stdout, /compared: {2}b\.jsonl/)
      assert.strictEqual((yield* judged("mean_tpot_ms.error > 20 %", "median_ttft_ms > 1 h")).exit, 0)
      assert.match(
        (yield* judged("mean_itl_ms.error > 20 %")).stderr,
        /mean_itl_ms\.error: this run has no such figure \(a\.jsonl\)/
      )
      assert.match(
        (yield* judged("mean_tfft_ms > 2")).stderr,
        /not a number in the comparison; did you mean mean_ttft_ms\?/
      )
      const text = yield* program(["compare", "a.jsonl", "a.jsonl", "b.jsonl"])
      assert.match(text.stdout, /ttft_ms: first token - start, one per request/)
      assert.match(text.stdout, /tpot_ms: mean gap between tokens, one per request/)
      assert.match(text.stdout, /Kolmogorov-Smirnov distance 0\.0000 \(120 against 120 samples\)/)
    }).pipe(Effect.scoped)
  )

  it.live("calibrates: known factors are found again within 1 %, and written as engine arguments", () =>
    Effect.gen(function* () {
      const pool = { num_gpu_blocks: 1024 }
      yield* within(new Folder({ "run.yaml": JSON.stringify({ ...settings, "extra-engine-args": pool }) }))
      const known = { prefill_speedup_ratio: 1.3, decode_speedup_ratio: 0.8, pass_overhead_ms: 0.9, frontend_ms: 14 }
      yield* program([
        "replay",
        ...load,
        ...outputs("measured"),
        "--extra-engine-args",
        JSON.stringify({ ...pool, ...known })
      ])
      const { exit, stderr, stdout } = yield* program([
        "compare",
        "measured.jsonl",
        "--calibrate",
        "--config",
        "run.yaml",
        "--json",
        "--engine-args-out",
        "fitted.json"
      ])
      assert.strictEqual(exit, 0, stderr)
      const fitted = JSON.parse(readFileSync("fitted.json", "utf8"))
      for (const [factor, value] of Object.entries(known)) {
        assert.approximately(fitted[factor], value, 0.01 * value, factor)
      }
      const calibration = JSON.parse(stdout)
      assert.deepInclude(calibration, { fitted_pairs: 96, held_back_pairs: 24, undetermined: [] })
      for (const { after, before } of calibration.errors) {
        assert.isBelow(after.mean_absolute_error, before.mean_absolute_error / 20)
      }
      const again = yield* program(["replay", ...load, "--extra-engine-args", JSON.stringify(fitted), "--quiet"])
      assert.strictEqual(again.exit, 0, again.stderr)
      const onto = (config: string, out: string) =>
        program(["compare", "measured.jsonl", "--calibrate", "--config", config, "--engine-args-out", out])
      writeFileSync("named.json", JSON.stringify({ ...settings, "extra-engine-args": "@fitted.json" }))
      assert.include(
        (yield* onto("named.json", "fitted.json")).stderr,
        "fitted.json is the file of --extra-engine-args"
      )
      assert.include((yield* onto("run.yaml", "measured.jsonl")).stderr, "measured.jsonl is the run measured.jsonl")
    }).pipe(Effect.scoped)
  )

  for (const [message, ...argv] of [
    ["RUN: nothing to compare with, got 0; give the reference, then one run or more", "compare"],
    ["RUN: nothing to compare with, got 1; give the reference, then one run or more", "compare", "a.jsonl"],
    ["missing.json: cannot be read: ", "compare", "a.jsonl", "missing.json"],
    ["-: a run is read from files, not from standard input", "compare", "a.jsonl", "-"],
    [
      "--json: prints to standard output and takes no file, got -; leave - out",
      "compare",
      "a.jsonl",
      "a.jsonl",
      "--json",
      "-"
    ],
    ["a.jsonl,a.jsonl: names a file twice", "compare", "a.jsonl,a.jsonl", "a.jsonl"],
    [
      "--config: is only for --calibrate; add --calibrate, or leave it out",
      "compare",
      "a",
      "b",
      "--config",
      "run.yaml"
    ],
    ["--calibrate: needs --config; ", "compare", "a.jsonl", "--calibrate"],
    ["--calibrate: takes one measured run, got 2; ", "compare", "a.jsonl", "a.jsonl", "--calibrate"],
    ["a.jsonl: is JSON of no known kind; ", "compare", "a.jsonl", "a.jsonl"],
    [".: is a folder without profile_export_aiperf.json or profile_export.jsonl; ", "compare", ".", "a.jsonl"]
  ] as const) {
    it.effect(`refuses in one line: ${message}`, () =>
      Effect.gen(function* () {
        const { exit, stderr, stdout } = yield* programIn(
          { "a.jsonl": message.startsWith("a.jsonl") ? "{}" : line },
          argv,
          (outcome) => outcome
        )
        assert.deepStrictEqual([exit, stdout], [2, ""])
        assert.strictEqual(stderr.trim().split("\n").length, 1, stderr)
        assert.include(stderr, message)
      })
    )
  }
})

const line = JSON.stringify({ arrival_time_ms: 0, terminal_status: "completed", ttft_ms: 1 })
