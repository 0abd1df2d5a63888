import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { TraceRow } from "../../src/trace/TraceRow.ts"
import { ClosedLoopCore } from "../../src/workload/ClosedLoopCore.ts"
import { drive, mapIdentity, row } from "./Drive.ts"

const turnCounts = (rows: ReadonlyArray<TraceRow>) => {
  const counts = new Map<string, number>()
  rows.forEach(({ sessionId }, i) => {
    const name = sessionId ?? `row ${i}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  })
  const turns = [...counts.values()]
  return (session: number) => turns[session]!
}

const coreFor = (rows: ReadonlyArray<TraceRow>, concurrency: number, surveyed = true) =>
  new ClosedLoopCore({
    identity: mapIdentity(64),
    traceBlockTokens: 64,
    accumulatesPrompts: false,
    usesTokenRuns: false,
    concurrency,
    turnsOf: surveyed ? turnCounts(rows) : undefined
  })

/** Four sessions of two turns each, all first turns first. */
const fourSessions = [0, 1].flatMap((turn) =>
  [0, 1, 2, 3].map((session) =>
    row(turn * 4 + session + 1, {
      sessionId: `s${session}`,
      delayMs: turn === 0 ? undefined : 20,
      timestampMs: turn === 0 ? 99 - session : undefined
    })
  )
)
const order = ({ requests }: ReturnType<typeof drive>) => requests.map((r) => [r.sessionId, r.turnIndex, r.arrivalMs])

describe("ClosedLoopCore", () => {
  it("keeps a session's slot through its think time and takes sessions in file order", () => {
    assert.deepStrictEqual(order(drive(coreFor(fourSessions, 2), { rows: fourSessions })), [
      ["s0", 0, 0],
      ["s1", 0, 0],
      ["s0", 1, 30],
      ["s1", 1, 30],
      ["s2", 0, 40],
      ["s3", 0, 40],
      ["s2", 1, 70],
      ["s3", 1, 70]
    ])
  })

  it("runs one session after the other at concurrency 1", () => {
    assert.deepStrictEqual(
      order(drive(coreFor(fourSessions, 1), { rows: fourSessions })).map(([session, turn]) => `${session}.${turn}`),
      ["s0.0", "s0.1", "s1.0", "s1.1", "s2.0", "s2.1", "s3.0", "s3.1"]
    )
  })

  it("takes the moment of dispatch for the arrival, not the ready time", () => {
    const rows = [row(1, { sessionId: "a" }), row(2, { sessionId: "a", delayMs: 5 })]
    const core = coreFor(rows, 1)
    core.pushRows(rows)
    const first = core.popReady(0)!
    core.onTerminal(first, 100)
    assert.strictEqual(core.nextReadyMs(), 105)
    assert.strictEqual(core.popReady(104), undefined)
    assert.strictEqual(core.popReady(111)?.arrivalMs, 111)
  })

  it("reads only as many rows as the active sessions need", () => {
    const rows = Array.from({ length: 1000 }, (_, i) =>
      row(i + 1, { sessionId: `s${Math.floor(i / 2)}`, delayMs: i % 2 === 0 ? undefined : 3 })
    )
    const { mostInFlight, mostRowsAhead, requests } = drive(coreFor(rows, 3), { rows, chunkRows: 4 })
    assert.strictEqual(requests.length, 1000)
    assert.strictEqual(mostInFlight, 3)
    assert.isAtMost(mostRowsAhead, 12)
  })

  it("has room for more sessions than there are", () => {
    const rows = [row(1), row(2), row(3)]
    const { dispatchMs } = drive(coreFor(rows, 1_000_000), { rows, chunkRows: 1 })
    assert.deepStrictEqual(dispatchMs, [0, 0, 0])
  })

  it.effect.prop(
    "dispatches every row once, never more sessions than allowed, alike with and without a survey",
    [
      Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 6 }))).check(Schema.isMinLength(1)),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 })),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 }))
    ],
    ([sessions, concurrency, chunkRows]) =>
      Effect.sync(() => {
        const seen = new Set<number>()
        const rows = sessions.map((session, i) => {
          const later = session > 0 && seen.has(session)
          seen.add(session)
          return row(i + 1, {
            promptTokens: 64 + i,
            hashIds: [i, i],
            sessionId: session === 0 ? undefined : `s${session}`,
            delayMs: later ? (i * 13) % 7 : undefined
          })
        })
        const options = {
          rows,
          chunkRows,
          serviceMs: ({ promptTokens }: { readonly promptTokens: number }) => (promptTokens * 37) % 23
        }
        const surveyed = drive(coreFor(rows, concurrency), options)
        const unsurveyed = drive(coreFor(rows, concurrency, false), options)
        assert.deepStrictEqual(order(surveyed), order(unsurveyed))
        assert.isAtMost(surveyed.mostInFlight, concurrency)
        assert.deepStrictEqual(
          surveyed.requests.map((r) => r.promptTokens).toSorted((a, b) => a - b),
          rows.map((r) => r.promptTokens)
        )
      })
  )
})
