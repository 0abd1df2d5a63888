/** Workload files as users meet them: fitted, replayed, written as traces, refused. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { programIn } from "./Program.ts"

const root = resolve(import.meta.dirname, "../..")
const workload = readFileSync(join(root, "examples/workload.yaml"), "utf8")
const trace = readFileSync(join(root, "traces/conversation_sample.jsonl"), "utf8")

type Files = Readonly<Record<string, string>>

const succeeds = (files: Files, argv: ReadonlyArray<string>, out: string) =>
  programIn(files, argv, ({ exit, stderr, stdout }, folder) => {
    assert.strictEqual(exit, 0, stderr)
    return { text: folder.read(out), stdout, stderr }
  })

const refused = (message: RegExp, files: Files, ...argv: ReadonlyArray<string>) =>
  programIn(files, argv, ({ exit, stderr, stdout }, folder) => {
    assert.match(stderr, message)
    assert.strictEqual(stderr.split("\n").length, 1)
    assert.strictEqual(exit, 2)
    assert.strictEqual(stdout, "")
    assert.deepStrictEqual(folder.added(), [])
  })

describe("workload files", () => {
  it.live("are replayed like the trace that they are written as", () =>
    Effect.gen(function* () {
      const files = { "w.yaml": workload }
      const made = yield* succeeds(
        files,
        ["trace", "synth", "--workload", "w.yaml", "--request-count", "40", "t.jsonl"],
        "t.jsonl"
      )
      assert.match(made.stdout, /^t\.jsonl: \d+ requests$/)
      assert.match(made.text, /"priority":5,"class":"summaries"/)
      const lines = ["--report-jsonl", "r.jsonl", "--seed", "42"]
      const direct = yield* succeeds(
        files,
        ["replay", "--workload", "w.yaml", "--request-count", "40", ...lines],
        "r.jsonl"
      )
      const traced = yield* succeeds({ "t.jsonl": made.text }, ["replay", "t.jsonl", ...lines], "r.jsonl")
      assert.strictEqual(direct.text, traced.text)
      const inline = yield* succeeds(
        { "c.yaml": `request-count: 40\nworkload:\n${workload.replaceAll(/^/gm, "  ")}` },
        ["replay", "--config", "c.yaml", ...lines],
        "r.jsonl"
      )
      assert.strictEqual(inline.text, direct.text)
    })
  )

  it.live("describe a trace, as YAML or JSON", () =>
    Effect.gen(function* () {
      const files = { "t.jsonl": trace }
      const { text } = yield* succeeds(files, ["trace", "fit", "t.jsonl", "w.yaml"], "w.yaml")
      const json = yield* succeeds(files, ["trace", "fit", "t.jsonl", "w.json"], "w.json")
      const made = (name: string, content: string) =>
        succeeds({ [name]: content }, ["trace", "synth", "--workload", name, "o.jsonl"], "o.jsonl")
      const lines = yield* made("w.yaml", text)
      assert.strictEqual(lines.text.trim().split("\n").length, 60)
      assert.strictEqual((yield* made("w.json", json.text)).text, lines.text)
    })
  )

  it.live("are refused with file and line", () =>
    Effect.gen(function* () {
      const bad = (line: string, extra = "") =>
        `classes:\n  chat:\n    rate: 1\n    input_tokens: 5\n    output_tokens: 5\n    ${line}\n${extra}`
      const cases: ReadonlyArray<readonly [text: string, message: RegExp]> = [
        [bad("inputs: 3"), /^error: w\.yaml:6: classes\.chat\.inputs: unknown key; /],
        [bad("turns: 0"), /^error: w\.yaml:6: classes\.chat\.turns: expected an integer from 1 .*, got 0$/],
        [bad("gaps_ms: 4"), /^error: w\.yaml:6: classes\.chat\.gaps_ms: cannot stand beside rate; /],
        [bad("wait_ms: [[0, 5], [100, 4]]"), /^error: w\.yaml:6: classes\.chat\.wait_ms: a table .* must not go down/],
        [bad("priority: 1", "days: 3"), /^error: w\.yaml:7: days: unknown key; /],
        ["classes: 3", /^error: w\.yaml:1: classes: expected an object with a class or more by name, got 3$/],
        ["- 1", /^error: w\.yaml:1: expected an object with settings, got a list$/],
        ["classes: {", /^error: w\.yaml:\d+: /],
        [
          bad("priority: 1"),
          /^error: --request-count: is missing; the workload does not say how many requests there are$/
        ]
      ]
      for (const [text, message] of cases) {
        yield* refused(message, { "w.yaml": text }, "replay", "--workload", "w.yaml", "--report-json", "r.json")
      }
      const files = { "w.yaml": workload, "t.jsonl": trace }
      yield* refused(
        /^error: --workload: "nope\.yaml" is neither a file nor a JSON object$/,
        files,
        "replay",
        "--workload",
        "nope.yaml"
      )
      yield* refused(
        /^error: --input-tokens: cannot be combined with --workload; /,
        files,
        "replay",
        "--workload",
        "w.yaml",
        "--input-tokens",
        "4"
      )
      yield* refused(
        /^error: --workload: asks for synthetic load, but a trace file is given too; /,
        files,
        "replay",
        "t.jsonl",
        "--workload",
        "w.yaml"
      )
      yield* refused(
        /^error: --trace-block-size: cannot be combined with --workload; set block_tokens in the file$/,
        files,
        "trace",
        "synth",
        "--workload",
        "w.yaml",
        "--trace-block-size",
        "64",
        "o.jsonl"
      )
      yield* refused(
        /^error: OUT: w\.yaml is the file of --workload w\.yaml, which it would overwrite; /,
        files,
        "trace",
        "synth",
        "--workload",
        "w.yaml",
        "w.yaml"
      )
    })
  )
})
