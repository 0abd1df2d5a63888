import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { TraceRow } from "../../src/trace/TraceRow.ts"
import { ClosedLoopCore } from "../../src/workload/ClosedLoopCore.ts"
import { OpenLoopCore } from "../../src/workload/OpenLoopCore.ts"
import { TokenRuns } from "../../src/workload/TokenRuns.ts"
import { drive, mapIdentity, row } from "./Drive.ts"

const prompts = { traceBlockTokens: 64, usesTokenRuns: true, accumulatesPrompts: true }
const openLoop = (turns: number) =>
  new OpenLoopCore({
    ...prompts,
    identity: mapIdentity(64, 64),
    originMs: 0,
    arrivalSpeedup: 1,
    order: "by-session",
    turnsOf: () => turns
  })
const turn = (index: number, fields: Partial<TraceRow>) =>
  row(index + 1, { sessionId: "a", ...(index === 0 ? { timestampMs: 0 } : { delayMs: 5 }), ...fields })

describe("prompts that accumulate", () => {
  it("follow all that was said and heard before", () => {
    const rows = [
      turn(0, { promptTokens: 100, outputTokens: 3, hashIds: [1, 2] }),
      turn(1, { promptTokens: 30, outputTokens: 2, hashIds: [3] }),
      turn(2, { promptTokens: 64, outputTokens: 2, hashIds: [4] })
    ]
    const { requests } = drive(openLoop(3), { rows })
    assert.deepStrictEqual(
      requests.map((request) => request.promptTokens),
      [100, 133, 199]
    )
    const closed = new ClosedLoopCore({ ...prompts, identity: mapIdentity(64), concurrency: 1, turnsOf: () => 3 })
    assert.deepStrictEqual(
      drive(closed, { rows }).requests.map((request) => request.promptTokens),
      [100, 133, 199]
    )
  })

  it("share the blocks that generated tokens complete with the next turn, and with nobody else", () => {
    const rows = ["a", "b"].flatMap((sessionId, i) => [
      turn(0, { sessionId, timestampMs: i * 1000, promptTokens: 100, outputTokens: 60, hashIds: [1, 2] }),
      turn(1, { sessionId, promptTokens: 30, outputTokens: 1, hashIds: [3] })
    ])
    const [first, second, otherFirst, otherSecond] = drive(openLoop(2), { rows }).requests.map((r) =>
      Array.from(r.blocks)
    )
    assert.deepStrictEqual(second, first)
    assert.strictEqual(otherFirst?.[0], first?.[0])
    assert.notStrictEqual(otherFirst?.[1], first?.[1])
    assert.deepStrictEqual(otherSecond, otherFirst)
  })

  it("share planned tokens with whoever generates the same", () => {
    const outputTokenIds = Array.from({ length: 64 }, (_, i) => 100 + i)
    const rows = ["a", "b"].map((sessionId, i) =>
      turn(0, { sessionId, timestampMs: i * 500, promptTokens: 64, hashIds: [1], outputTokens: 64, outputTokenIds })
    )
    const [first, second] = drive(openLoop(1), { rows }).requests.map((r) => Array.from(r.blocks))
    assert.deepStrictEqual(first, [0, 1])
    assert.deepStrictEqual(second, first)
  })

  it("keep what a rejected turn said, and nothing that it would have heard", () => {
    const rows = [
      turn(0, { promptTokens: 700, outputTokens: 3, hashIds: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] }),
      turn(1, { promptTokens: 10, outputTokens: 3, hashIds: [1, 2] })
    ]
    const { requests } = drive(openLoop(2), { rows, isRejected: () => true })
    assert.deepStrictEqual(
      requests.map((request) => [request.promptTokens, request.arrivalMs]),
      [
        [700, 0],
        [710, 5]
      ]
    )
  })
})

describe("TokenRuns", () => {
  it.effect.prop(
    "truncates like a list of tokens",
    [
      Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 }))),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 }))
    ],
    ([counts, kept]) =>
      Effect.sync(() => {
        const runs = new TokenRuns()
        counts.forEach((count, symbol) => runs.push(symbol, count))
        const tokens = () => runs.symbols.flatMap((symbol, i) => Array.from({ length: runs.counts[i]! }, () => symbol))
        const before = tokens()
        runs.truncate(kept)
        assert.deepStrictEqual(tokens(), before.slice(0, kept))
        assert.strictEqual(runs.tokens, Math.min(kept, before.length))
      })
  )
})
