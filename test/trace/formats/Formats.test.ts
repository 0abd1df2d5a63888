/** Every format that is read: a sample and the rows that it is, whatever it is wrapped in, named or told by its content. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync, zstdCompressSync } from "node:zlib"
import { foreignFormats } from "../../../src/trace/formats/Registry.ts"
import { isAgenticRow } from "../../../src/trace/AgenticMooncakeReader.ts"
import { openTrace, type TraceFormat, type TraceOptions } from "../../../src/trace/TraceSource.ts"

const samples = join(import.meta.dirname, "samples")

/** `[timestamp, prompt, output, ids, more]`, times in ms. */
type Expected = readonly [
  timestampMs: number | undefined,
  promptTokens: number,
  outputTokens: number,
  hashIds: ReadonlyArray<number>,
  more?: Readonly<Record<string, unknown>>
]

interface Sample {
  readonly file: string
  readonly format: TraceFormat
  readonly options?: Omit<TraceOptions, "format" | "files">
  readonly blockTokens?: number
  readonly rows: ReadonlyArray<Expected>
  /** Whether its content tells the format; true by default. */
  readonly isTold?: boolean
  readonly remark?: RegExp
}

const madeUp = 2 ** 40

const all: ReadonlyArray<Sample> = [
  {
    file: "azure_2023.csv",
    format: "azure",
    rows: [
      [0, 400, 31, [0]],
      [4314.579, 1300, 64, [1, 2, 3]],
      [60_000, 512, 13, [4]]
    ],
    remark: /left out: 1 request without output$/
  },
  {
    file: "azure_2024.csv",
    format: "azure",
    rows: [
      [0, 2100, 5, [0, 1, 2, 3, 4]],
      [1007.405, 2300, 6, [5, 6, 7, 8, 9]],
      [1107.72, 70, 15, [10]]
    ]
  },
  {
    file: "inference_perf.csv",
    format: "azure",
    rows: [
      [0, 400, 31, [0]],
      [4314.579, 1300, 64, [1, 2, 3]]
    ]
  },
  {
    file: "azure.parquet",
    format: "azure",
    rows: [
      [0, 400, 31, [0]],
      [4314, 1300, 64, [1, 2, 3]]
    ]
  },
  {
    // The year turns in it; a text that looks like the list behind it does not count.
    file: "vllm.log",
    format: "vllm-log",
    blockTokens: 16,
    rows: [
      [3000, 17, 7, [1, 2], { requestId: "cmpl-2" }],
      [0, 18, 3, [1, 3], { requestId: "chatcmpl-1" }]
    ],
    remark:
      /whole seconds.*left out: 1 request of whose prompt the log does not say.*left out: 1 request of whose answer the log does not say how many/s
  },
  {
    file: "burstgpt.csv",
    format: "burstgpt",
    rows: [
      [
        0,
        472,
        18,
        [0],
        {
          className: "model-a, API log",
          annotations: { model: "model-a", log_type: "API log", observed_e2e_s: "2.5" }
        }
      ],
      [40_000, 1087, 230, [1, 2, 3]],
      [
        114_500,
        1360,
        50,
        [1, 2, 3],
        {
          className: 'model "b", large, Conversation log',
          annotations: {
            session: "chat-1",
            model: 'model "b", large',
            log_type: "Conversation log",
            observed_e2e_s: "9"
          }
        }
      ],
      [235_000, 600, 12, [1, 2]]
    ],
    remark: /left out: 1 request without output$/
  },
  {
    file: "burstgpt.csv",
    format: "burstgpt",
    options: { foreign: { sessionTurns: "wait" } },
    rows: [
      [0, 472, 18, [0], { sessionId: undefined }],
      [40_000, 1087, 230, [1, 2, 3], { sessionId: "chat-1" }],
      [114_500, 1360, 50, [1, 2, 3], { sessionId: "chat-1" }],
      [235_000, 600, 12, [1, 2], { sessionId: "chat-1" }]
    ]
  },
  {
    file: "vidur.csv",
    format: "vidur",
    rows: [
      [0, 3000, 24, [0, 1, 2, 3, 4, 5]],
      [125, 512, 200, [6]],
      [1500, 513, 1, [7, 8]]
    ]
  },
  {
    file: "splitwise.csv",
    format: "splitwise",
    rows: [
      [0, 1131, 80, [0, 1, 2]],
      [500, 100, 7, [3]]
    ]
  },
  {
    file: "bailian.jsonl",
    format: "bailian",
    blockTokens: 16,
    rows: [
      [0, 96, 24, [1, 2, 3, 4, 5, 6], { requestId: "7", annotations: { session: "7", type: "text" } }],
      [2500, 60, 18, [1, 2, 8, 9], { className: "file", annotations: { session: "8", type: "file" } }],
      [50_250, 152, 30, [1, 2, 3, 4, 5, 6, 10, 11, 12, 13], { annotations: { session: "7", type: "text" } }],
      [69_875, 160, 3, [1, 2, 3, 4, 5, 6, 10, 11, 12, 13], { annotations: { session: "7", type: "text" } }]
    ],
    remark: /1 request without output/
  },
  {
    file: "bailian.jsonl",
    format: "bailian",
    options: { foreign: { sessionTurns: "wait" } },
    blockTokens: 16,
    rows: [
      [0, 96, 24, [1, 2, 3, 4, 5, 6], { sessionId: "7" }],
      [2500, 60, 18, [1, 2, 8, 9], { sessionId: "8" }],
      [50_250, 152, 30, [1, 2, 3, 4, 5, 6, 10, 11, 12, 13], { sessionId: "7" }],
      [69_875, 160, 3, [1, 2, 3, 4, 5, 6, 10, 11, 12, 13], { sessionId: "7" }]
    ]
  },
  {
    file: "aiperf.jsonl",
    format: "aiperf",
    options: { foreign: { defaultOutputTokens: 7, textBytesPerToken: 4 } },
    rows: [
      [0, 1100, 30, [4, 5, 6], { sessionId: "one" }],
      [undefined, 90, 12, [madeUp], { sessionId: "one", delayMs: 1500.5 }],
      [90, 600, 7, [madeUp + 1, madeUp + 2]],
      [120, 9, 3, [madeUp + 3]],
      [150, 2, 4, [madeUp + 4]]
    ],
    remark: /1 request without length of output: 7 tokens each/
  },
  {
    file: "weka.jsonl",
    format: "weka",
    blockTokens: 64,
    rows: [
      [0, 320, 40, [0, 1, 2, 3, 4], { sessionId: "conv-1" }],
      [undefined, 448, 60, [0, 1, 2, 3, 4, 5, 6], { sessionId: "conv-1", delayMs: 7500 }],
      [4000, 100, 5, [7, 8], { sessionId: "conv-2" }],
      [undefined, 130, 6, [7, 8, 9], { sessionId: "conv-2", delayMs: 750 }]
    ]
  },
  {
    file: "weka_subagent.json",
    format: "weka",
    blockTokens: 64,
    rows: [
      [1000, 128, 10, [0, 1], { requestId: "agent#0", waitFor: [] }],
      [undefined, 64, 5, [2], { sessionId: "agent/0", requestId: "agent/0#1", waitFor: ["agent#0"], delayMs: 0 }],
      [undefined, 128, 5, [2, 3], { requestId: "agent/0#2", waitFor: ["agent/0#1"], delayMs: 500 }],
      [undefined, 192, 7, [0, 1, 4], { sessionId: "agent", waitFor: ["agent#0", "agent/0#2"], delayMs: 250 }]
    ],
    remark: /wait for subagents/
  },
  {
    file: "tracelab.jsonl",
    format: "tracelab",
    rows: [
      [0, 1200, 50, [0, 1, 2], { sessionId: "s-1" }],
      [1250, 512, 8, [3], { sessionId: "s-2" }],
      [undefined, 1900, 20, [0, 1, 2, 4], { sessionId: "s-1", delayMs: 750 }],
      [undefined, 700, 9, [3, 5], { sessionId: "s-2", delayMs: 7000 }],
      [undefined, 1100, 4, [0, 6, 7], { sessionId: "s-1", delayMs: 1000 }]
    ]
  },
  {
    file: "guidellm.jsonl",
    format: "mooncake",
    options: { timeUnit: "s", traceBlockTokens: 64 },
    blockTokens: 64,
    rows: [
      [500, 130, 20, [0, 1, 2]],
      [1750, 250, 20, [0, 1, 2, 3]]
    ]
  },
  {
    file: "dynamo.jsonl",
    format: "dynamo",
    blockTokens: 64,
    rows: [
      [0, 100, 4, [0, 1], { requestId: "a" }],
      [50, 130, 5, [0, 2, 3], { requestId: "b" }]
    ]
  },
  {
    file: "otel.json",
    format: "otel",
    rows: [
      [0, 600, 40, [0, 1], { requestId: "a", annotations: { model: "model-a", session: "talk" } }],
      [2500, 900, 20, [0, 1], { requestId: "b", annotations: { session: "talk" } }]
    ],
    remark: /left out: 1 span without token usage/
  },
  {
    file: "otel.json",
    format: "otel",
    options: { foreign: { sessionTurns: "wait" } },
    rows: [
      [0, 600, 40, [0, 1], { sessionId: "talk", delayMs: undefined }],
      [2500, 900, 20, [0, 1], { sessionId: "talk", delayMs: 1250 }]
    ]
  },
  {
    file: "otel_parents.jsonl",
    format: "otel",
    rows: [
      [0, 128, 9, [0], { requestId: "root", waitFor: [] }],
      [1000, 64, 3, [1], { requestId: "child", waitFor: ["root"], delayMs: 400 }]
    ],
    remark: /read as a graph/
  },
  {
    file: "usage.jsonl",
    format: "usage",
    rows: [
      [0, 600, 20, [0, 1], { annotations: { model: "model-a" } }],
      [3000, 40, 5, [2]]
    ]
  },
  {
    file: "columns.csv",
    format: "columns",
    options: {
      timeUnit: "ns",
      foreign: {
        columns: {
          timestamp: "when",
          input_length: "prompt, tokens",
          output_length: "reply",
          session_id: "who",
          class: "reply"
        }
      }
    },
    rows: [
      [0, 700, 30, [0, 1], { line: 2, className: "30", annotations: { session: "multi\nline" } }],
      [500, 1500, 40, [2, 3, 4], { line: 4 }]
    ],
    isTold: false
  },
  {
    file: "columns.jsonl",
    format: "columns",
    options: {
      timeUnit: "us",
      foreign: {
        columns: { timestamp: "at.us", input_length: "p", output_length: "c", session_id: "user" },
        sessionTurns: "wait"
      }
    },
    rows: [
      [0, 700, 30, [0, 1], { sessionId: "a" }],
      [500, 1500, 40, [0, 1, 2], { sessionId: "a" }]
    ],
    isTold: false
  },
  {
    file: "agentic.jsonl",
    format: "agentic_mooncake",
    rows: [
      [0, 512, 50, [1], { waitFor: [] }],
      [undefined, 600, 50, [1, 2], { waitFor: ["a"], delayMs: 20 }]
    ]
  }
]

const open = (file: string, format: TraceFormat, options: Sample["options"]) =>
  openTrace({ ...options, format, files: [file] })

const isAsExpected = Effect.fnUntraced(function* (file: string, format: TraceFormat, sample: Sample) {
  const trace = yield* open(file, format, sample.options)
  assert.strictEqual(trace.traceBlockTokens, sample.blockTokens ?? 512)
  assert.strictEqual(trace.survey.rows, sample.rows.length)
  for (let run = 0; run < 2; run++) {
    const rows = yield* Stream.runCollect(trace.rows)
    assert.deepStrictEqual(
      rows.map((row) => [row.timestampMs, row.promptTokens, row.outputTokens, Array.from(row.hashIds)]),
      sample.rows.map(([timestampMs, promptTokens, outputTokens, hashIds]) => [
        timestampMs,
        promptTokens,
        outputTokens,
        [...hashIds]
      ])
    )
    sample.rows.forEach(([, , , , more = {}], index) => {
      const row = rows[index]!
      const values: Readonly<Record<string, unknown>> = { ...row, waitFor: isAgenticRow(row) ? row.waitFor : undefined }
      for (const [key, value] of Object.entries(more)) assert.deepStrictEqual(values[key], value, `${index} ${key}`)
    })
  }
  if (sample.remark !== undefined) assert.match(trace.remarks.join("\n"), sample.remark)
  return trace
})

const inFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "dynosim-formats-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
)

describe("formats", () => {
  it("all have a sample", () => {
    const sampled = new Set<string>(all.map(({ format }) => format))
    for (const name of Object.keys(foreignFormats)) assert.isTrue(sampled.has(name), name)
  })

  for (const sample of all) {
    const { file, format, isTold = true } = sample
    const path = join(samples, file)
    const turns = sample.options?.foreign?.sessionTurns
    it.effect(`${format}: ${file}${turns === undefined ? "" : `, turns: ${turns}`}`, () =>
      Effect.gen(function* () {
        yield* isAsExpected(path, format, sample)
        if (!isTold) return
        const told = yield* isAsExpected(path, "auto", sample)
        assert.match(told.remarks[0] ?? "", new RegExp(`^looks like .* and is read as ${format}$`))
      }).pipe(Effect.provide(NodeServices.layer))
    )

    if (file.endsWith(".parquet")) continue
    it.effect(`${format}: ${file}, compressed, with a byte order mark and other line ends`, () =>
      Effect.gen(function* () {
        const folder = yield* inFolder
        const text = readFileSync(path, "utf8")
        const wrapped: ReadonlyArray<readonly [string, Uint8Array]> = [
          ["a.gz", gzipSync(text)],
          ["b", zstdCompressSync(text)],
          ["c", Buffer.from(`\ufeff${text.replaceAll("\n", "\r\n")}`)]
        ]
        for (const [name, bytes] of wrapped) {
          if (name === "c" && text.includes("multi\nline")) continue
          writeFileSync(join(folder, name), bytes)
          yield* isAsExpected(join(folder, name), format, sample)
        }
      }).pipe(Effect.provide(NodeServices.layer))
    )
  }

  it.effect("Weka conversations may lie in a folder, read by name", () =>
    Effect.gen(function* () {
      const folder = yield* inFolder
      copyFileSync(join(samples, "weka.jsonl"), join(folder, "b.jsonl"))
      writeFileSync(
        join(folder, "a.json"),
        '{"id": "first", "block_size": 64,\n "requests": [{"t": 2, "in": 10, "out": 1, "hash_ids": [1]}]}'
      )
      writeFileSync(join(folder, "notes.txt"), "not a trace")
      const trace = yield* open(folder, "auto", {})
      const rows = yield* Stream.runCollect(trace.rows)
      assert.deepStrictEqual(
        rows.map(({ sessionId }) => sessionId),
        ["first", "conv-1", "conv-1", "conv-2", "conv-2"]
      )
    }).pipe(Effect.provide(NodeServices.layer))
  )
})

describe("what cannot be read", () => {
  const refused: ReadonlyArray<
    readonly [what: string, format: TraceFormat, content: string, message: RegExp, options?: Sample["options"]]
  > = [
    [
      "a cell that is no number",
      "azure",
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,x,1\n",
      /:2: ContextTokens: expected a number of tokens, got "x"/
    ],
    [
      "a moment that is none",
      "azure",
      "TIMESTAMP,ContextTokens,GeneratedTokens\nnoon,5,1\n",
      /:2: TIMESTAMP: expected a moment, got "noon"/
    ],
    [
      "an impossible hour",
      "azure",
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 98:15:46,5,1\n",
      /:2: TIMESTAMP/
    ],
    [
      "an impossible day",
      "azure",
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-02-30 08:15:46,5,1\n",
      /:2: TIMESTAMP/
    ],
    [
      "numbers without a unit",
      "azure",
      "TIMESTAMP,ContextTokens,GeneratedTokens\n12.5,5,1\n",
      /without a unit; say which with --time-unit/
    ],
    [
      "too few cells",
      "azure",
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,5\n",
      /:2: the line has 2 cells, the header names 3 columns/
    ],
    [
      "a missing column",
      "azure",
      "TIMESTAMP,ContextTokens,Other\n2023-11-16 18:15:46,5,1\n",
      /has no column GeneratedTokens, which an Azure LLM inference trace needs; its columns are TIMESTAMP, ContextTokens, Other/
    ],
    [
      "an open quote",
      "azure",
      'TIMESTAMP,ContextTokens,GeneratedTokens\n"2023-11-16 18:15:46,5,1\n',
      /:2: a quote is opened and never closed/
    ],
    [
      "no output in a simulator's trace",
      "vidur",
      "arrived_at,num_prefill_tokens,num_decode_tokens\n0,5,0\n",
      /:2: num_decode_tokens: expected at least one token, got "0"/
    ],
    ["an empty file", "azure", "", /holds no requests/],
    ["an empty file, to be told", "auto", "\n\n", /holds no requests/],
    [
      "columns that nobody named",
      "columns",
      "a,b\n1,2\n",
      /is CSV with the columns a, b; say which are which with --column/
    ],
    [
      "a column that is not there",
      "columns",
      "a,b\n1,2\n",
      /has no column z; its columns are a, b/,
      { foreign: { columns: { input_length: "z", output_length: "b" } } }
    ],
    ["no output length", "aiperf", '{"timestamp": 0, "input_length": 5}\n', /:1: .*--default-output-tokens/],
    [
      "only text",
      "aiperf",
      '{"timestamp": 0, "text_input": "hello", "output_length": 5}\n',
      /:1: .*only the text of its prompt \(text_input\).*--text-bytes-per-token 4/
    ],
    [
      "two block sizes",
      "weka",
      '{"id": "a", "block_size": 64, "requests": []}\n{"id": "b", "block_size": 16, "requests": []}\n',
      /:2: conversation b has a block_size of 16, others 64/
    ],
    [
      "too few ids",
      "weka",
      '{"id": "a", "block_size": 64, "requests": [{"t": 0, "in": 65, "out": 1, "hash_ids": [1]}]}\n',
      /:1: .*has 1 hash_id for 65 tokens in blocks of 64/
    ],
    [
      "more prefix than prompt",
      "tracelab",
      '{"session_id": "a", "input_tokens_total": 5, "output_tokens": 1, "prefix_tokens": 6, "newly_append_tokens": 0}\n',
      /:1: .*more prefix_tokens than input_tokens_total/
    ],
    [
      "spans of something else",
      "otel",
      '{"resourceSpans": [{"scopeSpans": [{"spans": [{"spanId": "a", "startTimeUnixNano": "1"}]}]}]}\n',
      /holds no requests/
    ],
    [
      "what is nothing known",
      "auto",
      "hello\nworld\n",
      /looks like nothing that is known; say what it is with --trace-format/
    ],
    ["a Git LFS pointer", "auto", "version https://git-lfs.github.com/spec/v1\n", /Git LFS pointer/],
    ["prompts for a tokenizer", "auto", '{"conversations": []}\n', /looks like the text of prompts \(conversations\)/]
  ]
  for (const [what, format, content, message, options] of refused) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const file = join(yield* inFolder, "t")
        writeFileSync(file, content)
        const error = yield* Effect.flip(open(file, format, options))
        assert.match(error.message, message)
        assert.strictEqual(error._tag, "TraceError")
      }).pipe(Effect.provide(NodeServices.layer))
    )
  }
})
