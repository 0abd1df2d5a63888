import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { dynamoRecords } from "../../src/trace/DynamoReader.ts"
import { loadDynamoTrace } from "../../src/trace/DynamoTrace.ts"
import { file, jsonLines, linesOf } from "./TraceTexts.ts"

interface Request {
  readonly id: string
  readonly start: number
  readonly total?: number | null
  readonly session?: string
  readonly parent?: string
  readonly hashes?: ReadonlyArray<number>
}

const schema = "dynamo.request.trace.v1"

const requestEnd = ({ hashes = [11, 22], id, parent, session, start, total = 10 }: Request) => ({
  schema,
  event_type: "request_end",
  event_time_unix_ms: start + 77,
  request: {
    request_id: id,
    request_received_ms: start,
    output_tokens: 4,
    total_time_ms: total,
    replay: { trace_block_size: 64, input_length: hashes.length * 64 - 28, input_sequence_hashes: hashes }
  },
  ...(session === undefined ? {} : { agent_context: { session_id: session, parent_session_id: parent ?? null } })
})

const toolEnd = (claude: object, fields: object = {}) => ({
  schema,
  event_type: "tool_end",
  event_time_unix_ms: 5000,
  agent_context: { session_id: "root" },
  tool: { tool_call_id: "t", tool_class: "x", started_at_unix_ms: 1, ended_at_unix_ms: 2, claude, ...fields }
})

const load = (text: string) => loadDynamoTrace(dynamoRecords(linesOf(text, 1 << 16), file), file)
const loadAll = (...records: ReadonlyArray<object>) => load(jsonLines(records))
const refusal = (...records: ReadonlyArray<object>) =>
  Effect.map(Effect.flip(loadAll(...records)), (error) => error.message)

/** Names of the requests that each request waits for, by name, with the wait. */
const waits = Effect.fnUntraced(function* (...records: ReadonlyArray<object>) {
  const { graph, rows } = yield* loadAll(...records)
  const all = yield* Stream.runCollect(rows)
  assert.isDefined(graph)
  const awaited = all.map(() => new Array<string>())
  all.forEach((row, request) => {
    const ends = graph?.dependentEnds ?? new Uint32Array(0)
    for (let edge = request === 0 ? 0 : ends[request - 1]!; edge < ends[request]!; edge++) {
      awaited[graph!.dependents[edge]!]!.push(row.requestId ?? "")
    }
  })
  return Object.fromEntries(all.map((row, i) => [row.requestId, [...awaited[i]!, row.delayMs]]))
})

const parents = [
  { id: "p1", start: 1000, total: 100, session: "root" },
  { id: "p2", start: 1300, total: 50, session: "root" },
  { id: "p3", start: 1900, total: 50, session: "root" }
]
const child = { id: "c1", start: 1120, total: 80, session: "kid", parent: "root" }
const family = [...parents, child].map(requestEnd)

describe("dynamo request traces", () => {
  it.effect("sorts by start, end and name, and counts time from the first start", () =>
    Effect.gen(function* () {
      const { rows, survey, traceBlockTokens } = yield* loadAll(
        requestEnd({ id: "late", start: 1050 }),
        requestEnd({ id: "b", start: 1000, total: 50 }),
        requestEnd({ id: "a", start: 1000, total: 50 }),
        requestEnd({ id: "z", start: 1000, total: 10 })
      )
      const all = yield* Stream.runCollect(rows)
      assert.deepStrictEqual(
        all.map((row) => [row.requestId, row.timestampMs]),
        [
          ["z", 0],
          ["a", 0],
          ["b", 0],
          ["late", 50]
        ]
      )
      assert.deepStrictEqual(all, yield* Stream.runCollect(rows))
      assert.strictEqual(traceBlockTokens, 64)
      assert.strictEqual(survey.order, "by-row")
      assert.strictEqual(survey.promptTokens, 400)
    })
  )

  it.effect("tells 64-bit hashes apart that are equal as doubles or modulo 2^32", () =>
    Effect.gen(function* () {
      const text = JSON.stringify(requestEnd({ id: "a", start: 0, hashes: [1, 2, 3, 4, 5] })).replace(
        "[1,2,3,4,5]",
        "[9007199254740993,9007199254740992,4294967297,1,9007199254740993]"
      )
      const { rows } = yield* load(text)
      const [row] = yield* Stream.runCollect(rows)
      assert.deepStrictEqual(Array.from(row?.hashIds ?? []), [0, 1, 2, 3, 0])
    })
  )

  it.effect("unwraps recorder events and skips what is of no interest", () =>
    Effect.gen(function* () {
      const { survey } = yield* loadAll(
        { timestamp: 1, event: requestEnd({ id: "a", start: 5 }) },
        { event: 5 },
        { schema, event_type: "tool_start", event_time_unix_ms: 1 },
        { schema, event_type: "tool_error", event_time_unix_ms: 1 },
        { ...toolEnd({}), agent_context: undefined }
      )
      assert.strictEqual(survey.rows, 1)
    })
  )

  it.effect("lets requests of a session follow each other, waiting as long as they did", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* waits(...parents.map(requestEnd)), {
        p1: [0],
        p2: ["p1", 200],
        p3: ["p2", 550]
      })
    })
  )

  it.effect("takes the event's time for the end of a request that has no total", () =>
    Effect.gen(function* () {
      const found = yield* waits(
        requestEnd({ id: "a", start: 0, total: null, session: "s" }),
        requestEnd({ id: "b", start: 100, total: 2.5, session: "s" }),
        requestEnd({ id: "c", start: 101, session: "s" })
      )
      assert.deepStrictEqual(found, { a: [0], b: ["a", 23], c: ["b", 0] })
    })
  )

  it.effect("hangs a child session between the requests around it", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* waits(...family), {
        p1: [0],
        c1: ["p1", 20],
        p2: ["p1", "c1", 100],
        p3: ["p2", 550]
      })
    })
  )

  it.effect("believes a tool call that names the requests", () =>
    Effect.gen(function* () {
      const link = {
        source_request_id: "p1",
        consumer_request_id: "p3",
        child_session_id: "kid",
        execution_mode: "background"
      }
      assert.deepStrictEqual(yield* waits(...family, toolEnd(link)), {
        p1: [0],
        c1: ["p1", 20],
        p2: ["p1", 200],
        p3: ["c1", "p2", 550]
      })
      const open = yield* waits(...family, toolEnd({ ...link, consumer_request_id: null }))
      assert.deepStrictEqual(open["p3"], ["p2", 550])
      const backwards = yield* waits(...family, toolEnd(link, { ended_at_unix_ms: 0 }))
      assert.deepStrictEqual(backwards["p2"], ["p1", "c1", 100])
    })
  )

  it.effect("refuses records it cannot use, naming file and line", () =>
    Effect.gen(function* () {
      const good = requestEnd({ id: "a", start: 0 })
      const change = (fields: object) => ({ ...good, ...fields })
      const request = (fields: object) => ({ ...good, request: { ...good.request, ...fields } })
      const replay = (fields: object) => request({ replay: { ...good.request.replay, ...fields } })
      assert.include(yield* refusal(change({ schema: "v2" })), "t.jsonl:1: schema: expected")
      assert.include(
        yield* refusal(change({ event_type: "request_start" })),
        "request trace schema only supports request_end/tool_* events, got request_start at t.jsonl:1"
      )
      assert.include(
        yield* refusal(good, replay({ trace_block_size: 0 })),
        "invalid request_end at t.jsonl:2: trace_block_size must be greater than 0"
      )
      assert.include(
        yield* refusal(replay({ input_sequence_hashes: [1] })),
        "invalid request_end at t.jsonl:1: input_sequence_hashes has 1 entry"
      )
      assert.include(
        yield* refusal(replay({ input_length: 0, input_sequence_hashes: [] })),
        "input_length must be at least 1"
      )
      assert.include(yield* refusal(request({ output_tokens: 0 })), "output_tokens must be at least 1")
      assert.include(
        yield* refusal(request({ output_tokens: undefined })),
        "invalid request_end at t.jsonl:1: request.output_tokens is missing"
      )
      assert.include(yield* refusal(good, good), "t.jsonl:2: duplicate request_id a at t.jsonl:2")
      assert.strictEqual(
        yield* refusal(toolEnd({})).pipe(Effect.map((message) => message.slice(0, 15))),
        "t.jsonl:1: tool"
      )
      assert.strictEqual(yield* refusal({ event: 1 }), "t.jsonl: no request_end records with replay fields found")
      const other = requestEnd({ id: "b", start: 0 })
      assert.include(
        yield* refusal(good, {
          ...other,
          request: {
            ...other.request,
            replay: { trace_block_size: 128, input_length: 100, input_sequence_hashes: [1] }
          }
        }),
        "mixed replay trace_block_size values are not supported: 64 and 128"
      )
      assert.include(
        yield* refusal(good, requestEnd({ id: "b", start: 0, session: "s" })),
        "Dynamo request trace cannot mix requests with and without agent_context"
      )
    })
  )

  it.effect("refuses sessions and tool calls that contradict each other", () =>
    Effect.gen(function* () {
      const link = { source_request_id: "p1", child_session_id: "kid", execution_mode: "blocking" }
      assert.include(
        yield* refusal(...family, requestEnd({ id: "c2", start: 2000, session: "kid", parent: "other" })),
        "session kid has conflicting parent_session_id values: root and other"
      )
      assert.include(
        yield* refusal(...family, toolEnd({ ...link, execution_mode: "later" })),
        "t.jsonl:5: tool t has unsupported execution_mode later"
      )
      assert.include(
        yield* refusal(...family, toolEnd({ ...link, source_request_id: "zz" })),
        "tool t references unknown request_id zz"
      )
      assert.include(
        yield* refusal(...family, toolEnd({ ...link, consumer_request_id: "c1" })),
        "tool t request c1 belongs to a different session"
      )
      assert.include(
        yield* refusal(...family, toolEnd(link), toolEnd(link)),
        "multiple tool events reference child session kid"
      )
      assert.include(
        yield* refusal(...family, toolEnd({ ...link, source_request_id: "p2", consumer_request_id: "p1" })),
        "agentic request dependencies contain a cycle"
      )
    })
  )
})
