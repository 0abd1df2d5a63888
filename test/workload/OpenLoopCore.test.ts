import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { TraceError } from "../../src/trace/TraceError.ts"
import type { TraceRow } from "../../src/trace/TraceRow.ts"
import { SurveyFold } from "../../src/trace/TraceSurvey.ts"
import { OpenLoopCore } from "../../src/workload/OpenLoopCore.ts"
import type { OpenLoopOptions } from "../../src/workload/OpenLoopCore.ts"
import { drive, mapIdentity, row } from "./Drive.ts"

const surveyOf = (rows: ReadonlyArray<TraceRow>) => {
  const fold = new SurveyFold("t.jsonl")
  for (const each of rows) {
    const problem = fold.add(each, false)
    if (problem !== undefined) throw problem
  }
  const survey = fold.finish()
  if (survey instanceof TraceError) throw survey
  return survey
}

/** The core as a trace would get it, or with all rows read first. */
const coreFor = (rows: ReadonlyArray<TraceRow>, changes: Partial<OpenLoopOptions> = {}) => {
  const { order, originMs, plansOutputs, sessionTurns } = surveyOf(rows)
  return new OpenLoopCore({
    identity: mapIdentity(64),
    traceBlockTokens: 64,
    accumulatesPrompts: false,
    usesTokenRuns: plansOutputs,
    originMs,
    arrivalSpeedup: 1,
    order,
    turnsOf: (session) => sessionTurns?.[session] ?? 1,
    ...changes
  })
}

const schedule = (rows: ReadonlyArray<TraceRow>, changes: Partial<OpenLoopOptions> = {}) =>
  drive(coreFor(rows, changes), { rows }).requests.map(({ arrivalMs, promptTokens, sessionId, turnIndex }) => ({
    arrivalMs,
    promptTokens,
    sessionId,
    turnIndex
  }))

const RowPlan = Schema.Struct({
  session: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })),
  gapMs: Schema.Literals([0, 1, 7.25, 30]),
  delayMs: Schema.Literals([-1, 0, 3, 40])
})
const Plan = Schema.Struct({
  rows: Schema.Array(RowPlan).check(Schema.isMinLength(1)),
  arrivalSpeedup: Schema.Literals([1, 3]),
  chunkRows: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })),
  explicitDelays: Schema.Boolean
})

/** Rows with timestamps that grow; session 0 stands for no session; explicit delays only where allowed, -1 for none. */
const rowsOf = ({ explicitDelays, rows }: typeof Plan.Type): ReadonlyArray<TraceRow> => {
  let timestampMs = 100
  const seen = new Set<number>()
  return rows.map(({ delayMs, gapMs, session }, i) => {
    timestampMs += gapMs
    const later = session > 0 && seen.has(session)
    seen.add(session)
    return row(i + 1, {
      timestampMs,
      promptTokens: 64 + i,
      hashIds: [i, i],
      sessionId: session === 0 ? undefined : `s${session}`,
      delayMs: later && explicitDelays && delayMs >= 0 ? delayMs : undefined
    })
  })
}
const serviceMs = ({ promptTokens }: { readonly promptTokens: number }) => (promptTokens * 37) % 23
const facts = ({ requests }: ReturnType<typeof drive>) =>
  requests.map(({ arrivalMs, id, promptTokens, sessionId, turnIndex }) => [
    id,
    arrivalMs,
    promptTokens,
    sessionId,
    turnIndex
  ])

describe("OpenLoopCore", () => {
  it("subtracts the smallest timestamp, then divides by the speedup", () => {
    const rows = [row(1, { timestampMs: 0.1 }), row(2, { timestampMs: 0.4 })]
    assert.deepStrictEqual(
      schedule(rows, { arrivalSpeedup: 3 }).map((r) => r.arrivalMs),
      [0, 0.10000000000000002]
    )
  })

  it("sorts rows by time and keeps their order at equal times", () => {
    const rows = [5, 0, 0, 5].map((timestampMs, i) => row(i + 1, { timestampMs, promptTokens: i + 1 }))
    assert.deepStrictEqual(
      schedule(rows).map((r) => r.promptTokens),
      [2, 3, 1, 4]
    )
  })

  it("orders equal ready times by the first appearance of the session", () => {
    const rows = [
      row(1, { timestampMs: 5, sessionId: "q", promptTokens: 1 }),
      row(2, { timestampMs: 0, sessionId: "z", promptTokens: 2 }),
      row(3, { timestampMs: 5, promptTokens: 3 }),
      row(4, { timestampMs: 0, sessionId: "z", delayMs: 0, promptTokens: 4 }),
      row(5, { timestampMs: 5, sessionId: "q", delayMs: 5, promptTokens: 5 })
    ]
    // Served in 10 ms each: z's second turn is ready at 10, q's at 20.
    assert.deepStrictEqual(
      schedule(rows).map((r) => [r.promptTokens, r.arrivalMs]),
      [
        [2, 0],
        [1, 5],
        [3, 5],
        [4, 10],
        [5, 20]
      ]
    )
  })

  it("readies a later turn at the end of the previous one plus its delay, divided by the speedup", () => {
    const rows = [
      row(1, { timestampMs: 1000, sessionId: "a" }),
      row(2, { timestampMs: 1010, sessionId: "b" }),
      row(3, { sessionId: "a", delayMs: 50 }),
      row(4, { timestampMs: 1060, sessionId: "b" })
    ]
    assert.deepStrictEqual(schedule(rows, { arrivalSpeedup: 2 }), [
      { arrivalMs: 0, promptTokens: 64, sessionId: "a", turnIndex: 0 },
      { arrivalMs: 5, promptTokens: 64, sessionId: "b", turnIndex: 0 },
      { arrivalMs: 35, promptTokens: 64, sessionId: "a", turnIndex: 1 },
      { arrivalMs: 40, promptTokens: 64, sessionId: "b", turnIndex: 1 }
    ])
  })

  it("goes on with a session whose turn was rejected", () => {
    const rows = [row(1, { timestampMs: 0, sessionId: "a" }), row(2, { sessionId: "a", delayMs: 10 })]
    const { requests } = drive(coreFor(rows), { rows, isRejected: (request) => request.turnIndex === 0 })
    assert.deepStrictEqual(
      requests.map((request) => request.arrivalMs),
      [0, 10]
    )
  })

  it("gives rows without a session no session, and hands on hints, names and annotations", () => {
    const annotations = { request_kind: "tool" }
    const rows = [
      row(1, { timestampMs: 0, requestId: "r", priority: 2, strictPriority: 1, policyClass: "p", annotations })
    ]
    const [request] = drive(coreFor(rows), { rows }).requests
    assert.strictEqual(request?.sessionId, null)
    assert.strictEqual(request?.requestId, "r")
    assert.deepStrictEqual(request?.hints, { priority: 2, enginePriority: 2, strictPriority: 1, policyClass: "p" })
    assert.strictEqual(request?.annotations, annotations)
  })

  it("makes blocks of the prompt, and of planned outputs where there are any", () => {
    const plain = [
      row(1, { timestampMs: 0, promptTokens: 150, hashIds: [1, 2, 3] }),
      row(2, { timestampMs: 0, promptTokens: 100, hashIds: [1, 2] })
    ]
    assert.deepStrictEqual(
      drive(coreFor(plain), { rows: plain }).requests.map((r) => Array.from(r.blocks)),
      [[0, 1], [0]]
    )
    const outputTokenIds = Array.from({ length: 64 }, (_, i) => 100 + i)
    const planned = [
      row(1, { timestampMs: 0, promptTokens: 64, hashIds: [1], outputTokens: 64, outputTokenIds }),
      row(2, { timestampMs: 0, promptTokens: 64, hashIds: [1] })
    ]
    assert.deepStrictEqual(
      drive(coreFor(planned), { rows: planned }).requests.map((r) => Array.from(r.blocks)),
      [[0, 1], [0]]
    )
  })

  it("reads sorted rows just as far ahead as it must", () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => row(i + 1, { timestampMs: i * 7 }))
    const { mostRowsAhead, requests } = drive(coreFor(rows), { rows, chunkRows: 50 })
    assert.strictEqual(requests.length, 10_000)
    assert.isAtMost(mostRowsAhead, 100)
  })

  it.effect.prop("does the same whether rows stream in or are all read first", [Plan], ([plan]) =>
    Effect.sync(() => {
      const { arrivalSpeedup, chunkRows } = plan
      const rows = rowsOf(plan)
      const streamed = drive(coreFor(rows, { arrivalSpeedup }), { rows, chunkRows, serviceMs })
      const resident = drive(coreFor(rows, { arrivalSpeedup, order: "none" }), { rows, chunkRows, serviceMs })
      assert.deepStrictEqual(facts(streamed), facts(resident))
    })
  )

  it.effect.prop(
    "dispatches every row once, in order of arrival, turns of a session one after the other",
    [Plan],
    ([plan]) =>
      Effect.sync(() => {
        const rows = rowsOf(plan)
        const { dispatchMs, endMs, requests } = drive(coreFor(rows), { rows, chunkRows: plan.chunkRows })
        assert.deepStrictEqual(
          requests.map((r) => r.promptTokens).toSorted((a, b) => a - b),
          rows.map((r) => r.promptTokens)
        )
        const previous = new Map<string, number>()
        requests.forEach((request, i) => {
          assert.strictEqual(request.id, i)
          assert.strictEqual(request.arrivalMs, dispatchMs[i])
          if (i > 0) assert.isAtLeast(request.arrivalMs, requests[i - 1]!.arrivalMs)
          if (request.sessionId === null) return
          const before = previous.get(request.sessionId)
          assert.strictEqual(request.turnIndex, before === undefined ? 0 : requests[before]!.turnIndex + 1)
          if (before !== undefined) assert.isAtLeast(request.arrivalMs, endMs[before]!)
          previous.set(request.sessionId, i)
        })
      })
  )
})
