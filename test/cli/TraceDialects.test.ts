/** Traces of other dialects, and files that are no traces: nobody replays them without being told. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { gzipSync, zstdCompressSync } from "node:zlib"
import { program, programIn } from "./Program.ts"

const lines = (rows: ReadonlyArray<object>): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("")

const agentic = lines([
  { request_id: "a", session_id: "s1", timestamp: 0, input_length: 512, output_length: 50, hash_ids: [1] },
  {
    request_id: "b",
    session_id: "s2",
    timestamp: 1,
    input_length: 512,
    output_length: 50,
    hash_ids: [2],
    wait_for: ["a"],
    tool_wait_ms: 5000
  }
])

const chat = (id: number, parent: number, timestamp: number, tokens: number, ids: ReadonlyArray<number>) => ({
  chat_id: id,
  parent_chat_id: parent,
  timestamp,
  input_length: tokens,
  output_length: 20,
  type: "text",
  turn: parent < 0 ? 1 : 2,
  hash_ids: ids
})

const bailian = lines([
  chat(7, -1, 0.25, 96, [1, 2, 3, 4, 5, 6]),
  chat(8, -1, 2.75, 60, [1, 2, 8, 9]),
  chat(9, 7, 50.5, 152, [1, 2, 3, 4, 5, 6, 10, 11, 12, 13])
])

const deltas = lines([
  { session_id: "one", timestamp: 0, input_length: 2048, output_length: 300, hash_ids: [0, 1, 2, 3], group_id: 1 },
  { session_id: "one", delay: 1500.5, input_length: 900, output_length: 150, hash_ids: [40, 41] },
  { session_id: "one", delay: 700.25, input_length: 600, output_length: 90, hash_ids: [42, 43] },
  { session_id: "two", timestamp: 0, input_length: 2048, output_length: 120, hash_ids: [0, 1, 2, 9], group_id: 1 }
])

const seconds = lines(
  Array.from({ length: 40 }, (_, i) => ({ timestamp: i * 0.7, input_length: 100, output_length: 5, hash_ids: [i] }))
)

/** Twenty prompts of eight blocks, of two kinds whose ids agree in the low half. */
const wide = lines(
  Array.from({ length: 20 }, (_, i) => ({
    timestamp: i * 2000,
    input_length: 4096,
    output_length: 8,
    hash_ids: Array.from({ length: 8 }, (_, block) => (i % 2 === 0 ? 2 ** 32 : 2 ** 33) + block)
  }))
)

const report = (text: string): Record<string, unknown> & { readonly dynosim: { readonly warnings: Array<string> } } =>
  JSON.parse(text)

/** What depends on the machine. */
const isMeasured = (key: string): boolean => key.includes("wall") || key.startsWith("processed")

/** Every command that opens a trace says so; `--strict` makes it an error. */
const toldEverywhere = (content: string, flags: ReadonlyArray<string>, ...notes: ReadonlyArray<RegExp>) =>
  Effect.gen(function* () {
    const files = { "t.jsonl": content }
    yield* programIn(files, ["replay", "t.jsonl", ...flags, "--report-json", "r.json"], ({ exit, stderr }, folder) => {
      assert.strictEqual(exit, 0, stderr)
      const { warnings } = report(folder.read("r.json")).dynosim
      for (const note of notes) {
        assert.match(stderr, note)
        assert.isTrue(warnings.some((warning) => note.test(warning)))
      }
    })
    for (const command of ["inspect", "validate"]) {
      yield* programIn(files, ["trace", command, "t.jsonl", ...flags], ({ exit, stderr }) => {
        assert.strictEqual(exit, 0)
        for (const note of notes) assert.match(stderr, note)
      })
      yield* programIn(files, ["trace", command, "t.jsonl", ...flags, "--json"], ({ stderr, stdout }) => {
        assert.strictEqual(stderr, "")
        const { warnings } = JSON.parse(stdout)[0]
        for (const note of notes) assert.isTrue(warnings.some((warning: string) => note.test(warning)))
      })
    }
    for (const command of [["replay"], ["trace", "inspect"], ["trace", "validate"]]) {
      yield* programIn(files, [...command, "t.jsonl", ...flags, "--strict"], ({ exit, stderr }, folder) => {
        assert.strictEqual(exit, 2)
        assert.match(stderr, /^error: t\.jsonl: .*--strict/)
        assert.deepStrictEqual(folder.added(), [])
      })
    }
  })

describe("dialects", () => {
  it.effect("rows that wait for each other, read as mooncake", () =>
    toldEverywhere(agentic, [], /wait_for and tool_wait_ms \(first on line 2\).*--trace-format agentic_mooncake/)
  )
  it.effect("Bailian rows, read as mooncake", () =>
    toldEverywhere(
      bailian,
      [],
      /chat_id and parent_chat_id \(first on line 1\).*look like Bailian rows/,
      /3 of 3 rows have more hash ids than their prompts fill at 512 tokens per id; 16 fits all rows: give --trace-block-size 16/
    )
  )
  it.effect("turns that hold what they add, read as whole prompts", () =>
    toldEverywhere(deltas, [], /2 of 2 later turns of sessions do not begin .*--trace-format mooncake-delta/)
  )
  it.effect("whole prompts, read as what turns add", () =>
    toldEverywhere(
      lines([
        { session_id: "a", timestamp: 0, input_length: 600, output_length: 3, hash_ids: [1, 2] },
        { session_id: "a", delay: 1, input_length: 1600, output_length: 3, hash_ids: [1, 3, 4, 5] }
      ]),
      ["--trace-format", "mooncake-delta"],
      /1 of 1 later turn of sessions begins with .*--trace-format mooncake$/m
    )
  )
  it.effect("keys that are almost one that is read, or another tool's word for it", () =>
    toldEverywhere(
      lines([
        { timestamp: 0, prompt_tokens: 100, output_length: 5, hash_ids: [1], sesion_id: "a", model: "m" },
        { timestamp: 1, input_length: 100, prompt_tokens: 90, output_length: 5, hash_ids: [2], delays: [] }
      ]),
      [],
      /rows have prompt_tokens \(first on line 1\), which this format ignores; did you mean input_length\?/,
      /rows have sesion_id \(first on line 1\), which this format ignores; did you mean session_id\?/
    )
  )
  it.effect("seconds, read as milliseconds", () =>
    toldEverywhere(seconds, [], /40 requests within 28 ms are 1465 per second.*--time-unit s/)
  )
  it.effect("prompts that are longer than their hash ids, because a block is larger", () =>
    toldEverywhere(
      lines([{ timestamp: 0, input_length: 3000, output_length: 3, hash_ids: [1, 2, 3] }]),
      [],
      /1 request with more prompt tokens than hash_ids supply/,
      /1 of 1 row has fewer hash ids .*1024 fits all rows/
    )
  )
  it.effect("ids that agree in their low half", () =>
    toldEverywhere(wide, [], /8 hash ids, such as 4294967296, agree with another one in their low 32 bits/)
  )

  it.effect("are read rightly with the flags that the notes name", () =>
    Effect.gen(function* () {
      const totals = (content: string, ...flags: ReadonlyArray<string>) =>
        programIn(
          { "t.jsonl": content },
          ["replay", "t.jsonl", ...flags, "--strict", "--report-json", "r.json"],
          ({ exit, stderr }, folder) => {
            assert.strictEqual(exit, 0, stderr)
            return report(folder.read("r.json"))
          }
        )
      const graph = yield* totals(agentic, "--trace-format", "agentic_mooncake")
      assert.isAbove(Number(graph["duration_ms"]), 5000)
      const turns = yield* totals(deltas, "--trace-format", "mooncake-delta")
      assert.strictEqual(turns["total_input_tokens"], 11342)
      const timed = yield* totals(seconds, "--time-unit", "s")
      assert.closeTo(Number(timed["duration_ms"]), 27_300, 200)
    })
  )

  it.effect("are never seen in the published and shipped traces", () =>
    Effect.gen(function* () {
      const traces = resolve(import.meta.dirname, "../../traces")
      for (const name of ["conversation_trace", "synthetic_trace", "conversation_sample", "multi_turn_sample"]) {
        const { exit, stderr } = yield* program(["trace", "validate", "--strict", join(traces, `${name}.jsonl`)])
        assert.strictEqual(exit, 0, stderr)
        assert.strictEqual(stderr, "")
      }
    })
  )

  it.effect("--time-unit is refused where fields have units of their own", () =>
    programIn(
      { "t.jsonl": agentic },
      ["trace", "inspect", "t.jsonl", "--trace-format", "dynamo", "--time-unit", "s"],
      ({ exit, stderr }) => {
        assert.strictEqual(exit, 2)
        assert.match(stderr, /--time-unit: is not for dynamo traces/)
      }
    )
  )
})

describe("hash ids", () => {
  it.effect("count with all 64 bits, in inspect and in replay", () =>
    Effect.gen(function* () {
      yield* programIn({ "t.jsonl": wide }, ["trace", "inspect", "t.jsonl", "--json"], ({ stdout }) => {
        const { sharing } = JSON.parse(stdout)[0]
        assert.strictEqual(sharing.token_ratio, 0.9)
        assert.strictEqual(sharing.distinct_blocks, 16)
        assert.strictEqual(sharing.total_blocks, 160)
      })
      const reuse = (content: string) =>
        programIn(
          { "t.jsonl": content },
          [
            "replay",
            "t.jsonl",
            "--extra-engine-args",
            '{"num_gpu_blocks":100,"block_size":64}',
            "--report-json",
            "r.json"
          ],
          (_, folder) => {
            const { dynosim: _dynosim, ...numbers } = report(folder.read("r.json"))
            return Object.fromEntries(Object.entries(numbers).filter(([key]) => !isMeasured(key)))
          }
        )
      const renumbered = wide.replaceAll(/\d{10}/g, (id) =>
        String(Number(id) >= 2 ** 33 ? Number(id) - 2 ** 33 + 8 : Number(id) - 2 ** 32)
      )
      assert.notInclude(renumbered, "4294967296")
      assert.deepStrictEqual(yield* reuse(wide), yield* reuse(renumbered))
      // Also beyond 2^53, where ids are no exact numbers in JavaScript.
      const beyond = wide.replaceAll(/\d{10}/g, (id) => String(BigInt(id) * 2n ** 30n + BigInt(id)))
      assert.deepStrictEqual(yield* reuse(beyond), yield* reuse(renumbered))
    })
  )

  it.effect("of 64 bits are written as they were read", () => {
    const text =
      '{"timestamp":0,"input_length":1500,"output_length":3,"hash_ids":[18446744073709551615,9007199254740993,7]}\n'
    return programIn({ "t.jsonl": text }, ["trace", "convert", "t.jsonl", "o.jsonl"], (_, folder) =>
      assert.strictEqual(folder.read("o.jsonl"), text)
    )
  })
})

describe("times", () => {
  it.effect("beyond exact milliseconds are refused where they stand, or with the flag that makes them so", () =>
    Effect.gen(function* () {
      const row = (fields: object) =>
        JSON.stringify({ timestamp: 0, input_length: 5, output_length: 1, hash_ids: [1], ...fields })
      const refused = (content: string, message: RegExp, ...flags: ReadonlyArray<string>) =>
        programIn({ "t.jsonl": content }, ["replay", "t.jsonl", ...flags], ({ exit, stderr }, folder) => {
          assert.strictEqual(exit, 2)
          assert.match(stderr, message)
          assert.deepStrictEqual(folder.added(), [])
        })
      yield* refused(`${row({})}\n${row({ timestamp: 1e308 })}`, /^error: t\.jsonl:2: .*timestamp: .*got 1e\+308 ms$/)
      yield* refused(row({ timestamp: -1e308 }), /t\.jsonl:1: .*timestamp/)
      yield* refused(`${row({ session_id: "a" })}\n${row({ session_id: "a", delay: 1e300 })}`, /t\.jsonl:2: .*delay/)
      yield* refused(row({ timestamp: 1e14 }), /t\.jsonl:1: .*timestamp: .*got 100000000000000 s/, "--time-unit", "s")
      const two = `${row({})}\n${row({ timestamp: 5 })}`
      yield* refused(
        two,
        /--arrival-speedup-ratio: expected a number above 0, .* got 5e-324/,
        "--arrival-speedup-ratio",
        "5e-324"
      )
    })
  )

  it.effect("with 17 digits are exact, unlike in the reference, and the report is the recorded one", () => {
    const recorded: { readonly rows: ReadonlyArray<string>; readonly report: Record<string, number> } = JSON.parse(
      readFileSync(new URL("../golden/cases/timestamps_17_digits.json", import.meta.url), "utf8")
    )
    return programIn(
      { "t.jsonl": recorded.rows.join("\n") },
      ["replay", "t.jsonl", "--report-json", "r.json"],
      (_, folder) => {
        const ours = report(folder.read("r.json"))
        for (const [key, value] of Object.entries(recorded.report)) {
          if (!isMeasured(key)) assert.closeTo(Number(ours[key]), value, Math.abs(value) * 1e-3, key)
        }
        // The times in the trace are multiples of 1/8 ms, and so is their difference: 742.625.
        assert.closeTo(Number(ours["duration_ms"]), 742.625 + Number(ours["max_e2e_latency_ms"]), 1e-9)
      }
    )
  })
})

describe("files that are no JSON Lines", () => {
  const row = JSON.stringify({ timestamp: 0, input_length: 5, output_length: 1, hash_ids: [1] })
  const hex = (bytes: Uint8Array): string => `binary:${Buffer.from(bytes).toString("hex")}`

  it.effect("are read when only the wrapping is another: BOM, Zstandard, plain text named .gz", () =>
    Effect.gen(function* () {
      const files = {
        "bom.jsonl": `\uFEFF${row}\r\n${row}`,
        "x.jsonl.zst": hex(zstdCompressSync(`${row}\n${row}\n`)),
        "zstd-by-content": hex(zstdCompressSync(`${row}\n${row}\n`)),
        "plain.gz": `${row}\n${row}\n`,
        "padded.gz": hex(Buffer.concat([gzipSync(`${row}\n${row}\n`), Buffer.alloc(10_000)]))
      }
      for (const name of Object.keys(files)) {
        yield* programIn(files, ["trace", "validate", name], ({ stderr, stdout }) => {
          assert.strictEqual(stderr, "")
          assert.strictEqual(stdout, `${name}: ok, 2 requests`)
        })
      }
    })
  )

  const cases: ReadonlyArray<readonly [what: string, content: string, message: RegExp]> = [
    [
      "an Azure trace",
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:00:00.0000000,1200,40\n",
      /CSV with the columns TIMESTAMP, ContextTokens, GeneratedTokens \(an Azure LLM inference trace\): give --trace-format azure/
    ],
    [
      "a BurstGPT trace",
      "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n10,,2.0,m,3,2,5,x\n",
      /\(a BurstGPT trace\): give --trace-format burstgpt/
    ],
    ["another CSV file", "a,b,c\n1,2,3\n", /CSV with the columns a, b, c: say which are which with --column/],
    [
      "a Git LFS pointer",
      "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
      /Git LFS pointer.*git lfs pull/
    ],
    ["a page", "<!DOCTYPE html>\n<html>\n", /an HTML or XML page; download the file itself/],
    ["a JSON array", `[${row}]\n`, /a JSON array; write one object per line/],
    ["JSON over several lines", `{\n  "timestamp": 0\n}\n`, /JSON over several lines/],
    [
      "a Weka conversation",
      `{"id": "c", "block_size": 64, "requests": []}\n`,
      /whole conversations, .*: give --trace-format weka/
    ],
    [
      "rows without hash ids",
      `{"timestamp": 0, "input_length": 700, "output_length": 30}\n`,
      /rows without hash_ids: give --trace-format aiperf/
    ],
    ["prompts", `{"messages": [], "output_length": 3}\n`, /rows without hash_ids: give --trace-format aiperf/],
    ["Parquet", hex(Buffer.from("PAR1\u0000\u0001")), /a Parquet file/],
    ["a zip archive", hex(Buffer.from([0x50, 0x4b, 3, 4, 0, 0])), /a zip archive; unpack it/],
    ["xz", hex(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0])), /compressed by xz/],
    ["UTF-16", hex(Buffer.from(`\ufeff${row}`, "utf16le")), /UTF-16 text; save it as UTF-8/]
  ]
  for (const [what, content, message] of cases) {
    it.effect(`are named: ${what}`, () =>
      Effect.gen(function* () {
        for (const argv of [
          ["replay", "t"],
          ["trace", "inspect", "t"],
          ["trace", "validate", "t"]
        ]) {
          yield* programIn({ t: content }, argv, ({ exit, stderr }, folder) => {
            assert.strictEqual(exit, 2)
            assert.match(stderr, message)
            assert.deepStrictEqual(folder.added(), [])
          })
        }
      })
    )
  }

  // What is read as what it is has a fault, not another format.
  it.effect.each([
    ["mooncake", { output_length: -1 }],
    ["mooncake-delta", { output_length: -1 }],
    ["agentic_mooncake", { request_id: 7 }]
  ] as const)("are not given as a reason where a row of %s has a fault", ([format, fault]) =>
    programIn(
      { t: lines([{ timestamp: 0, input_length: 9, output_length: 1, hash_ids: [1], ...fault }]) },
      ["replay", "t", "--trace-format", format],
      ({ exit, stderr }) => {
        assert.strictEqual(exit, 2)
        assert.match(stderr, /^error: t:1: (output_length|request_id): expected [^;]*$/)
      }
    )
  )

  it.effect("do not hide what is wrong further down", () =>
    programIn({ t: `${row}\na,b,c\n` }, ["trace", "validate", "t"], ({ stderr }) => {
      assert.match(stderr, /^error: t:2: cannot be parsed as/)
      assert.notInclude(stderr, "CSV")
    })
  )
})

describe("huge outputs", () => {
  it.effect("that a later turn extends are bounded by what the pool can hold", () => {
    const turns = lines([
      { session_id: "one", timestamp: 0, input_length: 2048, output_length: 2 ** 31 - 1, hash_ids: [0, 1, 2, 3] },
      { session_id: "one", delay: 1500.5, input_length: 900, output_length: 150, hash_ids: [40, 41] }
    ])
    return Effect.gen(function* () {
      const args = ["t.jsonl", "--trace-format", "mooncake-delta"]
      yield* programIn(
        { "t.jsonl": turns },
        ["replay", ...args, "--report-json", "r.json"],
        ({ exit, stderr }, folder) => {
          assert.strictEqual(exit, 0, stderr)
          const { completed_requests: completed } = report(folder.read("r.json"))
          assert.strictEqual(completed, 1)
        }
      )
      yield* programIn({ "t.jsonl": turns }, ["trace", "convert", ...args, "o.jsonl"], ({ exit, stderr }, folder) => {
        assert.strictEqual(exit, 2)
        assert.match(stderr, /t\.jsonl:2: the whole prompt of trace line 2 in session one has 2147486595 tokens/)
        assert.deepStrictEqual(folder.added(), [])
      })
    })
  })
})
