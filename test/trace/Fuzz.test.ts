/** Whatever the bytes are, readers of every format read them or refuse them with a `TraceError`. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { agenticMooncakeRows } from "../../src/trace/AgenticMooncakeReader.ts"
import { appliedComputeRows } from "../../src/trace/AppliedComputeReader.ts"
import { dynamoRecords } from "../../src/trace/DynamoReader.ts"
import { loadDynamoTrace } from "../../src/trace/DynamoTrace.ts"
import { gunzip } from "../../src/trace/Decompression.ts"
import type { LineBatch } from "../../src/trace/LineReader.ts"
import { mooncakeRows } from "../../src/trace/MooncakeReader.ts"
import { TraceError } from "../../src/trace/TraceError.ts"
import { bytesOf, chunked, file, linesOf } from "./TraceTexts.ts"

const Byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))

const sample = [
  '{"timestamp": 0, "input_length": 100, "output_length": 3, "hash_ids": [1, 12345678901234567890], "session_id": "a", "delay": 0}',
  '{"request_id": "r", "wait_for": ["q"], "timestamp": 1.5, "output_length": 3, "hash_ids": [1], "tool_events": []}',
  '{"num_turns": 1, "input_prompt_length": 100, "assistant_response_length": [1], "tool_call_output_length": [2], "tool_call_latency": [0.5], "final_assistant_response_length": 5}',
  '{"event": {"schema": "dynamo.request.trace.v1", "event_type": "request_end", "event_time_unix_ms": 1, "request": {"request_id": "a", "request_received_ms": 1, "output_tokens": 4, "replay": {"trace_block_size": 64, "input_length": 100, "input_sequence_hashes": [11, 22]}}}}'
].join("\n")

const readers: ReadonlyArray<(lines: Stream.Stream<LineBatch, TraceError>) => Effect.Effect<unknown, TraceError>> = [
  (lines) => Stream.runDrain(mooncakeRows(lines, file, { traceBlockTokens: 64 })),
  (lines) => Stream.runDrain(agenticMooncakeRows(lines, file, { traceBlockTokens: 64 })),
  (lines) =>
    Stream.runDrain(appliedComputeRows(lines, file, { traceBlockTokens: 64, sharedPrefixRatio: 0, prefixGroups: 0 })),
  (lines) => loadDynamoTrace(dynamoRecords(lines, file), file)
]

const refusesProperly = Effect.fnUntraced(function* (effect: Effect.Effect<unknown, TraceError>) {
  const exit = yield* Effect.exit(effect)
  if (Exit.isSuccess(exit)) return
  for (const reason of exit.cause.reasons)
    assert.isTrue("error" in reason && reason.error instanceof TraceError, String(exit))
})

describe("trace readers", () => {
  it.effect.prop("take any bytes", [Schema.Array(Byte), Schema.Boolean], ([bytes, inObject]) =>
    Effect.gen(function* () {
      const content = inObject ? [...bytesOf('{"hash_ids":['), ...bytes, ...bytesOf("]}\n")] : bytes
      for (const read of readers) yield* refusesProperly(read(linesOf(Uint8Array.from(content))))
    })
  )

  it.effect.prop(
    "take lines with bytes changed",
    [Schema.Array(Schema.Struct({ at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 700 })), byte: Byte }))],
    ([changes]) =>
      Effect.gen(function* () {
        const bytes = bytesOf(sample)
        for (const { at, byte } of changes) bytes[at % bytes.length] = byte
        for (const line of new TextDecoder("latin1").decode(bytes).split("\n")) {
          for (const read of readers)
            yield* refusesProperly(read(linesOf(Uint8Array.from(line, (char) => char.charCodeAt(0)))))
        }
      })
  )

  it.effect.prop("take any bytes for gzip", [Schema.Array(Byte)], ([bytes]) =>
    refusesProperly(Stream.runDrain(gunzip(chunked(Uint8Array.from([0x1f, 0x8b, 8, 0, ...bytes]), 16), file)))
  )
})
