import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { RunChecks } from "../../src/simulation/RunChecks.ts"
import { programIn } from "./Program.ts"

interface Line {
  readonly arrival_time_ms: number
  readonly input_length: number
  readonly output_length: number
}

const linesOf = (text: string): ReadonlyArray<Line> =>
  text
    .trim()
    .split("\n")
    .map((line): Line => JSON.parse(line))
    .toSorted((a, b) => a.arrival_time_ms - b.arrival_time_ms)

const load = (argv: ReadonlyArray<string>, files: Readonly<Record<string, string>> = {}) =>
  programIn(
    files,
    ["replay", "--report-json", "r.json", "--report-jsonl", "r.jsonl", ...argv],
    ({ exit, stderr }, folder) => {
      assert.strictEqual(exit, 0, stderr)
      return { stderr, lines: linesOf(folder.read("r.jsonl")), report: JSON.parse(folder.read("r.json")) }
    }
  )

const refused = (message: RegExp, ...argv: ReadonlyArray<string>) =>
  programIn({ "a.jsonl": "" }, ["replay", ...argv], ({ exit, stderr }) => {
    assert.strictEqual(exit, 2)
    assert.match(stderr, message)
  })

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

const drawn = [
  "--input-tokens",
  "uniform:100,300",
  "--output-tokens",
  "lognormal:20,0.5",
  "--request-count",
  "1500",
  "--request-rate",
  "25"
]

describe("synthetic load from the command line", () => {
  it.live("draws lengths and arrivals, the same for the same seed", () =>
    Effect.gen(function* () {
      const { lines, report } = yield* load(drawn)
      assert.strictEqual(report.dynosim.seed, 42)
      assert.approximately(mean(lines.map((line) => line.input_length)), 200, 8)
      assert.approximately(mean(lines.map((line) => line.output_length)), 20, 1.5)
      assert.approximately(lines.at(-1)!.arrival_time_ms / 1499, 40, 4)
      assert.deepStrictEqual((yield* load([...drawn, "--seed", "42"])).lines, lines)
      const other = yield* load([...drawn, "--seed", "43"])
      assert.notDeepEqual(other.lines, lines)
      assert.strictEqual(other.report.dynosim.seed, 43)
    })
  )

  it.live("means the same in a configuration file", () =>
    Effect.gen(function* () {
      const yaml =
        "input_tokens: uniform:100,300\noutput-tokens: lognormal:20,0.5\nrequest_count: 1500\nrequest-rate: 25\n"
      const { lines } = yield* load(["--config", "load.yaml"], { "load.yaml": yaml })
      assert.deepStrictEqual(lines, (yield* load(drawn)).lines)
      const fixed =
        "input_tokens: 30\noutput_tokens: 2\nrequest_count: 3\nrequest_rate: 10\narrival_process: constant\n"
      const { lines: few } = yield* load(["--config", "load.yaml"], { "load.yaml": fixed })
      assert.deepStrictEqual(
        few.map((line) => [line.arrival_time_ms, line.input_length]),
        [
          [0, 30],
          [100, 30],
          [200, 30]
        ]
      )
      yield* programIn({ "load.yaml": "input_tokens: [1, 2]\n" }, ["replay", "--config", "load.yaml"], ({ stderr }) =>
        assert.match(
          stderr,
          /^error: load\.yaml:1: input_tokens: expected an integer from 1 to 2147483647, uniform:LOW,HIGH or lognormal:MEAN,SIGMA, got a list/
        )
      )
    })
  )

  it.live("says what has no effect in a closed loop", () =>
    Effect.gen(function* () {
      const { report } = yield* load([
        ...drawn,
        "--request-count",
        "5",
        "--arrival-process",
        "gamma",
        "--arrival-shape",
        "2",
        "--replay-concurrency",
        "2"
      ])
      assert.deepStrictEqual(report.dynosim.warnings, [
        "--request-rate has no effect in a closed loop",
        "--arrival-process has no effect in a closed loop",
        "--arrival-shape has no effect in a closed loop"
      ])
    })
  )

  it.live("refuses what it cannot mean", () =>
    Effect.gen(function* () {
      yield* refused(
        /^error: --request-rate: asks for synthetic load, .*; the times of a trace are scaled by --arrival-speedup-ratio$/,
        "a.jsonl",
        "--request-rate",
        "5"
      )
      yield* refused(
        /^error: --request-rate: cannot be combined with --arrival-interval-ms; /,
        ...drawn,
        "--arrival-interval-ms",
        "5"
      )
      yield* refused(
        /^error: --input-tokens: expected an integer from 1 to 2147483647, uniform:LOW,HIGH or lognormal:MEAN,SIGMA, got "normal:1,2"$/,
        ...drawn,
        "--input-tokens",
        "normal:1,2"
      )
      yield* refused(
        /^error: --arrival-process: expected one of constant, poisson, gamma, got "burst"$/,
        ...drawn,
        "--arrival-process",
        "burst"
      )
    })
  )

  it.live("shortens names to those of the reference first", () =>
    Effect.map(load(["--input", "30", "--out", "2", "--req", "3"]), ({ lines }) => assert.strictEqual(lines.length, 3))
  )

  it.live("checks the invariants of a run on demand", () =>
    Effect.gen(function* () {
      const checks = vi.spyOn(RunChecks.prototype, "end")
      yield* load([...drawn, "--request-count", "50"])
      assert.strictEqual(checks.mock.calls.length, 0)
      const { report } = yield* load([...drawn, "--request-count", "50", "--check"])
      assert.strictEqual(checks.mock.calls.length, 1)
      assert.strictEqual(report.dynosim.options.check, true)
      checks.mockRestore()
    })
  )
})
