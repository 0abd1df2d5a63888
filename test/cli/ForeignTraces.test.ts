/** Traces of other people, as users meet them: replayed as they are, converted, described. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { program, programIn } from "./Program.ts"

const samples = resolve(import.meta.dirname, "../trace/formats/samples")
const sample = (name: string): string => readFileSync(join(samples, name), "utf8")

const numbers = (text: string): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries<unknown>(JSON.parse(text)).filter(
      ([key]) => key !== "dynosim" && !key.includes("wall") && !key.startsWith("processed")
    )
  )

const warnings = (text: string): ReadonlyArray<string> => JSON.parse(text).dynosim.warnings

describe("foreign traces", () => {
  const converted: ReadonlyArray<readonly [file: string, block: number, ...flags: ReadonlyArray<string>]> = [
    ["azure_2023.csv", 512],
    ["burstgpt.csv", 512],
    ["vidur.csv", 512],
    ["splitwise.csv", 512],
    ["bailian.jsonl", 16],
    ["weka.jsonl", 64],
    ["tracelab.jsonl", 512],
    ["otel.json", 512],
    ["usage.jsonl", 512],
    ["burstgpt.csv", 512, "--session-turns", "wait"],
    ["azure_2023.csv", 512, "--prefix-model", "system:1024,turns:2", "--seed", "7"]
  ]
  for (const [file, block, ...flags] of converted) {
    it.effect(`give the same report directly and converted: ${[file, ...flags].join(" ")}`, () =>
      Effect.gen(function* () {
        let direct = ""
        yield* programIn(
          { [file]: sample(file) },
          ["replay", file, "--trace-format", "auto", ...flags, "--report-json", "r.json"],
          (_, folder) => void (direct = folder.read("r.json"))
        )
        let plain = ""
        yield* programIn(
          { [file]: sample(file) },
          ["trace", "convert", "--from", "auto", ...flags, file, "plain.jsonl"],
          ({ exit, stderr }, folder) => {
            assert.strictEqual(exit, 0, stderr)
            plain = folder.read("plain.jsonl")
          }
        )
        yield* programIn(
          { "plain.jsonl": plain },
          ["replay", "plain.jsonl", "--strict", "--trace-block-size", String(block), "--report-json", "r.json"],
          ({ exit, stderr }, folder) => {
            assert.strictEqual(exit, 0, stderr)
            assert.deepStrictEqual(numbers(folder.read("r.json")), numbers(direct))
          }
        )
      })
    )
  }

  it.effect("say in the report what they were taken for, left out and made up", () =>
    programIn(
      { "t.csv": sample("azure_2023.csv") },
      [
        "replay",
        "t.csv",
        "--trace-format",
        "auto",
        "--strict",
        "--prefix-model",
        "system:512",
        "--report-json",
        "r.json"
      ],
      ({ exit, stderr }, folder) => {
        assert.strictEqual(exit, 0, stderr)
        const told = warnings(folder.read("r.json")).join("\n")
        assert.match(told, /looks like CSV with the columns .* and is read as azure/)
        assert.match(told, /left out: 1 request without output/)
        assert.match(told, /what prompts share is made up: --prefix-model system:512, seed 42/)
        assert.include(stderr, "is read as azure")
      }
    )
  )

  it.effect("of Bailian are replayed at their own times and with their own blocks", () =>
    programIn(
      {
        "t.jsonl": sample("bailian.jsonl").split("\n").slice(0, 3).join("\n")
      },
      [
        "replay",
        "t.jsonl",
        "--trace-format",
        "bailian",
        "--extra-engine-args",
        '{"block_size":16}',
        "--report-json",
        "r.json"
      ],
      ({ exit, stderr }, folder) => {
        assert.strictEqual(exit, 0, stderr)
        const report = JSON.parse(folder.read("r.json"))
        assert.closeTo(report.duration_ms, 50_441, 1)
        assert.closeTo(report.prefix_cache_reused_ratio, 0.42, 0.01)
      }
    )
  )

  it.effect("with columns of any name need no format, and validate lists every bad row", () =>
    programIn(
      { "t.csv": "a,b,c\n0,10,1\nx,10,1\n1,10,zwei\n2,10,2\n" },
      [
        "trace",
        "validate",
        "t.csv",
        "--column",
        "timestamp=a",
        "--column",
        "input_length=b",
        "--column",
        "output_length=c",
        "--time-unit",
        "s"
      ],
      ({ exit, stderr, stdout }) => {
        assert.strictEqual(exit, 2)
        assert.match(stderr, /t\.csv:3: a: expected a moment, got "x"/)
        assert.match(stderr, /t\.csv:4: c: expected a number of tokens, got "zwei"/)
        assert.strictEqual(stdout, "t.csv: 2 problems")
      }
    )
  )

  it.effect("are described", () =>
    Effect.gen(function* () {
      const { exit, stdout } = yield* program([
        "trace",
        "inspect",
        "--json",
        "--trace-format",
        "auto",
        join(samples, "azure.parquet")
      ])
      assert.strictEqual(exit, 0)
      const [described] = JSON.parse(stdout)
      assert.strictEqual(described.rows, 2)
      assert.strictEqual(described.prompt_tokens.total, 1700)
      assert.match(described.warnings[0], /Parquet with the columns .* is read as azure/)
    })
  )

  const usage: ReadonlyArray<readonly [argv: ReadonlyArray<string>, message: RegExp]> = [
    [["--prefix-model", "turns:3"], /--prefix-model: is not for mooncake traces; it is for azure, /],
    [["--column", "a=b"], /--column: expected FIELD=COLUMN with a field of timestamp, .*got "a=b"/],
    [["--column", "input_length=b"], /--column: needs a column for input_length and one for output_length/],
    [["--trace-format", "azure", "--column", "input_length=b"], /--column: is not for azure traces/],
    [["--trace-format", "azure", "--prefix-model", "x"], /--prefix-model: expected fresh, .*got "x"/],
    [["--trace-format", "azure", "--session-turns", "wait"], /--session-turns: is not for azure traces/],
    [["--trace-format", "azure", "--default-output-tokens", "5"], /--default-output-tokens: is not for azure traces/],
    [
      ["--trace-format", "aiperf", "--default-output-tokens", "0"],
      /--default-output-tokens: expected an integer from 1 to 2147483647, got 0/
    ],
    [
      ["--trace-format", "aiperf", "--text-bytes-per-token", "0"],
      /--text-bytes-per-token: expected a number above 0, .* got 0/
    ]
  ]
  for (const [argv, message] of usage) {
    it.effect(`refuses ${argv.join(" ")}`, () =>
      Effect.gen(function* () {
        for (const command of [["replay"], ["trace", "inspect"]]) {
          yield* programIn({ t: sample("azure_2023.csv") }, [...command, "t", ...argv], ({ exit, stderr }) => {
            assert.strictEqual(exit, 2)
            assert.match(stderr, message)
          })
        }
      })
    )
  }

  it.effect("are named by --from or by --trace-format, not by both", () =>
    programIn(
      { t: sample("azure_2023.csv") },
      ["trace", "convert", "t", "-", "--from", "azure", "--trace-format", "azure"],
      ({ exit, stderr }) => {
        assert.strictEqual(exit, 2)
        assert.match(stderr, /--from: and --trace-format are the same/)
      }
    )
  )
})
