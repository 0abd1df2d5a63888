import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { agenticMooncakeRows } from "../../src/trace/AgenticMooncakeReader.ts"
import { surveyAgentic } from "../../src/trace/AgenticSurvey.ts"
import { file, jsonLines, linesOf } from "./TraceTexts.ts"

const row = (fields: object) => ({ timestamp: 0, output_length: 3, hash_ids: [1, 2], ...fields })
const survey = (...rows: ReadonlyArray<object>) =>
  surveyAgentic(agenticMooncakeRows(linesOf(jsonLines(rows.map(row)), 1 << 16), file, { traceBlockTokens: 64 }), file)
const refusal = (...rows: ReadonlyArray<object>) => Effect.map(Effect.flip(survey(...rows)), (error) => error.message)

describe("surveyAgentic", () => {
  it.effect("resolves names, also of rows that come later", () =>
    Effect.gen(function* () {
      const { graph, survey: found } = yield* survey(
        { request_id: "b", wait_for: ["c", "a"], session_id: "s" },
        { request_id: "a", timestamp: 40 },
        { request_id: "c", wait_for: ["a"], timestamp: 30, session_id: "s" }
      )
      assert.deepStrictEqual(Array.from(graph.dependencies), [2, 0, 1])
      assert.deepStrictEqual(Array.from(graph.dependentEnds), [0, 2, 3])
      assert.deepStrictEqual(Array.from(graph.dependents), [0, 2, 0])
      assert.strictEqual(found.rows, 3)
      assert.strictEqual(found.sessions, 2)
      assert.strictEqual(found.order, "none")
      assert.include(
        found.closedLoopProblem?.problem,
        "agentic_mooncake trace format is not supported with replay_concurrency"
      )
    })
  )

  it.effect("counts from the smallest timestamp, be it of a row that waits", () =>
    Effect.gen(function* () {
      const { survey: found } = yield* survey(
        { request_id: "a", timestamp: 100 },
        { request_id: "b", timestamp: 40, wait_for: ["a"] }
      )
      assert.strictEqual(found.originMs, 40)
      assert.strictEqual((yield* survey({ request_id: "a", timestamp: undefined })).survey.originMs, 0)
    })
  )

  it.effect("lets rows stream when none can be ready before an earlier root", () =>
    Effect.gen(function* () {
      const ordered = yield* survey(
        { request_id: "a" },
        { request_id: "b", wait_for: ["a"], delay: 10 },
        { request_id: "c", timestamp: 10 },
        { request_id: "d", wait_for: ["a", "c"] }
      )
      assert.strictEqual(ordered.survey.order, "by-session")
      const late = yield* survey(
        { request_id: "a" },
        { request_id: "c", timestamp: 10 },
        { request_id: "b", wait_for: ["a"], delay: 9 }
      )
      assert.strictEqual(late.survey.order, "none")
    })
  )

  it.effect("refuses graphs that could never finish, naming the row", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* refusal(), "t.jsonl: holds no requests")
      assert.include(
        yield* refusal({ request_id: "a" }, { request_id: "a" }),
        "t.jsonl:2: trace line 2 duplicates request_id a"
      )
      assert.include(
        yield* refusal({ request_id: "a" }, { request_id: "b", wait_for: ["a", "zz"] }),
        "t.jsonl:2: request b waits for unknown request_id zz"
      )
      assert.include(
        yield* refusal({ request_id: "a", wait_for: ["a"] }),
        "t.jsonl:1: request a cannot wait for itself"
      )
      assert.include(
        yield* refusal({ request_id: "x" }, { request_id: "a", wait_for: ["b"] }, { request_id: "b", wait_for: ["a"] }),
        "t.jsonl:2: cycle detected at request a"
      )
    })
  )
})
