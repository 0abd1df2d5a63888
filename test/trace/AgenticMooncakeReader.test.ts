import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { agenticMooncakeRows } from "../../src/trace/AgenticMooncakeReader.ts"
import { file, linesOf, readOrRefuse } from "./TraceTexts.ts"

const good = { request_id: "r", timestamp: 0, input_length: 100, output_length: 3, hash_ids: [1, 2] }
const toolEvent = {
  tool_call_id: "t",
  tool_class: "search",
  status: "ok",
  started_at_unix_ms: 1,
  ended_at_unix_ms: 2,
  duration_ms: 1.5
}
const read = (changes: object) =>
  readOrRefuse(
    agenticMooncakeRows(linesOf(JSON.stringify({ ...good, ...changes }), 1 << 16), file, { traceBlockTokens: 64 })
  )

describe("agenticMooncakeRows", () => {
  it.effect("adds both waits and keeps dependencies as written", () =>
    Effect.gen(function* () {
      const rows = yield* read({ wait_for: ["a", "b", "a"], delay: 10, tool_wait_ms: 25, session_id: "s" })
      assert.deepStrictEqual(rows, [
        {
          line: 1,
          timestampMs: 0,
          promptTokens: 100,
          outputTokens: 3,
          hashIds: [1, 2],
          sessionId: "s",
          delayMs: 35,
          outputTokenIds: undefined,
          requestId: "r",
          priority: 0,
          strictPriority: 0,
          policyClass: undefined,
          className: undefined,
          statedTokens: 100,
          waitFor: ["a", "b", "a"]
        }
      ])
    })
  )

  it.effect("carries along what has no effect", () =>
    Effect.gen(function* () {
      const annotations = {
        request_kind: "agent",
        prefix_reset: true,
        branches: ["x"],
        tool_events: [{ ...toolEvent, output_bytes: 3, error_type: null }]
      }
      const rows = yield* read(annotations)
      assert.deepStrictEqual(typeof rows === "string" ? rows : rows[0]?.annotations, annotations)
    })
  )

  it.effect("accepts a negative delay that the tool wait makes up for", () =>
    Effect.gen(function* () {
      const rows = yield* read({ delay: -5, tool_wait_ms: 8 })
      assert.strictEqual(typeof rows === "string" ? rows : rows[0]?.delayMs, 3)
    })
  )

  const refused: ReadonlyArray<readonly [string, object, string]> = [
    ["a missing request_id", { request_id: undefined }, "t.jsonl:1: request_id is missing"],
    ["a blank request_id", { request_id: "  " }, "trace line 1 has empty request_id"],
    ["a request_id that is no text", { request_id: 3 }, "request_id: expected string, got 3"],
    ["null dependencies", { wait_for: null }, "wait_for: expected array, got null"],
    ["a dependency that is no text", { wait_for: ["a", 1] }, "wait_for[1]: expected string, got 1"],
    ["a prefix_reset that is no flag", { prefix_reset: 1 }, "prefix_reset: expected true or false, got 1"],
    ["an incomplete tool event", { tool_events: [{ tool_call_id: "x" }] }, "tool_events[0].tool_class is missing"],
    [
      "a negative time in a tool event",
      { tool_events: [{ ...toolEvent, started_at_unix_ms: -1 }] },
      "tool_events[0].started_at_unix_ms: expected an integer"
    ],
    [
      "a prompt longer than its hash ids",
      { input_length: 1000 },
      "trace line 1 has input_length 1000 but only 128 tokens can be synthesized from 2 hash_ids at trace_block_size 64"
    ],
    ["an empty prompt", { hash_ids: [], input_length: undefined }, "trace line 1 must have a positive input_length"],
    ["a negative wait", { delay: -5 }, "trace line 1 has invalid dependency delay -5"],
    ["a negative timestamp", { timestamp: -1 }, "trace line 1 has invalid timestamp -1"],
    ["a missing output_length", { output_length: undefined }, "trace line 1 is missing output_length"]
  ]
  for (const [what, changes, message] of refused) {
    it.effect(`refuses ${what}`, () =>
      Effect.gen(function* () {
        const result = yield* read(changes)
        assert.isString(result)
        assert.include(result, message)
      })
    )
  }
})
