import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { AppliedComputeOptions } from "../../src/trace/AppliedComputeReader.ts"
import { appliedComputeRows } from "../../src/trace/AppliedComputeReader.ts"
import { file, jsonLines, linesOf, readOrRefuse } from "./TraceTexts.ts"

const session = {
  num_turns: 2,
  input_prompt_length: 100,
  assistant_response_length: [10, 20],
  tool_call_output_length: [30, 40],
  tool_call_latency: [0.05, 0.1],
  final_assistant_response_length: 5
}
const single = {
  num_turns: 0,
  input_prompt_length: 192,
  assistant_response_length: [],
  tool_call_output_length: [],
  tool_call_latency: [],
  final_assistant_response_length: 3
}
const readAll = (text: string, options: Partial<AppliedComputeOptions> = {}) =>
  readOrRefuse(
    appliedComputeRows(linesOf(text, 1 << 16), file, {
      traceBlockTokens: 64,
      sharedPrefixRatio: 0,
      prefixGroups: 0,
      ...options
    })
  )
const rowsOf = (text: string, options: Partial<AppliedComputeOptions> = {}) =>
  Effect.map(readAll(text, options), (rows) => {
    if (typeof rows === "string") throw new Error(rows)
    return rows
  })
const idsOf = (text: string, options: Partial<AppliedComputeOptions>) =>
  Effect.map(rowsOf(text, options), (rows) => rows.map((row) => Array.from(row.hashIds)))

describe("appliedComputeRows", () => {
  it.effect("makes the turns of a session of each line", () =>
    Effect.gen(function* () {
      const rows = yield* rowsOf(`\n${jsonLines([session])}`)
      assert.deepStrictEqual(
        rows.map((row) => [
          row.line,
          row.sessionId,
          row.promptTokens,
          row.outputTokens,
          row.delayMs,
          Array.from(row.hashIds)
        ]),
        [
          [2, "applied_compute_agentic_session_2", 100, 10, undefined, [1, 2]],
          [2, "applied_compute_agentic_session_2", 140, 20, 50, [1, 2, 3]],
          [2, "applied_compute_agentic_session_2", 200, 5, 100, [1, 2, 3, 4]]
        ]
      )
    })
  )

  it.effect("numbers private blocks through the whole file", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* idsOf(jsonLines([single, single]), {}), [
        [1, 2, 3],
        [4, 5, 6]
      ])
    })
  )

  it.effect("shares the rounded part of the first prompt in one group", () =>
    Effect.gen(function* () {
      const options = { sharedPrefixRatio: 0.5, prefixGroups: 1 }
      assert.deepStrictEqual(yield* idsOf(jsonLines([single, single]), options), [
        [0, 1, 1],
        [0, 1, 2]
      ])
      assert.deepStrictEqual(yield* idsOf(jsonLines([single]), { ...options, prefixGroups: 0 }), [[1, 2, 3]])
    })
  )

  it.effect("gives every group a prefix of its own", () =>
    Effect.gen(function* () {
      const ids = yield* idsOf(jsonLines([single, single, single]), { sharedPrefixRatio: 1, prefixGroups: 2 })
      assert.deepStrictEqual(ids[0], ids[2])
      assert.notStrictEqual(ids[0]?.[0], ids[1]?.[0])
    })
  )

  const refused: ReadonlyArray<readonly [string, object, string]> = [
    ["a missing list", { tool_call_latency: undefined }, "t.jsonl:1: tool_call_latency is missing"],
    [
      "lists of another length",
      { tool_call_output_length: [1] },
      "trace line 1 field tool_call_output_length length 1 does not match num_turns 2"
    ],
    ["an empty prompt", { input_prompt_length: 0 }, "trace line 1 input_prompt_length must be positive"],
    [
      "a negative latency",
      { tool_call_latency: [0, -1] },
      "trace line 1 tool_call_latency[1] must be a finite non-negative number, got -1"
    ],
    [
      "a latency beyond exact milliseconds",
      { tool_call_latency: [0, 1e300] },
      "trace line 1 tool_call_latency[1] must be at most 9007199254740.99 seconds, got 1e+300"
    ],
    [
      "a silent turn",
      { assistant_response_length: [10, 0] },
      "assistant_response_length[1] is 0; it must be at least 1"
    ],
    [
      "a silent end",
      { final_assistant_response_length: 0 },
      "final_assistant_response_length is 0; it must be at least 1"
    ],
    ["a fraction", { num_turns: 1.5 }, "num_turns must be written as a plain integer"],
    ["a prompt that grows too long", { assistant_response_length: [2 ** 31 - 1, 1] }, "grows a prompt to"]
  ]
  for (const [what, changes, message] of refused) {
    it.effect(`refuses ${what}`, () =>
      Effect.gen(function* () {
        assert.include(yield* readAll(JSON.stringify({ ...session, ...changes })), message)
      })
    )
  }
})
