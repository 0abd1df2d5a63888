import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { RowOrder } from "../../src/trace/TraceSurvey.ts"
import { jsonLines, sourceOf } from "./TraceTexts.ts"

const row = (fields: object) => ({ input_length: 100, output_length: 3, hash_ids: [1, 2], ...fields })
const survey = (...rows: ReadonlyArray<object>) =>
  Effect.map(sourceOf(jsonLines(rows.map(row))), (source) => source.survey)
const refusal = (...rows: ReadonlyArray<object>) => Effect.map(Effect.flip(survey(...rows)), (error) => error.message)

describe("TraceSurvey", () => {
  it.effect("counts rows, sessions, tokens and clamped rows", () =>
    Effect.gen(function* () {
      const found = yield* survey(
        { timestamp: 10, session_id: "a" },
        { timestamp: 5, input_length: 9999 },
        { timestamp: 20, session_id: "a", output_length: 7 },
        { timestamp: 7, output_token_ids: [1, 2, 3] }
      )
      assert.strictEqual(found.rows, 4)
      assert.strictEqual(found.sessions, 3)
      assert.deepStrictEqual(Array.from(found.sessionTurns ?? []), [2, 1, 1])
      assert.strictEqual(found.originMs, 5)
      assert.strictEqual(found.promptTokens, 428)
      assert.strictEqual(found.outputTokens, 16)
      assert.strictEqual(found.clampedRows, 1)
      assert.isTrue(found.plansOutputs)
      assert.isTrue(found.multiTurn)
    })
  )

  it.effect("keeps rows without a session apart from sessions with a like name", () =>
    Effect.gen(function* () {
      const found = yield* survey({ timestamp: 0 }, { timestamp: 0 }, { timestamp: 5, session_id: "request_2" })
      assert.strictEqual(found.sessions, 3)
      assert.isFalse(found.multiTurn)
      assert.strictEqual(found.sessionTurns, undefined)
    })
  )

  const orders: ReadonlyArray<readonly [string, RowOrder, ReadonlyArray<object>]> = [
    ["sorted rows", "by-row", [{ timestamp: 0 }, { timestamp: 0 }, { timestamp: 3 }]],
    ["unsorted rows", "none", [{ timestamp: 1 }, { timestamp: 0 }]],
    [
      "sorted rows of interleaved sessions",
      "by-row",
      [
        { timestamp: 0, session_id: "a" },
        { timestamp: 1, session_id: "b" },
        { timestamp: 2, session_id: "a" },
        { timestamp: 2, session_id: "b" }
      ]
    ],
    [
      "whole sessions with explicit delays",
      "by-session",
      [
        { timestamp: 0, session_id: "a" },
        { session_id: "a", delay: 50 },
        { session_id: "a" },
        { timestamp: 10, session_id: "b" }
      ]
    ],
    [
      "a later turn that may come before a session read earlier",
      "none",
      [
        { timestamp: 0, session_id: "a" },
        { timestamp: 10, session_id: "b" },
        { session_id: "a", delay: 9 }
      ]
    ],
    [
      "a later turn that cannot",
      "by-session",
      [
        { timestamp: 0, session_id: "a" },
        { timestamp: 10, session_id: "b" },
        { session_id: "a", delay: 10 }
      ]
    ],
    ["missing timestamps", "none", [{ timestamp: 0 }, {}]]
  ]
  for (const [what, order, rows] of orders) {
    it.effect(`finds the order of ${what}: ${order}`, () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* survey(...rows)).order, order)
      })
    )
  }

  it.effect("notes a missing start without refusing it: a closed loop needs none", () =>
    Effect.gen(function* () {
      const found = yield* survey({ timestamp: 1 }, {}, { session_id: "s" })
      assert.match(
        found.openLoopProblem?.message ?? "",
        /^t\.jsonl:2: trace mode requires first_arrival_timestamp_ms for session request_2/
      )
      assert.strictEqual(found.closedLoopProblem, undefined)
    })
  )

  it.effect("notes a negative start without refusing it: an open loop counts from the smallest", () =>
    Effect.gen(function* () {
      const found = yield* survey({ timestamp: -10 }, { timestamp: 0 })
      assert.include(found.closedLoopProblem?.message, "session request_1 has invalid first_arrival_timestamp_ms -10")
      assert.strictEqual(found.openLoopProblem, undefined)
      assert.strictEqual(found.originMs, -10)
    })
  )

  it.effect("infers delays from the last timestamp seen in the session", () =>
    Effect.gen(function* () {
      yield* survey(
        { timestamp: 0, session_id: "a" },
        { session_id: "a" },
        { timestamp: 5, session_id: "a", delay: 1 },
        { timestamp: 6, session_id: "a" }
      )
      assert.include(
        yield* refusal({ session_id: "a" }, { timestamp: 5, session_id: "a" }),
        "t.jsonl:2: trace line 2 for session a cannot infer delay without a previous timestamp"
      )
      assert.include(
        yield* refusal({ timestamp: 5, session_id: "a" }, { timestamp: 4, session_id: "a" }),
        "t.jsonl:2: trace line 2 has invalid delay -1 (timestamp 4 after 5 in session a)"
      )
      assert.include(
        yield* refusal({ timestamp: 5, session_id: "a" }, { delay: -0.5, session_id: "a" }),
        "trace line 2 has invalid delay -0.5"
      )
    })
  )

  it.effect("refuses a delay on a first turn unless it is zero", () =>
    Effect.gen(function* () {
      yield* survey({ timestamp: 0, delay: 0 })
      assert.include(
        yield* refusal({ timestamp: 0, delay: 5 }),
        "trace line 1 sets delay on the first turn of session request_1"
      )
      assert.include(yield* refusal({ timestamp: 0, delay: -5, session_id: "x" }), "first turn of session x")
    })
  )

  it.effect("refuses empty prompts and empty files", () =>
    Effect.gen(function* () {
      assert.include(
        yield* refusal({ timestamp: 0, input_length: 0 }),
        "session request_1 turn 0 must have a positive input_length"
      )
      assert.include(
        yield* refusal({ timestamp: 0, session_id: "s" }, { session_id: "s", hash_ids: [] }),
        "t.jsonl:2: session s turn 1 must have a positive input_length"
      )
      assert.strictEqual(yield* refusal(), "t.jsonl: holds no requests")
    })
  )
})
