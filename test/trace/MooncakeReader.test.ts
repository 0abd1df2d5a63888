import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { TraceError } from "../../src/trace/TraceError.ts"
import { jsonLines, mooncake, refusalOf } from "./TraceTexts.ts"

const good = { timestamp: 0, input_length: 100, output_length: 3, hash_ids: [1, 2] }
const rowsOf = (text: string, traceBlockTokens = 64) => Stream.runCollect(mooncake(text, traceBlockTokens))
const line = (changes: object) => JSON.stringify({ ...good, ...changes })

describe("mooncakeRows", () => {
  it.effect("reads every field, by either name", () =>
    Effect.gen(function* () {
      const rows = yield* rowsOf(
        jsonLines([
          {
            timestamp: 1.5,
            input_length: 100,
            output_length: 2,
            hash_ids: [1, 2],
            session_id: "",
            delay: 3,
            output_token_ids: [7, 8],
            request_id: "r",
            priority: -2,
            strict_priority: 4,
            policy_class: "c",
            extra: { a: 1 }
          },
          { created_time: 2, input_tokens: 64, output_tokens: 5, hash_ids: [3], delay_ms: 4 },
          { output_length: 1, hash_ids: [1, 2, 3] }
        ])
      )
      assert.deepStrictEqual(rows, [
        {
          line: 1,
          timestampMs: 1.5,
          promptTokens: 100,
          outputTokens: 2,
          hashIds: [1, 2],
          sessionId: "",
          delayMs: 3,
          outputTokenIds: [7, 8],
          requestId: "r",
          priority: -2,
          strictPriority: 4,
          policyClass: "c",
          className: undefined,
          statedTokens: 100,
          clamped: false
        },
        {
          line: 2,
          timestampMs: 2,
          promptTokens: 64,
          outputTokens: 5,
          hashIds: [3],
          sessionId: undefined,
          delayMs: 4,
          outputTokenIds: undefined,
          requestId: undefined,
          priority: 0,
          strictPriority: 0,
          policyClass: undefined,
          className: undefined,
          statedTokens: 64,
          clamped: false
        },
        {
          line: 3,
          timestampMs: undefined,
          promptTokens: 192,
          outputTokens: 1,
          hashIds: [1, 2, 3],
          sessionId: undefined,
          delayMs: undefined,
          outputTokenIds: undefined,
          requestId: undefined,
          priority: 0,
          strictPriority: 0,
          policyClass: undefined,
          className: undefined,
          statedTokens: undefined,
          clamped: false
        }
      ])
    })
  )

  it.effect("takes null for absent", () =>
    Effect.gen(function* () {
      const [row] = yield* rowsOf(
        line({ timestamp: null, input_length: null, session_id: null, delay: null, request_id: null, priority: null })
      )
      assert.strictEqual(row?.timestampMs, undefined)
      assert.strictEqual(row?.promptTokens, 128)
      assert.strictEqual(row?.priority, 0)
    })
  )

  it.effect("counts blank lines, takes CRLF and a missing final newline", () =>
    Effect.gen(function* () {
      const rows = yield* rowsOf(`\r\n${line({})}\r\n   \n\n${line({})}`)
      assert.deepStrictEqual(
        rows.map((row) => row.line),
        [2, 5]
      )
    })
  )

  it.effect("clamps a prompt that the hash ids cannot fill, and ignores surplus ids", () =>
    Effect.gen(function* () {
      const rows = yield* rowsOf(
        [line({ input_length: 1000 }), line({ input_length: 65, hash_ids: [1, 2, 3, 4] })].join("\n")
      )
      assert.deepStrictEqual(
        rows.map((row) => [row.promptTokens, row.clamped]),
        [
          [128, true],
          [65, false]
        ]
      )
    })
  )

  it.effect("keeps hash ids whole: all 64 bits", () =>
    Effect.gen(function* () {
      const ids = "[4294967297, 4294967295, 9007199254740993, 18446744073709551615, 12039345783128457216]"
      const [row] = yield* rowsOf(`{"timestamp":0,"output_length":1,"hash_ids":${ids}}`)
      const expected = [4294967297n, 4294967295n, 9007199254740993n, 18446744073709551615n, 12039345783128457216n]
      assert.deepStrictEqual(Array.from(row?.hashIds ?? [], BigInt), expected)
    })
  )

  it.effect("emits the rows before a bad line, then names file and line", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const error = yield* Effect.flip(
        Stream.runForEach(mooncake(`${line({})}\n${line({})}\n{bad\n${line({})}`), (row) =>
          Effect.sync(() => seen.push(row.line))
        )
      )
      assert.deepStrictEqual(seen, [1, 2])
      assert.match(error.message, /^t\.jsonl:3: cannot be parsed as JSON: /)
    })
  )

  it.effect("reports the first bad line, whatever its kind", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* refusalOf(`{"timestamp":0,"hash_ids":[1]}\n{bad`),
        "t.jsonl:1: trace line 1 is missing output_length"
      )
    })
  )

  const refused: ReadonlyArray<readonly [string, string, string]> = [
    [
      "a mistyped output_length",
      '{"timestamp":0,"outptu_length":1,"hash_ids":[1]}',
      "trace line 1 is missing output_length; it has outptu_length: did you mean output_length?"
    ],
    ["a missing hash_ids", '{"timestamp":0,"input_length":1}', "trace line 1 is missing hash_ids"],
    ["a null hash_ids", line({ hash_ids: null }), "trace line 1 is missing hash_ids"],
    ["output_length 0", line({ output_length: 0 }), "output_length 0; it must be at least 1"],
    [
      "planned outputs of another length",
      line({ output_token_ids: [1] }),
      "trace line 1 output_length 3 does not match output_token_ids length 1"
    ],
    [
      "a fraction for a length",
      line({}).replace("100", "100.0"),
      "input_length must be written as a plain integer, without fraction or exponent, got 100.0"
    ],
    ["an exponent in a hash id", line({}).replace("[1,2]", "[1,1e2]"), "got 1e2"],
    ["a negative length", line({ input_length: -5 }), "input_length: expected an integer from 0 to 2147483647, got -5"],
    ["something else than a list of hash ids", line({ hash_ids: "1,2" }), 'hash_ids: expected a list, got "1,2"'],
    ["a negative hash id", line({ hash_ids: [1, -1] }), "hash_ids[1]: expected an integer from 0 to 2^64 - 1, got -1"],
    [
      "a hash id beyond 64 bits",
      line({}).replace("[1,2]", "[18446744073709551616]"),
      "hash_ids[0]: expected an integer from 0 to 2^64 - 1, got 18446744073709551616"
    ],
    ["text for a timestamp", line({ timestamp: "0" }), 'timestamp: expected a finite number, got "0"'],
    ["a number for a session", line({ session_id: 3 }), "session_id: expected a string, got 3"],
    [
      "a timestamp that is no finite double",
      line({}).replace(":0,", ":1e999,"),
      "timestamp: expected a finite number, got Infinity"
    ],
    ["NaN", line({}).replace(":0,", ":NaN,"), "cannot be parsed as JSON"],
    ["a key given twice", line({}).replace("{", '{"timestamp":1,'), "timestamp is given more than once"],
    ["a key and its alias", line({ created_time: 0 }), "timestamp and its other name created_time are both given"],
    [
      "a key and its alias, one of them null",
      line({ input_tokens: null }),
      "input_length and its other name input_tokens are both given"
    ],
    ["an array", "[0,100,3]", "expected one JSON object per line, got an array"],
    ["two objects on a line", `${line({})}${line({})}`, "cannot be parsed as JSON"],
    ["a comment", "// trace", "cannot be parsed as JSON"],
    [
      "a timestamp beyond exact milliseconds",
      line({ timestamp: 1e308 }),
      "timestamp: expected at most 9007199254740991 ms"
    ],
    ["a delay beyond exact milliseconds", line({ delay: 1e300 }), "delay: expected at most 9007199254740991 ms"],
    ["a delay_ms beyond exact milliseconds", line({ delay_ms: 1e300 }), "delay_ms: expected milliseconds from"],
    [
      "an output token beyond 32 bits",
      line({ output_token_ids: [1, 2, 2 ** 32] }),
      "output_token_ids[2]: expected an integer from 0 to 4294967295, got 4294967296"
    ],
    ["a priority beyond 32 bits", line({ priority: 2 ** 31 }), "priority: expected an integer from -2147483648"],
    ["a prompt beyond the supported length", line({ input_length: undefined, hash_ids: [1, 2] }), "at most 2147483647"]
  ]
  for (const [what, text, message] of refused) {
    it.effect(`refuses ${what}`, () =>
      Effect.gen(function* () {
        const block = message.startsWith("at most") ? 2 ** 31 - 1 : 64
        const error = yield* Effect.flip(rowsOf(text, block))
        assert.include(error.message, message)
        assert.match(error.message, /^t\.jsonl:1: /)
      })
    )
  }

  it.effect.prop("either reads or refuses any text with a TraceError", [Schema.Array(Schema.String)], ([texts]) =>
    Effect.gen(function* () {
      const text = texts.map((part) => `{"hash_ids": [${part}], "output_length": ${part.length}}`).join("\n")
      const result = yield* Effect.result(rowsOf(text))
      assert.isTrue(Result.isSuccess(result) || result.failure instanceof TraceError)
    })
  )
})
