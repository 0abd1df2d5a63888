/** Edits of traces as users meet them. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { programIn } from "./Program.ts"

const root = resolve(import.meta.dirname, "../..")
const multiTurn = readFileSync(join(root, "traces/multi_turn_sample.jsonl"), "utf8")
const azure = readFileSync(join(root, "traces/azure_sample.csv"), "utf8")
const bundle = join(root, "bundle/dynosim.mjs")

type Files = Readonly<Record<string, string>>

const written = (files: Files, ...argv: ReadonlyArray<string>) =>
  programIn(files, ["trace", ...argv, "out.jsonl"], ({ exit, stderr, stdout }, folder) => {
    assert.strictEqual(exit, 0, stderr)
    assert.deepStrictEqual(folder.added(), ["out.jsonl"])
    return { text: folder.read("out.jsonl"), stdout, stderr }
  })

const refused = (message: string, files: Files, ...argv: ReadonlyArray<string>) =>
  programIn(files, ["trace", ...argv], ({ exit, stderr, stdout }, folder) => {
    assert.strictEqual(stderr, `error: ${message}`)
    assert.strictEqual(exit, 2)
    assert.strictEqual(stdout, "")
    assert.deepStrictEqual(folder.added(), [])
  })

describe("dynosim trace edits", () => {
  it.live("write what can be replayed, and say how much", () =>
    Effect.gen(function* () {
      const files = { "m.jsonl": multiTurn, "a.csv": azure }
      const one = yield* written(files, "slice", "--count", "1", "m.jsonl")
      assert.strictEqual(one.stdout, "out.jsonl: 3 requests")
      assert.strictEqual(one.text.match(/chat-1/g)?.length, 3)
      const half = yield* written(files, "sample", "--count", "2", "--seed", "3", "m.jsonl")
      assert.match(half.stdout, /^out\.jsonl: [2-5] requests$/)
      const foreign = yield* written(files, "shift", "--trace-format", "auto", "--to-seconds", "-2", "a.csv")
      assert.match(foreign.text, /^\{"timestamp":-2000,/)
      assert.match(foreign.stderr, /^note: a\.csv: looks like/)
      const both = yield* written(files, "merge", "--trace-format", "auto", "a.csv", "m.jsonl")
      assert.strictEqual(both.stdout, "out.jsonl: 13 requests")
      const hidden = yield* written(files, "anonymise", "m.jsonl")
      assert.notMatch(hidden.text, /chat/)
      const capped = yield* written(files, "cap-gaps", "--max-wait-seconds", "0.3", "m.jsonl")
      assert.strictEqual(capped.text.match(/"delay":300/g)?.length, 2)
    })
  )

  it.live("scale like a replay that is sped up", () =>
    Effect.gen(function* () {
      const faster = yield* written({ "m.jsonl": multiTurn }, "scale", "--rate-factor", "2", "m.jsonl")
      const replay = (text: string, ...argv: ReadonlyArray<string>) =>
        programIn({ "t.jsonl": text }, ["replay", "t.jsonl", "--report-jsonl", "r.jsonl", ...argv], (_, folder) =>
          folder.read("r.jsonl")
        )
      assert.strictEqual(yield* replay(faster.text), yield* replay(multiTurn, "--arrival-speedup-ratio", "2"))
    })
  )

  it("go into each other through pipes", () => {
    const tool = `"${process.execPath}" "${bundle}" trace`
    const script = `${tool} slice --until-seconds 1 - - | ${tool} scale --input-factor 2 - - | ${tool} anonymise - -`
    const output = execFileSync("sh", ["-c", script], { input: multiTurn, encoding: "utf8" })
    const lines = output.trim().split("\n")
    assert.strictEqual(lines.length, multiTurn.trim().split("\n").length)
    assert.match(lines[0]!, /^\{"timestamp":0,"input_length":2400,"output_length":80,"hash_ids":\[0,1,2,3,4\],/)
  })

  it.live("refuse what they cannot do", () =>
    Effect.gen(function* () {
      const files = { "m.jsonl": multiTurn, "m2.jsonl": multiTurn }
      const io = ["m.jsonl", "out.jsonl"]
      yield* refused(
        "--from-seconds: is missing; give it, --until-seconds, --skip or --count: what is to be kept",
        files,
        "slice",
        ...io
      )
      yield* refused("m.jsonl: nothing of it is left", files, "slice", "--from-seconds", "99", ...io)
      yield* refused(
        "--until-seconds: must be more than --from-seconds, got 1 and 2",
        files,
        "slice",
        "--from-seconds",
        "2",
        "--until-seconds",
        "1",
        ...io
      )
      yield* refused("--share: is missing; give it or --count", files, "sample", ...io)
      yield* refused(
        "--share: and --count say the same in two ways; give one of them",
        files,
        "sample",
        "--share",
        "0.5",
        "--count",
        "1",
        ...io
      )
      yield* refused(
        '--by: expected one of sessions, requests, got "turns"',
        files,
        "sample",
        "--by",
        "turns",
        "--count",
        "1",
        ...io
      )
      yield* refused("m.jsonl: has 4 sessions, fewer than the 9 asked for", files, "sample", "--count", "9", ...io)
      yield* refused("--rate-factor: is missing; give it, --input-factor or --output-factor", files, "scale", ...io)
      yield* refused(
        "--rate-factor: expected a number above 0, from 1e-6 to 1000000, got 0",
        files,
        "scale",
        "--rate-factor",
        "0",
        ...io
      )
      yield* refused(
        "m.jsonl:3: trace line 3 would have a prompt of 19000000 tokens; at most 16777216 are supported",
        files,
        "scale",
        "--input-factor",
        "1e4",
        ...io
      )
      yield* refused("--max-gap-seconds: is missing; give it, --max-wait-seconds, or both", files, "cap-gaps", ...io)
      yield* refused("--by-seconds: is missing; give it or --to-seconds", files, "shift", ...io)
      yield* refused("FILE: needs two traces or more to merge, and a file to write", files, "merge", ...io)
      yield* refused(
        "FILE: takes one mooncake trace, got 2; trace merge makes one of several",
        files,
        "shift",
        "--by-seconds",
        "1",
        "m.jsonl",
        "m2.jsonl",
        "out.jsonl"
      )
      yield* refused(
        "FILE: m.jsonl is the trace m.jsonl, which it would overwrite; choose another path",
        files,
        "anonymise",
        "m.jsonl",
        "m.jsonl"
      )
    })
  )
})
