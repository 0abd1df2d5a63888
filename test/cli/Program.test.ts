import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { linkSync, symlinkSync } from "node:fs"
import type { FlagSpec } from "../../src/config/FlagSpec.ts"
import { replayFlags } from "../../src/config/ReplayFlags.ts"
import { version } from "../../src/report/Version.ts"
import { Folder, program, programIn } from "./Program.ts"

const rows = [0, 5, 9]
  .map((timestamp) => JSON.stringify({ timestamp, input_length: 100, output_length: 3, hash_ids: [1, 2] }))
  .join("\n")
const files = { "a.jsonl": rows }
const replay = ["replay", "a.jsonl", "--trace-block-size", "64", "--report-json", "r.json"]

/** A failure in one line, and nothing else anywhere. */
const refused = (argv: ReadonlyArray<string>, message: RegExp, also: Readonly<Record<string, string>> = {}) =>
  programIn({ ...files, ...also }, argv, (outcome, folder) => {
    assert.strictEqual(outcome.exit, 2, outcome.stderr)
    assert.match(outcome.stderr, message)
    assert.match(outcome.stderr, /^error: [^\n]+$/)
    assert.strictEqual(outcome.stdout, "")
    assert.strictEqual(folder.read("a.jsonl"), rows)
  })

describe("dynosim", () => {
  it.live("prints its version", () =>
    Effect.map(program(["--version"]), (outcome) => {
      assert.strictEqual(outcome.exit, 0)
      assert.strictEqual(outcome.stdout, `dynosim v${version}`)
    })
  )

  it.live("documents every flag with its default", () =>
    Effect.map(program(["replay", "--help-all"]), (outcome) => {
      assert.strictEqual(outcome.exit, 0)
      const text = outcome.stdout.replaceAll(/\s+/g, " ")
      for (const [name, spec] of Object.entries<FlagSpec>(replayFlags)) {
        assert.include(text, `--${name}`)
        assert.include(text, spec.description)
        if (spec.default !== undefined) assert.include(text, `(default: ${spec.default})`)
      }
    })
  )

  it.live("shows its commands when it is given none", () =>
    Effect.map(program([]), (outcome) => {
      assert.strictEqual(outcome.exit, 0)
      assert.match(outcome.stdout, /SUBCOMMANDS\s+replay/)
    })
  )

  it.live("completes flags in shells", () =>
    Effect.map(program(["--completions", "bash"]), (outcome) => {
      assert.strictEqual(outcome.exit, 0)
      assert.include(outcome.stdout, "--router-policy-config")
    })
  )

  it.live("names unknown flags and commands, with a suggestion", () =>
    Effect.gen(function* () {
      yield* refused(
        [...replay, "--replay-moed", "offline"],
        /^error: --replay-moed: unknown flag; did you mean --replay-mode\?$/
      )
      yield* refused(["reply"], /^error: reply: unknown command; did you mean replay\?$/)
      yield* refused(["find", "fewest"], /^error: fewest: unknown command; did you mean fewest-workers\?$/)
      yield* refused(["trace", "cut", "a.jsonl"], /^error: cut: unknown command; see dynosim trace --help$/)
      yield* refused([...replay, "--tie-break", "lowst"], /--tie-break: .*, got "lowst"; did you mean lowest\?/)
      yield* refused([...replay, "--trace-format", "csv"], /--trace-format: expected one of mooncake, .*, got "csv"/)
      yield* refused(
        [...replay, "--num-workers", "1.5"],
        /--num-workers: expected an integer from 1 to 65536, got "1.5"/
      )
    })
  )

  it.live("refuses planners and schedules that cannot decide", () =>
    Effect.gen(function* () {
      yield* refused(
        [...replay, "--planner-config", "{}"],
        /--planner-config: mode: disagg needs --prefill-engine-args/
      )
      yield* refused(
        [...replay, "--planner-config", "nofile.yaml"],
        /"nofile.yaml" is neither a file nor a JSON object/
      )
      yield* refused([...replay, "--planner-config", "{"], /--planner-config: not JSON/)
      yield* refused([...replay, "--planner-config", "[1]"], /--planner-config: expected an object with settings/)
      yield* refused(
        [...replay, "--planner-config", '{"mode": "agg", "max_gpu_budget": 0}'],
        /--planner-config: max_gpu_budget: 0 cannot hold the pool/
      )
      yield* refused(
        [...replay, "--autoscale-schedule", "nofile"],
        /--autoscale-schedule: cannot read nofile: no such file/
      )
    })
  )
})

describe("dynosim replay", () => {
  it.live("tells what has no effect, unless it is told to be quiet", () =>
    Effect.gen(function* () {
      const argv = [...replay, "--arrival-interval-ms", "5", "--extra-engine-args", '{"bootstrap_port": 1}']
      const notes = yield* programIn(files, argv, ({ stderr }, folder) => {
        const report: { dynosim: { warnings: unknown } } = JSON.parse(folder.read("r.json"))
        assert.deepStrictEqual(report.dynosim.warnings, [
          "--arrival-interval-ms has no effect with a trace file",
          "--extra-engine-args: bootstrap_port has no effect on this run"
        ])
        return stderr
      })
      assert.strictEqual(notes.split("\n").filter((line) => line.startsWith("note: ")).length, 2)
      assert.strictEqual(yield* programIn(files, [...argv, "--quiet"], ({ stderr }) => stderr), "")
    })
  )

  it.live("tells of prompts that had to be cut", () =>
    programIn(
      { "a.jsonl": JSON.stringify({ timestamp: 0, input_length: 1000, output_length: 2, hash_ids: [1, 2] }) },
      replay,
      ({ exit, stderr }) => {
        assert.strictEqual(exit, 0)
        assert.match(stderr, /^note: a\.jsonl: 1 request with more prompt tokens than hash_ids supply/)
      }
    )
  )

  it.live("writes the options of the run into the report", () =>
    programIn(files, [...replay, "--num-workers", "2", "--seed", "7"], (_, folder) => {
      const { dynosim } = JSON.parse(folder.read("r.json"))
      assert.strictEqual(dynosim.seed, 7)
      assert.strictEqual(dynosim.timing_source, "polynomial")
      assert.strictEqual(dynosim.options.deployment.workers, 2)
      assert.strictEqual(dynosim.options.deployment.engine.numGpuBlocks, 16384)
      assert.deepStrictEqual(dynosim.options.load, { kind: "OpenLoop", arrivalSpeedup: 1 })
    })
  )

  it.live("reports goodput against a service level", () =>
    programIn(files, [...replay, "--sla-ttft-ms", "30"], (outcome, folder) => {
      assert.strictEqual(outcome.exit, 0)
      const report = JSON.parse(folder.read("r.json"))
      assert.strictEqual(report.completed_requests, 3)
      assert.strictEqual(report.goodput_completed_requests, 1)
    })
  )

  it.live("repeats a run to the byte, wall-clock figures apart", () =>
    Effect.gen(function* () {
      const argv = [
        ...replay,
        "--num-workers",
        "3",
        "--router-mode",
        "kv_router",
        "--report-jsonl",
        "l.jsonl",
        "--quiet"
      ]
      const once = programIn(files, argv, (_, folder) => [
        folder.read("l.jsonl"),
        folder.read("r.json").replaceAll(/"(wall_time_ms|processed_(output_)?tokens_per_s)": [^,]+/g, "")
      ])
      assert.deepStrictEqual(yield* once, yield* once)
    })
  )

  it.live("names a policy file that is missing, from the flag, the environment or the router configuration", () =>
    Effect.gen(function* () {
      const missing = /^error: --router-policy-config: cannot read nope\.yaml: no such file/
      yield* refused([...replay, "--router-policy-config", "nope.yaml"], missing)
      yield* refused([...replay, "--router-config", '{"router_policy_config": "nope.yaml"}'], missing)
      yield* programIn(
        files,
        replay,
        ({ exit, stderr }) => {
          assert.strictEqual(exit, 2)
          assert.match(stderr, missing)
        },
        { DYN_ROUTER_POLICY_CONFIG: "nope.yaml" }
      )
    })
  )
})

describe("a configuration file", () => {
  const config =
    "traces: a.jsonl\ntrace-block-size: 64\nreport-json: r.json\nnum-workers: 2\nextra-engine-args:\n  block_size: 32\n"

  it.live("gives the options; flags on the command line win", () =>
    Effect.gen(function* () {
      const blockAndWorkers = (...flags: ReadonlyArray<string>) =>
        programIn({ ...files, "run.yaml": config }, ["replay", "--config", "run.yaml", ...flags], (outcome, folder) => {
          assert.strictEqual(outcome.exit, 0, outcome.stderr)
          const { deployment } = JSON.parse(folder.read("r.json")).dynosim.options
          return [deployment.engine.blockTokens, deployment.workers]
        })
      assert.deepStrictEqual(yield* blockAndWorkers(), [32, 2])
      assert.deepStrictEqual(yield* blockAndWorkers("--num-workers", "3", "--extra-engine-args", "{}"), [64, 3])
    })
  )

  it.live("is one of several: JSON objects may come from files of their own", () =>
    Effect.gen(function* () {
      const blockTokens = (name: string, text: string) =>
        programIn(
          { ...files, "run.yaml": config, [name]: text },
          ["replay", "--config", "run.yaml", "--extra-engine-args", `@${name}`],
          (outcome, folder) => {
            assert.strictEqual(outcome.exit, 0, outcome.stderr)
            return JSON.parse(folder.read("r.json")).dynosim.options.deployment.engine.blockTokens
          }
        )
      assert.strictEqual(yield* blockTokens("engine.json", '{"block_size": 16}'), 16)
      assert.strictEqual(yield* blockTokens("engine.yaml", "block_size: 128 # large\n"), 128)
      assert.strictEqual(yield* blockTokens("empty.yaml", ""), 64)
    })
  )

  it.live("is blamed by line", () =>
    Effect.gen(function* () {
      yield* refused(
        ["replay", "--config", "run.yaml"],
        /^error: run\.yaml:2: num-worker: unknown option; did you mean num-workers\?/,
        {
          "run.yaml": "traces: a.jsonl\nnum-worker: 2\n"
        }
      )
      yield* refused(["replay", "--config", "nope.yaml"], /^error: --config: cannot read nope\.yaml: no such file/)
    })
  )
})

describe("output files", () => {
  const overwrites = /which it would overwrite; choose another path$/

  it.live("never replace an input", () =>
    Effect.gen(function* () {
      yield* refused(["replay", "a.jsonl", "--report-json", "a.jsonl"], overwrites)
      yield* refused(["replay", "a.jsonl", "--report-json", "./x/../a.jsonl"], overwrites, { "x/y": "" })
      yield* refused([...replay, "--report-jsonl", "a.jsonl"], overwrites)
      yield* refused(["replay", "--config", "run.json", "--report-json", "run.json"], overwrites, {
        "run.json": '{"traces": "a.jsonl"}'
      })
      yield* refused(["replay", "a.jsonl", "--extra-engine-args", "@e.json", "--report-json", "e.json"], overwrites, {
        "e.json": "{}"
      })
      yield* refused(["replay", "a.jsonl", "--router-policy-config", "p.yaml", "--report-json", "p.yaml"], overwrites, {
        "p.yaml": "{}"
      })
    })
  )

  it.live("never replace each other", () =>
    Effect.gen(function* () {
      yield* refused(["replay", "a.jsonl", "--report-json", "r", "--report-jsonl", "r"], overwrites)
      yield* refused(["replay", "a.jsonl", "--report-json", "new/r", "--report-jsonl", "./new/../new/r"], overwrites)
      yield* refused([...replay, "--report-jsonl", ""], /--report-jsonl: needs the name of a file/)
    })
  )

  it.live("are recognised under other names, too", () =>
    Effect.gen(function* () {
      for (const link of [linkSync, symlinkSync]) {
        const folder = new Folder(files)
        try {
          link("a.jsonl", "link")
          const outcome = yield* program(["replay", "a.jsonl", "--report-json", "link"])
          assert.strictEqual(outcome.exit, 2)
          assert.match(outcome.stderr, overwrites)
          assert.strictEqual(folder.read("a.jsonl"), rows)
        } finally {
          folder.leave()
        }
      }
    })
  )

  it.live("may both go to the same device", () =>
    programIn(
      files,
      ["replay", "a.jsonl", "--trace-block-size", "64", "--report-json", "/dev/null", "--report-jsonl", "/dev/null"],
      ({ exit, stderr }) => assert.strictEqual(exit, 0, stderr)
    )
  )

  it.live("are not left behind by a run that fails", () =>
    programIn({ "a.jsonl": `${rows}\n{` }, [...replay, "--report-jsonl", "l.jsonl"], ({ exit }, folder) => {
      assert.strictEqual(exit, 2)
      assert.deepStrictEqual(folder.added(), [])
    })
  )
})
