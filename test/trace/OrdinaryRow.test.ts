/** Rows made without the strict reader, which decides what lines mean. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { mooncakeFormat, mooncakeRows } from "../../src/trace/MooncakeReader.ts"
import { ordinaryRows } from "../../src/trace/OrdinaryRow.ts"
import type { RowReading } from "../../src/trace/MooncakeFields.ts"
import { readRows } from "../../src/trace/RowReader.ts"
import { bytesOf, file, linesOf, readOrRefuse } from "./TraceTexts.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const rowOf = (text: string, reading: RowReading = { traceBlockTokens: 64 }) =>
  ordinaryRows(reading)(JSON.parse(text), text, 1)

/** Both readers, on the same bytes. */
const agree = Effect.fnUntraced(function* (bytes: Uint8Array, reading: RowReading, chunkBytes: number) {
  const strict = yield* readOrRefuse(readRows(linesOf(bytes, chunkBytes), mooncakeFormat(file, reading)))
  const quick = yield* readOrRefuse(mooncakeRows(linesOf(bytes, chunkBytes), file, reading))
  assert.deepStrictEqual(quick, strict)
})

const ordinary = [
  '{"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47, 2353, 4294967295]}',
  '{"timestamp":0.125,"input_length":0,"output_length":2147483647,"hash_ids":[0]}',
  '{"session_id": "a b/c", "hash_ids": [1], "delay": 12.5, "output_length": 1, "input_length": 999}',
  '{"session_id": "", "timestamp": 100000000000.001, "delay": 0, "input_length": 1, "output_length": 1, "hash_ids": [7,8]}\r'
]

/** Pieces of JSON that are easily read in two ways. */
const pieces = [
  "0",
  "00",
  "-0",
  "-1",
  "1.0",
  "1.",
  ".5",
  "1e2",
  "1E+2",
  "0.30000000000000004",
  "123456789012345",
  "1234567890123456",
  "9007199254740993",
  "4294967296",
  "2147483648",
  "18446744073709551615",
  "null",
  "true",
  '""',
  '"x"',
  '"a:b"',
  '"\\u0041"',
  '"\\\\"',
  '"é"',
  "[]",
  "[1,]",
  "[1 , 2]",
  "[1.0]",
  "[-1]",
  "[[1]]",
  "{}",
  " ",
  "  ",
  "\t",
  ",",
  ":",
  '"timestamp": 5',
  '"input_tokens": 5',
  '"delay_ms": 5',
  '"priority": 1',
  '"wait_for": []',
  '"__proto__": 1'
]

const names = ["timestamp", "input_length", "output_length", "hash_ids", "session_id", "delay", "created_time", "x"]

const units = ["ms", "s", "us", "ns"] as const

describe("an ordinary line", () => {
  for (const text of ordinary) it(`is a row at once: ${text}`, () => assert.isDefined(rowOf(text)))

  it("has the values of its line", () => {
    assert.deepStrictEqual(rowOf(ordinary[2]!, { traceBlockTokens: 512, timeUnit: "s" }), {
      line: 1,
      promptTokens: 512,
      outputTokens: 1,
      hashIds: [1],
      outputTokenIds: undefined,
      timestampMs: undefined,
      sessionId: "a b/c",
      delayMs: 12500,
      requestId: undefined,
      priority: 0,
      strictPriority: 0,
      policyClass: undefined,
      className: undefined,
      statedTokens: 999,
      clamped: true
    })
  })

  it("is left to the strict reader where there is anything to ask", () => {
    for (const text of [
      "1",
      "null",
      "[]",
      "{}",
      '{"timestamp": 1, "input_length": 1, "output_length": 0, "hash_ids": [1]}',
      '{"timestamp": 1, "input_length": 1, "hash_ids": [1]}',
      '{"timestamp": 1, "timestamp": 1, "input_length": 1, "output_length": 1, "hash_ids": [1]}',
      '{"timestamp": 1, "input_length": 1.0, "output_length": 1, "hash_ids": [1]}',
      '{"timestamp": 1, "input_length": 1, "output_length": 1, "hash_ids": [1e2]}',
      '{"timestamp": 1.0, "input_length": 1, "output_length": 1, "hash_ids": [1]}',
      '{"timestamp": null, "input_length": 1, "output_length": 1, "hash_ids": [1]}',
      '{"timestamp": 1, "input_length": -1, "output_length": 1, "hash_ids": [1]}',
      '{"timestamp": 1, "input_length": 2147483648, "output_length": 1, "hash_ids": [1]}',
      '{"timestamp": 1, "input_length": 1, "output_length": 1, "hash_ids": [-1]}',
      '{"timestamp": 1, "input_length": 1, "output_length": 1, "hash_ids": [1.5]}',
      '{"timestamp": 1, "input_length": 1, "output_length": 1, "hash_ids": ["1"]}',
      '{"timestamp": 1, "input_length": 1, "output_length": 1, "hash_ids": [4294967296]}',
      '{"timestamp": 1, "input_length": 1, "output_length": 1, "hash_ids": [1], "type": "text"}',
      '{"session_id": "a:b", "input_length": 1, "output_length": 1, "hash_ids": [1]}',
      '{"session_id": 1, "input_length": 1, "output_length": 1, "hash_ids": [1]}'
    ]) {
      assert.isUndefined(rowOf(text), text)
    }
    assert.isUndefined(
      rowOf('{"timestamp": 9007199254741, "input_length": 1, "output_length": 1, "hash_ids": [1]}', {
        traceBlockTokens: 1,
        timeUnit: "s"
      })
    )
  })

  it.effect.prop(
    "is what the strict reader makes of it, with bytes changed and lines cut anywhere",
    [
      Schema.Array(Schema.Struct({ at: between(0, 1000), byte: between(0, 255), cut: Schema.Boolean })),
      between(1, 200)
    ],
    ([changes, chunkBytes]) => {
      let bytes = bytesOf(ordinary.join("\n"))
      for (const { at, byte, cut } of changes.slice(0, 4)) {
        const place = at % Math.max(1, bytes.length)
        // Mostly bytes that mean something in such a line.
        const written = byte < 128 ? bytes[byte % Math.max(1, bytes.length)]! : byte
        bytes = Uint8Array.from(bytes, (old, i) => (i === place ? written : old))
        if (cut) bytes = Uint8Array.from([...bytes.subarray(0, place), ...bytes.subarray(place + 1)])
      }
      return agree(bytes, { traceBlockTokens: 64 }, chunkBytes)
    }
  )

  it.effect.prop(
    "is what the strict reader makes of it, whatever stands in its fields",
    [
      Schema.Array(Schema.Struct({ name: between(0, names.length - 1), piece: between(0, pieces.length - 1) })),
      Schema.Array(Schema.Struct({ at: between(0, 120), piece: between(0, pieces.length - 1) })),
      between(0, units.length)
    ],
    ([fields, insertions, unit]) => {
      const members = fields.slice(0, 3).map(({ name, piece }) => `, "${names[name]}": ${pieces[piece]}`)
      let text = `{"output_length": 3, "input_length": 70, "hash_ids": [5, 6]${members.join("")}}`
      for (const { at, piece } of insertions.slice(0, 2)) {
        const place = at % text.length
        text = text.slice(0, place) + pieces[piece] + text.slice(place)
      }
      const timeUnit = units[unit]
      return agree(
        bytesOf(`${text}\n`),
        timeUnit === undefined ? { traceBlockTokens: 64 } : { traceBlockTokens: 64, timeUnit },
        1000
      )
    }
  )
})
