import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { AgenticRow } from "../../src/trace/AgenticMooncakeReader.ts"
import { AgenticFold } from "../../src/trace/AgenticSurvey.ts"
import { TraceError } from "../../src/trace/TraceError.ts"
import { AgenticCore } from "../../src/workload/AgenticCore.ts"
import { drive, mapIdentity, row } from "./Drive.ts"

const agenticRow = (requestId: string, fields: Partial<AgenticRow> = {}): AgenticRow => ({
  ...row(1),
  requestId,
  waitFor: [],
  delayMs: 0,
  ...fields
})

const surveyOf = (rows: ReadonlyArray<AgenticRow>) => {
  const fold = new AgenticFold({ file: "t.jsonl", noRequests: "", cycle: String, noClosedLoop: "" })
  for (const each of rows) {
    const problem = fold.add(each)
    if (problem !== undefined) throw problem
  }
  const result = fold.finish()
  if (result instanceof TraceError) throw result
  return result
}

const coreFor = (rows: ReadonlyArray<AgenticRow>, arrivalSpeedup = 1, streamable = true) => {
  const { graph, survey } = surveyOf(rows)
  return new AgenticCore({
    identity: mapIdentity(64),
    traceBlockTokens: 64,
    usesTokenRuns: false,
    graph,
    originMs: survey.originMs ?? 0,
    arrivalSpeedup,
    streamable: streamable && survey.order !== "none"
  })
}

const schedule = ({ requests }: ReturnType<typeof drive>) => requests.map((r) => [r.requestId, r.arrivalMs])

/** Requests that wait for some of the earlier ones, in any order of the file. */
const Plan = Schema.Struct({
  requests: Schema.Array(
    Schema.Struct({
      back: Schema.Array(Schema.Literals([1, 2, 3, 5])).check(Schema.isMaxLength(3)),
      gapMs: Schema.Literals([0, 1, 12.5]),
      delayMs: Schema.Literals([0, 2, 40]),
      key: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))
    })
  ).check(Schema.isMinLength(1)),
  arrivalSpeedup: Schema.Literals([1, 3]),
  chunkRows: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 })),
  shuffled: Schema.Boolean
})

const rowsOf = ({ requests, shuffled }: typeof Plan.Type): ReadonlyArray<AgenticRow> => {
  let timestampMs = 0
  const rows = requests.map(({ back, delayMs, gapMs, key }, i) => {
    timestampMs += gapMs
    const waitFor = back.filter((distance) => distance <= i).map((distance) => `r${i - distance}`)
    return { key, row: agenticRow(`r${i}`, { timestampMs, delayMs, waitFor, promptTokens: 64 + i }) }
  })
  return (shuffled ? rows.toSorted((a, b) => a.key - b.key) : rows).map((each) => each.row)
}

const serviceMs = ({ promptTokens }: { readonly promptTokens: number }) => (promptTokens * 37) % 23

describe("AgenticCore", () => {
  it("starts what waits for nothing at its time and the rest after its last dependency", () => {
    const rows = [
      agenticRow("a", { timestampMs: 100, delayMs: 77 }),
      agenticRow("b", { timestampMs: 40, waitFor: ["a"], delayMs: 7 }),
      agenticRow("c", { timestampMs: 130, waitFor: ["a", "b", "a"], delayMs: 0 }),
      agenticRow("d", {})
    ]
    assert.deepStrictEqual(schedule(drive(coreFor(rows), { rows })), [
      ["d", 0],
      ["a", 60],
      ["b", 77],
      ["c", 87]
    ])
    assert.deepStrictEqual(schedule(drive(coreFor(rows, 2), { rows })), [
      ["d", 0],
      ["a", 30],
      ["b", 43.5],
      ["c", 53.5]
    ])
  })

  it("breaks ties by the position in the trace and goes on after a rejection", () => {
    const rows = [
      agenticRow("root", { timestampMs: 0 }),
      agenticRow("b", { waitFor: ["root"], delayMs: 5 }),
      agenticRow("a", { waitFor: ["root"], delayMs: 5 })
    ]
    const run = drive(coreFor(rows), { rows, isRejected: (request) => request.requestId === "root" })
    assert.deepStrictEqual(schedule(run), [
      ["root", 0],
      ["b", 5],
      ["a", 5]
    ])
  })

  it("hands on sessions and keeps only as many rows as wait", () => {
    const rows = Array.from({ length: 4000 }, (_, i) =>
      agenticRow(`r${i}`, {
        timestampMs: i * 20,
        sessionId: i % 2 === 0 ? `s${i}` : undefined,
        waitFor: i % 2 === 0 ? [] : [`r${i - 1}`],
        delayMs: 40
      })
    )
    const { mostRowsAhead, requests } = drive(coreFor(rows), { rows, chunkRows: 8 })
    assert.strictEqual(requests.length, 4000)
    assert.strictEqual(requests.find((request) => request.requestId === "r6")?.sessionId, "s6")
    assert.strictEqual(requests.find((request) => request.requestId === "r7")?.sessionId, null)
    assert.isAtMost(mostRowsAhead, 24)
  })

  it.effect.prop(
    "respects every dependency of a random graph, dispatches every row once, in order of arrival",
    [Plan],
    ([plan]) =>
      Effect.sync(() => {
        const rows = rowsOf(plan)
        const { endMs, requests } = drive(coreFor(rows, plan.arrivalSpeedup), {
          rows,
          chunkRows: plan.chunkRows,
          serviceMs
        })
        const byName = new Map(requests.map((request) => [request.requestId, request]))
        assert.strictEqual(byName.size, rows.length)
        assert.strictEqual(requests.length, rows.length)
        const originMs = Math.min(...rows.map((each) => each.timestampMs ?? 0))
        for (const { delayMs, requestId, timestampMs = 0, waitFor } of rows) {
          const ends = waitFor.map((name) => endMs[byName.get(name)!.id]!)
          const expected =
            waitFor.length === 0
              ? (timestampMs - originMs) / plan.arrivalSpeedup
              : Math.max(...ends) + delayMs / plan.arrivalSpeedup
          assert.strictEqual(byName.get(requestId)?.arrivalMs, expected)
        }
        requests.forEach((request, i) => {
          if (i > 0) assert.isAtLeast(request.arrivalMs, requests[i - 1]!.arrivalMs)
        })
      })
  )

  it.effect.prop("does the same whether rows stream in or are all read first", [Plan], ([plan]) =>
    Effect.sync(() => {
      const rows = rowsOf(plan)
      const options = { rows, chunkRows: plan.chunkRows, serviceMs }
      assert.deepStrictEqual(
        schedule(drive(coreFor(rows, plan.arrivalSpeedup), options)),
        schedule(drive(coreFor(rows, plan.arrivalSpeedup, false), options))
      )
    })
  )
})
