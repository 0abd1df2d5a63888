/** The trace tools as users meet them. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { gunzipSync, gzipSync } from "node:zlib"
import { goldenFolder } from "../support/GoldenRun.ts"
import { Folder, type Outcome, program, programIn } from "./Program.ts"

type Files = Readonly<Record<string, string>>

const line = (fields: object): string =>
  JSON.stringify({ input_length: 100, output_length: 3, hash_ids: [1], ...fields })

/** Two sessions, the first of two turns; three of four prompts begin alike. */
const sessions = [
  line({ timestamp: 0, session_id: "a", input_length: 1024, hash_ids: [1, 2] }),
  line({ timestamp: 500, session_id: "b", input_length: 600, hash_ids: [1, 9], output_length: 5 }),
  line({ session_id: "a", delay: 20, input_length: 1400, hash_ids: [1, 2, 3] }),
  line({ timestamp: 2000, session_id: "c", hash_ids: [8] })
].join("\n")

const bad = [
  line({ timestamp: 0 }),
  line({ output_length: 0 }),
  "{",
  "",
  line({ hash_ids: "x" }),
  line({ timestamp: 9 })
].join("\n")

const appliedCompute = JSON.stringify({
  num_turns: 1,
  input_prompt_length: 700,
  assistant_response_length: [10],
  tool_call_output_length: [30],
  tool_call_latency: [0.5],
  final_assistant_response_length: 4
})

const dynamoRequest = (id: string, startMs: number, session?: string): string =>
  JSON.stringify({
    schema: "dynamo.request.trace.v1",
    event_type: "request_end",
    event_time_unix_ms: startMs + 100,
    ...(session === undefined ? {} : { agent_context: { session_id: session } }),
    request: {
      request_id: id,
      output_tokens: 10,
      request_received_ms: startMs,
      total_time_ms: 100,
      replay: { trace_block_size: 64, input_length: 100, input_sequence_hashes: [`${id}`.length, startMs] }
    }
  })

const golden = (name: string): string =>
  gunzipSync(readFileSync(join(goldenFolder("replay"), "traces", `${name}.jsonl.gz`))).toString("utf8")

const refused = (message: RegExp, files: Files, ...argv: ReadonlyArray<string>) =>
  programIn(files, ["trace", ...argv], ({ exit, stderr, stdout }, folder) => {
    assert.strictEqual(exit, 2, stderr)
    assert.match(stderr, message)
    assert.strictEqual(stdout, "")
    assert.deepStrictEqual(folder.added(), [])
    for (const [name, content] of Object.entries(files)) {
      if (!content.startsWith("binary:")) assert.strictEqual(folder.read(name), content)
    }
  })

const succeeds = (
  files: Files,
  argv: ReadonlyArray<string>,
  look: (outcome: Outcome, folder: Folder) => void = () => {}
) =>
  programIn(files, ["trace", ...argv], (outcome, folder) => {
    assert.strictEqual(outcome.exit, 0, outcome.stderr)
    look(outcome, folder)
  })

const bundle = resolve(import.meta.dirname, "../../bundle/dynosim.mjs")

/** Standard output of the built program, which standard output of a test is not. */
const printed = (input: string, ...argv: ReadonlyArray<string>): string =>
  execFileSync(process.execPath, [bundle, "trace", ...argv], {
    input,
    encoding: "utf8",
    stdio: ["pipe", "pipe", "ignore"]
  })

describe("dynosim trace", () => {
  it.live("lists its tools", () =>
    Effect.map(program(["trace", "--help"]), ({ exit, stdout }) => {
      assert.strictEqual(exit, 0)
      for (const tool of ["inspect", "validate", "convert", "synth"])
        assert.match(stdout, new RegExp(`^ +${tool} `, "m"))
    })
  )

  it.live("completes and shortens flags like replay", () =>
    succeeds({ "a.jsonl": sessions }, ["inspect", "a.jsonl", "--trace-f", "mooncake", "--js"], ({ stdout }) => {
      assert.isArray(JSON.parse(stdout))
    })
  )
})

describe("dynosim trace inspect", () => {
  it.live("describes each trace", () =>
    succeeds(
      { "a.jsonl": sessions, "b.jsonl.gz": `binary:${gzipSync(line({ timestamp: 5 })).toString("hex")}` },
      ["inspect", "a.jsonl", "b.jsonl.gz"],
      ({ stdout }) => {
        assert.strictEqual(
          stdout,
          `a.jsonl: mooncake, 512 tokens per hash id

requests        4 in 3 sessions, 1 of them with several turns (mean 1.33, at most 2)
arrivals        from 0 s to 2 s, 1.50 per second, gap variation 0.50, at most 2 in one second
shared prefixes 49.2 % of prompt tokens, in 2 requests; 5 distinct blocks of 8

               total  mean     std  min  p50    p90    p99    max
prompt tokens  3,124   781  484.44  100  600  1,400  1,400  1,400
output tokens     14  3.50    0.87    3    3      5      5      5

b.jsonl.gz: mooncake, 512 tokens per hash id

requests        1 in 1 session
arrivals        from 0.01 s to 0.01 s, all at once, at most 1 in one second
shared prefixes 0.0 % of prompt tokens, in 0 requests; 1 distinct block of 1

               total  mean  std  min  p50  p90  p99  max
prompt tokens    100   100    0  100  100  100  100  100
output tokens      3     3    0    3    3    3    3    3`
        )
      }
    )
  )

  it.live("gives the same as JSON", () =>
    succeeds({ "a.jsonl": sessions }, ["inspect", "--json", "a.jsonl"], ({ stdout }) => {
      const traces: ReadonlyArray<Readonly<Record<string, unknown>>> = JSON.parse(stdout)
      const found = traces[0]!
      assert.deepStrictEqual(found["sessions"], {
        sessions: 3,
        multi_turn_sessions: 1,
        mean_turns: 4 / 3,
        most_turns: 2
      })
      assert.strictEqual(found["file"], "a.jsonl")
      assert.strictEqual(found["rows"], 4)
      assert.strictEqual(found["open_loop_problem"], null)
      assert.deepInclude(found["arrivals"], { first_ms: 0, last_ms: 2000, rate_per_second: 1.5 })
      assert.deepInclude(found["sharing"], { tokens: 512 + 1024, total_blocks: 8, is_lower_bound: false })
    })
  )

  it.live("reads every format", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [format: string, content: string, expected: RegExp]> = [
        ["mooncake-delta", golden("delta"), /shared prefixes not known: rows hold only what their turn adds/],
        [
          "agentic_mooncake",
          golden("agentic"),
          /dependencies +requests wait for others that they name\nclosed loop +not possible: /
        ],
        [
          "applied_compute_agentic",
          appliedCompute,
          /requests +2 in 1 session.*\narrivals +no timestamps\n[^]*open loop +not possible: /
        ],
        ["dynamo", dynamoRequest("x", 1000), /^t\.jsonl: dynamo, 64 tokens per hash id/]
      ]
      for (const [format, content, expected] of cases) {
        yield* succeeds({ "t.jsonl": content }, ["inspect", "t.jsonl", "--trace-format", format], ({ stdout }) =>
          assert.match(stdout, expected)
        )
      }
      yield* succeeds(
        { "1.jsonl": dynamoRequest("x", 1000), "2.jsonl": dynamoRequest("y", 1500) },
        ["inspect", "1.jsonl", "2.jsonl", "--trace-format", "dynamo"],
        ({ stdout }) => assert.match(stdout, /^1\.jsonl, 2\.jsonl: dynamo.*\n\nrequests +2 in 2 sessions/)
      )
    })
  )

  it("reads standard input", () =>
    assert.match(printed(sessions, "inspect", "-"), /^-: mooncake.*\n\nrequests +4 in 3 sessions/))

  it.live("refuses what it cannot read", () =>
    Effect.gen(function* () {
      yield* refused(/^error: TRACE: nothing to read; give a trace file, or - for standard input$/, {}, "inspect")
      yield* refused(/^error: TRACE: the name of a trace file is empty$/, {}, "inspect", "")
      yield* refused(/^error: b\.jsonl:2: /, { "b.jsonl": bad }, "inspect", "b.jsonl")
      yield* refused(/^error: nope\.jsonl: .*no such file$/, {}, "inspect", "nope.jsonl")
      yield* refused(
        /^error: --trace-block-size: expected an integer .*, got 0$/,
        { "a.jsonl": sessions },
        "inspect",
        "a.jsonl",
        "--trace-block-size",
        "0"
      )
      yield* refused(
        /^error: --max-problems: unknown flag; it is one of dynosim trace validate, not of dynosim trace inspect; see /,
        { "a.jsonl": sessions },
        "inspect",
        "a.jsonl",
        "--max-problems",
        "1"
      )
    })
  )
})

describe("dynosim trace validate", () => {
  it.live("says what is fine, and what restricts a replay", () =>
    succeeds({ "a.jsonl": sessions, "b.jsonl": line({}) }, ["validate", "a.jsonl", "b.jsonl"], ({ stderr, stdout }) => {
      assert.strictEqual(stderr, "")
      assert.match(
        stdout,
        /^a\.jsonl: ok, 4 requests\nb\.jsonl: ok, 1 request, at fixed concurrency only: trace mode requires /
      )
    })
  )

  it.live("names every bad line, counts them, and fails", () =>
    programIn(
      { "a.jsonl": sessions, "b.jsonl": bad },
      ["trace", "validate", "a.jsonl", "b.jsonl", "nope.jsonl"],
      ({ exit, stderr, stdout }) => {
        assert.strictEqual(exit, 2)
        assert.strictEqual(stdout, "a.jsonl: ok, 4 requests\nb.jsonl: 3 problems\nnope.jsonl: 1 problem")
        const lines = stderr.split("\n")
        assert.strictEqual(lines.length, 5)
        for (const [at, expected] of [
          /b\.jsonl:2: .*output_length 0/,
          /b\.jsonl:3: /,
          /b\.jsonl:5: .*hash_ids/,
          /nope\.jsonl: .*no such file/,
          /2 of 3 traces cannot be replayed$/
        ].entries()) {
          assert.match(lines[at]!, new RegExp(`^error: ${expected.source}`))
        }
      }
    )
  )

  it.live("shows as many problems as it is told to, and tells programs", () =>
    Effect.gen(function* () {
      yield* programIn(
        { "b.jsonl": bad },
        ["trace", "validate", "b.jsonl", "--max-problems", "1"],
        ({ stderr, stdout }) => {
          assert.strictEqual(stdout, "b.jsonl: 3 problems, the first 1 shown")
          assert.strictEqual(stderr.split("\n").length, 2)
        }
      )
      yield* programIn(
        { "b.jsonl": bad },
        ["trace", "validate", "b.jsonl", "--json", "--max-problems", "2"],
        ({ exit, stdout }) => {
          assert.strictEqual(exit, 2)
          const [found] = JSON.parse(stdout)
          assert.deepInclude(found, { file: "b.jsonl", valid: false, requests: null, problem_count: 3 })
          assert.deepStrictEqual(
            found.problems.map((problem: { readonly line: number }) => problem.line),
            [2, 3]
          )
        }
      )
    })
  )

  it.live("finds problems between lines", () =>
    programIn(
      {
        "g.jsonl": [line({ request_id: "a", wait_for: ["b"] }), line({ request_id: "b", wait_for: ["a"] })].join("\n")
      },
      ["trace", "validate", "g.jsonl", "--trace-format", "agentic_mooncake"],
      ({ exit, stderr }) => {
        assert.strictEqual(exit, 2)
        assert.match(stderr, /^error: g\.jsonl:1: cycle detected/)
      }
    )
  )
})

describe("dynosim trace convert", () => {
  it.live("makes sessions of applied-compute lines, which replay alike", () =>
    Effect.gen(function* () {
      const lines = yield* programIn(
        { "t.jsonl": appliedCompute },
        ["trace", "convert", "--trace-format", "applied_compute_agentic", "t.jsonl", "out/m.jsonl"],
        ({ exit, stderr }, folder) => {
          assert.strictEqual(exit, 0, stderr)
          assert.deepStrictEqual(folder.added(), ["out/m.jsonl"])
          return folder.read("out/m.jsonl")
        }
      )
      const replay = (files: Files, ...argv: ReadonlyArray<string>) =>
        programIn(
          files,
          ["replay", "t.jsonl", "--replay-concurrency", "1", "--report-jsonl", "r.jsonl", ...argv],
          (_, folder) => folder.read("r.jsonl")
        )
      const before = yield* replay({ "t.jsonl": appliedCompute }, "--trace-format", "applied_compute_agentic")
      assert.strictEqual(yield* replay({ "t.jsonl": lines }), before)
      assert.strictEqual(before.trim().split("\n").length, 2)
    })
  )

  it.live("keeps a dynamo trace's own block size in view, and its requests", () =>
    succeeds(
      { "1.jsonl": dynamoRequest("x", 1000), "2.jsonl": dynamoRequest("y", 1500) },
      ["convert", "1.jsonl", "2.jsonl", "m.jsonl", "--trace-format", "dynamo"],
      ({ stderr, stdout }, folder) => {
        assert.strictEqual(stdout, "m.jsonl: 2 requests")
        assert.strictEqual(stderr, "note: replay it with --trace-block-size 64, which the file itself does not say")
        assert.deepStrictEqual(
          folder
            .read("m.jsonl")
            .trim()
            .split("\n")
            .map((text) => JSON.parse(text)),
          [
            { timestamp: 0, input_length: 100, output_length: 10, hash_ids: [0, 1], request_id: "x" },
            { timestamp: 500, input_length: 100, output_length: 10, hash_ids: [0, 2], request_id: "y" }
          ]
        )
      }
    )
  )

  it.live("writes agents' dynamo traces as graphs, which replay alike", () =>
    Effect.gen(function* () {
      const dynamo = [
        dynamoRequest("x", 1000, "s"),
        dynamoRequest("yy", 1500, "s"),
        dynamoRequest("z", 1600, "u")
      ].join("\n")
      const graph = yield* programIn(
        { "d.jsonl": dynamo },
        ["trace", "convert", "d.jsonl", "g.jsonl", "--trace-format", "dynamo", "--to", "agentic_mooncake"],
        (_, folder) => folder.read("g.jsonl")
      )
      const replay = (content: string, ...argv: ReadonlyArray<string>) =>
        programIn(
          { "t.jsonl": content },
          ["replay", "t.jsonl", "--report-jsonl", "r.jsonl", ...argv],
          ({ exit, stderr }, folder) => {
            assert.strictEqual(exit, 0, stderr)
            return folder.read("r.jsonl")
          }
        )
      const before = yield* replay(dynamo, "--trace-format", "dynamo")
      assert.strictEqual(yield* replay(graph, "--trace-format", "agentic_mooncake", "--trace-block-size", "64"), before)
    })
  )

  it.live("writes whole prompts for accumulating ones, compressed by name", () =>
    succeeds(
      { "d.jsonl": golden("delta") },
      ["convert", "d.jsonl", "m.jsonl.gz", "--trace-format", "mooncake-delta", "--to-block-size", "64"],
      ({ stderr }, folder) => {
        assert.match(stderr, /--trace-block-size 64/)
        const rows = gunzipSync(readFileSync(join(folder.path, "m.jsonl.gz")))
          .toString("utf8")
          .trim()
          .split("\n")
          .map((text) => JSON.parse(text))
        assert.deepStrictEqual(
          rows.slice(0, 3).map((row) => [row.input_length, row.hash_ids.length]),
          [
            [1024, 16],
            [2068, 33],
            [3113, 49]
          ]
        )
      }
    )
  )

  it("writes to standard output, from standard input", () => {
    assert.strictEqual(
      printed(`${line({ timestamp: 3, created_time: undefined })}\n`, "convert", "-", "-"),
      '{"timestamp":3,"input_length":100,"output_length":3,"hash_ids":[1]}\n'
    )
  })

  it.live("refuses what cannot be said, and what would be lost", () =>
    Effect.gen(function* () {
      const files = { "a.jsonl": sessions, "g.jsonl": golden("agentic") }
      const agentic = ["--trace-format", "agentic_mooncake"]
      yield* refused(
        /^error: --to: g\.jsonl cannot be written as mooncake: .*agentic_mooncake can$/,
        files,
        "convert",
        "g.jsonl",
        "o.jsonl",
        ...agentic
      )
      yield* refused(
        /^error: --to: a\.jsonl cannot be written as agentic_mooncake: /,
        files,
        "convert",
        "a.jsonl",
        "o.jsonl",
        "--to",
        "agentic_mooncake"
      )
      yield* refused(
        /^error: --to: expected one of mooncake, agentic_mooncake, got "dynamo"$/,
        files,
        "convert",
        "a.jsonl",
        "o.jsonl",
        "--to",
        "dynamo"
      )
      yield* refused(
        /^error: FILE: \.\/a\.jsonl is the trace a\.jsonl, which it would overwrite; /,
        files,
        "convert",
        "a.jsonl",
        "./a.jsonl"
      )
      yield* refused(/^error: FILE: needs a trace to read and a file to write; /, files, "convert", "a.jsonl")
      yield* refused(
        /^error: --trace-format: mooncake takes exactly one trace file, got 2$/,
        files,
        "convert",
        "a.jsonl",
        "g.jsonl",
        "o.jsonl"
      )
      yield* refused(
        /^error: --to-block-size: is only for mooncake-delta traces/,
        files,
        "convert",
        "a.jsonl",
        "o.jsonl",
        "--to-block-size",
        "64"
      )
      yield* refused(/^error: b\.jsonl:2: /, { "b.jsonl": bad }, "convert", "b.jsonl", "o.jsonl")
    })
  )
})

describe("dynosim trace synth", () => {
  const load = [
    "--input-tokens",
    "uniform:100,2000",
    "--output-tokens",
    "lognormal:20,0.5",
    "--request-count",
    "40",
    "--request-rate",
    "20",
    "--turns-per-session",
    "2",
    "--shared-prefix-ratio",
    "0.5",
    "--num-prefix-groups",
    "3",
    "--inter-turn-delay-ms",
    "30",
    "--seed",
    "5"
  ]

  it.live("writes the trace that a replay of the same load would be of", () =>
    Effect.gen(function* () {
      const replay = (files: Files, ...argv: ReadonlyArray<string>) =>
        programIn(
          files,
          ["replay", "--report-jsonl", "r.jsonl", "--report-json", "r.json", ...argv],
          ({ exit, stderr }, folder) => {
            assert.strictEqual(exit, 0, stderr)
            return folder.read("r.jsonl")
          }
        )
      const direct = yield* replay({}, ...load)
      const trace = yield* programIn(
        {},
        ["trace", "synth", "t.jsonl", ...load, "--trace-block-size", "64"],
        ({ stdout }, folder) => {
          assert.strictEqual(stdout, "t.jsonl: 80 requests")
          return folder.read("t.jsonl")
        }
      )
      assert.strictEqual(trace.trim().split("\n").length, 80)
      assert.strictEqual(yield* replay({ "t.jsonl": trace }, "t.jsonl", "--trace-block-size", "64"), direct)
    })
  )

  it("prints to standard output without a file", () => {
    const argv = [
      "synth",
      "--input-tokens",
      "100",
      "--output-tokens",
      "2",
      "--request-count",
      "2",
      "--arrival-interval-ms",
      "5"
    ]
    const expected =
      '{"timestamp":0,"input_length":100,"output_length":2,"hash_ids":[0]}\n{"timestamp":5,"input_length":100,"output_length":2,"hash_ids":[1]}\n'
    assert.strictEqual(printed("", ...argv), expected)
    assert.strictEqual(printed("", ...argv, "-"), expected)
  })

  it.live("checks the load like replay does", () =>
    Effect.gen(function* () {
      yield* refused(
        /^error: --output-tokens: is missing; synthetic load needs/,
        {},
        "synth",
        "--input-tokens",
        "5",
        "o.jsonl"
      )
      yield* refused(
        /^error: --request-rate: cannot be combined with --arrival-interval-ms/,
        {},
        "synth",
        ...load,
        "--arrival-interval-ms",
        "5",
        "o.jsonl"
      )
      yield* refused(
        /^error: --request-count: expected an integer .*, got -5$/,
        {},
        "synth",
        ...load,
        "--request-count",
        "-5",
        "o.jsonl"
      )
      yield* refused(
        /^error: --trace-block-size: expected an integer .*, got 0$/,
        {},
        "synth",
        ...load,
        "--trace-block-size",
        "0",
        "o.jsonl"
      )
      yield* refused(/^error: --num-workers: unknown flag/, {}, "synth", ...load, "--num-workers", "2", "o.jsonl")
    })
  )
})
