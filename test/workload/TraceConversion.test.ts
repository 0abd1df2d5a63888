import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { agenticMooncakeRows } from "../../src/trace/AgenticMooncakeReader.ts"
import { surveyAgentic } from "../../src/trace/AgenticSurvey.ts"
import type { TraceRow } from "../../src/trace/TraceRow.ts"
import type { TraceSource } from "../../src/trace/TraceSource.ts"
import { OpenLoopCore } from "../../src/workload/OpenLoopCore.ts"
import { convertTrace } from "../../src/workload/TraceConversion.ts"
import { wholePrompts } from "../../src/workload/WholePrompts.ts"
import { file, jsonLines, linesOf, mooncake, sourceOf } from "../trace/TraceTexts.ts"
import { drive, mapIdentity } from "./Drive.ts"

const traceBlockTokens = 16

const integer = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Turn = Schema.Struct({
  session: integer(0, 3),
  promptTokens: integer(1, 40),
  outputTokens: integer(1, 20),
  firstId: integer(0, 2),
  plansOutputs: Schema.Boolean
})

/** Turns of four sessions; few ids, so that sessions share prefixes. */
const rowsOf = (turns: ReadonlyArray<typeof Turn.Type>) =>
  turns.map(({ firstId, outputTokens, plansOutputs, promptTokens, session }, index) => ({
    timestamp: index,
    session_id: `s${session}`,
    input_length: promptTokens,
    output_length: outputTokens,
    hash_ids: Array.from({ length: Math.ceil(promptTokens / traceBlockTokens) }, (_, block) => firstId + block),
    ...(plansOutputs ? { output_token_ids: Array.from({ length: outputTokens }, () => firstId) } : {})
  }))

const deltaOf = (rows: ReadonlyArray<object>) =>
  Effect.map(sourceOf(jsonLines(rows), traceBlockTokens), (trace): TraceSource => ({
    ...trace,
    accumulatesPrompts: true
  }))

/** Requests of a replay of the rows as they are. */
const replayed = (trace: TraceSource, rows: ReadonlyArray<TraceRow>, blockTokens: number) => {
  const { sessionTurns } = trace.survey
  const core = new OpenLoopCore({
    identity: mapIdentity(blockTokens, traceBlockTokens),
    traceBlockTokens,
    usesTokenRuns: true,
    accumulatesPrompts: true,
    originMs: 0,
    arrivalSpeedup: 1,
    order: "none",
    turnsOf: (session) => sessionTurns?.[session] ?? 1
  })
  return drive(core, { rows }).requests
}

/** For each element the position of the first that is equal. */
const classes = (values: ReadonlyArray<number | bigint>): ReadonlyArray<number> =>
  values.map((value) => values.indexOf(value))

describe("wholePrompts", () => {
  it.effect.prop(
    "gives the prompts of a replay, with equal ids for equal prefixes",
    [Schema.Array(Turn).check(Schema.isMinLength(1), Schema.isMaxLength(12)), Schema.Literals([4, 16, 24])],
    ([turns, blockTokens]) =>
      Effect.gen(function* () {
        const trace = yield* deltaOf(rowsOf(turns))
        const rows = yield* Stream.runCollect(trace.rows)
        const whole = yield* Stream.runCollect(wholePrompts(trace, blockTokens))
        // Requests in the order of their rows: a session's turns are in order, and rows name the session.
        const requests = replayed(trace, rows, blockTokens)
        const queues = new Map<string | null, Array<(typeof requests)[number]>>()
        for (const request of requests.toSorted((a, b) => a.turnIndex - b.turnIndex)) {
          queues.set(request.sessionId, [...(queues.get(request.sessionId) ?? []), request])
        }
        const inOrder = rows.map(({ sessionId }) => queues.get(sessionId ?? null)!.shift()!)
        assert.deepStrictEqual(
          whole.map(({ promptTokens }) => promptTokens),
          inOrder.map(({ promptTokens }) => promptTokens)
        )
        const full = (blocks: ArrayLike<number | bigint>, promptTokens: number) =>
          Array.from(blocks).slice(0, Math.floor(promptTokens / blockTokens))
        assert.deepStrictEqual(
          classes(whole.flatMap(({ hashIds, promptTokens }) => full(hashIds, promptTokens))),
          classes(inOrder.flatMap(({ blocks, promptTokens }) => full(blocks, promptTokens)))
        )
        for (const { hashIds, promptTokens } of whole)
          assert.strictEqual(hashIds.length, Math.ceil(promptTokens / blockTokens))
      })
  )

  it.effect("gives equal last blocks to equal prompts", () =>
    Effect.gen(function* () {
      const turn = (session_id: string) => ({
        timestamp: 0,
        session_id,
        input_length: 20,
        output_length: 1,
        hash_ids: [7, 8]
      })
      const trace = yield* deltaOf([turn("a"), turn("b"), turn("a")])
      const [first, second, third] = yield* Stream.runCollect(wholePrompts(trace, 16))
      assert.deepStrictEqual(second?.hashIds, first?.hashIds)
      assert.notStrictEqual(third?.hashIds[1], first?.hashIds[1])
    })
  )
})

describe("convertTrace", () => {
  const textOf = (trace: TraceSource, to: "mooncake" | "agentic_mooncake", blockTokens?: number) =>
    Effect.gen(function* () {
      const converted = Result.getOrThrow(convertTrace(trace, { to, blockTokens }))
      return { ...converted, text: (yield* Stream.runCollect(converted.text)).join("") }
    })

  const agenticOf = (rows: ReadonlyArray<object>) =>
    Effect.gen(function* () {
      const read = agenticMooncakeRows(linesOf(jsonLines(rows)), file, { traceBlockTokens })
      const { graph, survey } = yield* surveyAgentic(read, file)
      return {
        file,
        traceBlockTokens,
        survey,
        accumulatesPrompts: false,
        graph,
        notices: [],
        remarks: [],
        rows: read
      } satisfies TraceSource
    })

  const graphRows = [
    {
      request_id: "a",
      timestamp: 5,
      input_length: 20,
      output_length: 2,
      hash_ids: [1, 2],
      branches: ["b"],
      request_kind: "plan"
    },
    {
      request_id: "b",
      session_id: "s",
      input_length: 16,
      output_length: 1,
      hash_ids: [1],
      wait_for: ["a"],
      delay: 3,
      tool_wait_ms: 4,
      priority: 2,
      tool_events: [
        {
          tool_call_id: "t",
          tool_class: "search",
          status: "ok",
          started_at_unix_ms: 1,
          ended_at_unix_ms: 2,
          duration_ms: 1,
          output_bytes: 3
        }
      ]
    }
  ]

  it.effect("writes a graph so that the same is read back", () =>
    Effect.gen(function* () {
      const trace = yield* agenticOf(graphRows)
      const { text } = yield* textOf(trace, "agentic_mooncake")
      const again = agenticMooncakeRows(linesOf(text), file, { traceBlockTokens })
      assert.deepStrictEqual(yield* Stream.runCollect(again), yield* Stream.runCollect(trace.rows))
      assert.notInclude(text.split("\n")[0], "delay")
    })
  )

  it.effect("carries 64-bit integers of tools along as well as JSON can", () =>
    Effect.gen(function* () {
      const [, row] = graphRows
      const text = JSON.stringify({ ...row, wait_for: [] }).replace(
        '"output_bytes":3',
        '"output_bytes":18446744073709551615'
      )
      const read = yield* Stream.runCollect(agenticMooncakeRows(linesOf(text), file, { traceBlockTokens }))
      assert.deepStrictEqual(JSON.parse(JSON.stringify(read[0]?.annotations)).tool_events[0].output_bytes, 2 ** 64)
    })
  )

  it.effect("writes whole prompts for accumulating ones, in blocks of any size", () =>
    Effect.gen(function* () {
      const trace = yield* deltaOf([
        { timestamp: 0, session_id: "s", input_length: 20, output_length: 2, hash_ids: [1, 2] },
        { session_id: "s", input_length: 10, output_length: 2, hash_ids: [3], delay: 7 }
      ])
      const { text, traceBlockTokens: written } = yield* textOf(trace, "mooncake", 8)
      assert.strictEqual(written, 8)
      const rows = yield* Stream.runCollect(mooncake(text, 8))
      assert.deepStrictEqual(
        rows.map((row) => [row.promptTokens, row.hashIds, row.delayMs]),
        [
          [20, [0, 1, 2], undefined],
          [32, [0, 1, 3, 4], 7]
        ]
      )
    })
  )

  it.effect("refuses what the format cannot say", () =>
    Effect.gen(function* () {
      const graph = yield* agenticOf(graphRows)
      assert.match(
        Result.getOrThrow(Result.flip(convertTrace(graph, { to: "mooncake" }))),
        /wait for each other by name.*agentic_mooncake can$/
      )
      const plain = yield* sourceOf(jsonLines([{ timestamp: 0, input_length: 5, output_length: 1, hash_ids: [1] }]))
      assert.match(
        Result.getOrThrow(Result.flip(convertTrace(plain, { to: "agentic_mooncake" }))),
        /do not wait for each other/
      )
    })
  )
})
