/**
 * Formats that have no writer of ours: random loads are written down here as their format says, and the reader must give them back.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { appliedComputeRows } from "../../src/trace/AppliedComputeReader.ts"
import { dynamoRecords } from "../../src/trace/DynamoReader.ts"
import { loadDynamoTrace } from "../../src/trace/DynamoTrace.ts"
import { file, jsonLines, linesOf } from "./TraceTexts.ts"

const blockTokens = 16
const integer = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Turn = Schema.Struct({ outputTokens: integer(1, 40), toolTokens: integer(0, 40), latencyMs: integer(0, 5000) })
const Session = Schema.Struct({
  promptTokens: integer(1, 100),
  turns: Schema.Array(Turn).check(Schema.isMaxLength(4)),
  finalTokens: integer(1, 40)
})

const appliedCompute = ({ finalTokens, promptTokens, turns }: typeof Session.Type) => ({
  num_turns: turns.length,
  input_prompt_length: promptTokens,
  assistant_response_length: turns.map((turn) => turn.outputTokens),
  tool_call_output_length: turns.map((turn) => turn.toolTokens),
  tool_call_latency: turns.map((turn) => turn.latencyMs / 1000),
  final_assistant_response_length: finalTokens
})

/** Lengths and waits of the requests that a session stands for. */
const requestsOf = ({
  finalTokens,
  promptTokens,
  turns
}: typeof Session.Type): ReadonlyArray<ReadonlyArray<number | undefined>> => {
  const requests: Array<ReadonlyArray<number | undefined>> = []
  let prompt = promptTokens
  let delayMs: number | undefined = undefined
  for (const turn of turns) {
    requests.push([prompt, turn.outputTokens, delayMs])
    prompt += turn.outputTokens + turn.toolTokens
    delayMs = (turn.latencyMs / 1000) * 1000
  }
  requests.push([prompt, finalTokens, delayMs])
  return requests
}

const Recorded = Schema.Struct({
  receivedMs: integer(0, 1000),
  totalMs: integer(0, 500),
  promptTokens: integer(1, 80),
  outputTokens: integer(1, 40),
  firstHash: integer(0, 3)
})

const requestEnd = (request: typeof Recorded.Type, index: number) => ({
  schema: "dynamo.request.trace.v1",
  event_type: "request_end",
  event_time_unix_ms: request.receivedMs + request.totalMs,
  request: {
    request_id: `r${String(index).padStart(3, "0")}`,
    request_received_ms: request.receivedMs,
    total_time_ms: request.totalMs,
    output_tokens: request.outputTokens,
    replay: {
      trace_block_size: blockTokens,
      input_length: request.promptTokens,
      input_sequence_hashes: Array.from(
        { length: Math.ceil(request.promptTokens / blockTokens) },
        (_, block) => 1000 * request.firstHash + block
      )
    }
  }
})

describe("traces written by hand", () => {
  it.effect.prop(
    "applied_compute_agentic: every turn comes back with its lengths, wait and growing prefix",
    [Schema.Array(Session).check(Schema.isMinLength(1), Schema.isMaxLength(5))],
    ([sessions]) =>
      Effect.gen(function* () {
        const lines = linesOf(jsonLines(sessions.map(appliedCompute)), 1 << 16)
        const rows = yield* Stream.runCollect(
          appliedComputeRows(lines, file, { traceBlockTokens: blockTokens, sharedPrefixRatio: 0, prefixGroups: 0 })
        )
        assert.deepStrictEqual(
          rows.map((row) => [row.promptTokens, row.outputTokens, row.delayMs]),
          sessions.flatMap(requestsOf)
        )
        const ids = new Set(rows.flatMap((row) => Array.from(row.hashIds)))
        const longest = sessions.map((session) => Math.ceil(requestsOf(session).at(-1)![0]! / blockTokens))
        assert.strictEqual(
          ids.size,
          longest.reduce((sum, blocks) => sum + blocks, 0),
          "sessions share nothing, turns extend"
        )
      })
  )

  it.effect.prop(
    "dynamo: every request comes back in order of arrival, equal prompts with equal ids",
    [Schema.Array(Recorded).check(Schema.isMinLength(1), Schema.isMaxLength(8))],
    ([requests]) =>
      Effect.gen(function* () {
        const records = requests.map(requestEnd)
        const { rows } = yield* loadDynamoTrace(dynamoRecords(linesOf(jsonLines(records), 1 << 16), file), file)
        const read = yield* Stream.runCollect(rows)
        const sorted = requests
          .map((request, index) => ({ ...request, index }))
          .toSorted((a, b) => a.receivedMs - b.receivedMs || a.totalMs - b.totalMs || a.index - b.index)
        const origin = sorted[0]!.receivedMs
        assert.deepStrictEqual(
          read.map((row) => [row.timestampMs, row.promptTokens, row.outputTokens]),
          sorted.map((request) => [request.receivedMs - origin, request.promptTokens, request.outputTokens])
        )
        read.forEach((row, i) =>
          read.forEach((other, j) => {
            const sharesStart = sorted[i]!.firstHash === sorted[j]!.firstHash
            assert.strictEqual(row.hashIds[0] === other.hashIds[0], sharesStart)
          })
        )
      })
  )
})
