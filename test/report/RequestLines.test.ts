import { assert, describe, it } from "@effect/vitest"
import { requestLine, requestLines } from "../../src/report/RequestLines.ts"
import { gaps, record, recordedRuns, recordOfLine, served, summary } from "./Records.ts"

const parsed = (line: string): Readonly<Record<string, unknown>> => JSON.parse(line)

describe("RequestLines", () => {
  it("writes the reference's lines byte for byte, and what is ours behind them", () => {
    for (const [name, { lines }] of Object.entries(recordedRuns)) {
      for (const line of lines) {
        const ours = requestLine({ ...recordOfLine(line), sharedReusedTokens: 5 })
        assert.strictEqual(ours, `${line.slice(0, -1)},"shared_prefix_reused_tokens":5}`, name)
      }
    }
  })

  it("gives the output that was generated, and what was asked for where the engine cut it", () => {
    const cut = parsed(requestLine(served({ tokensMs: [5, 6], outputTokens: 9 })))
    assert.deepInclude(cut, { output_length: 2, requested_output_length: 9 })
    const rejected = parsed(requestLine(record({ outputTokens: 9, status: "rejected" })))
    assert.strictEqual(rejected["output_length"], 9)
    assert.notProperty(rejected, "requested_output_length")
  })

  it("writes requests at their end only, in the order in which they come", () => {
    const text = requestLines([
      served({ id: 2, tokensMs: [5] }),
      gaps([1, 1]),
      served({ id: 3, tokensMs: [5], status: "in_flight" }),
      record({ id: 1, status: "rejected" }),
      record({ id: 0, status: "failed" }),
      summary()
    ])
    const lines = text.split("\n")
    assert.strictEqual(lines.pop(), "")
    assert.deepStrictEqual(
      lines.map((line) => [parsed(line)["uuid"], parsed(line)["terminal_status"]]),
      [
        ["request-2", "completed"],
        ["request-1", "rejected"],
        ["request-0", "failed"]
      ]
    )
    assert.strictEqual(requestLines([gaps([1, 1]), summary()]), "")
  })

  it("names session, turn and request as the trace does", () => {
    const named = parsed(requestLine(served({ tokensMs: [1], sessionId: 's "1"', turnIndex: 4, requestId: "r-é" })))
    assert.deepInclude(named, { session_id: 's "1"', turn_index: 4, uuid: "r-é" })
    assert.deepInclude(parsed(requestLine(served({ tokensMs: [1], turnIndex: 4, id: 12 }))), {
      session_id: null,
      turn_index: null,
      uuid: "request-12"
    })
  })

  it("writes null for whatever was never reached", () => {
    assert.deepInclude(parsed(requestLine(record({ arrivalMs: 10, status: "rejected" }))), {
      arrival_time_ms: 10,
      first_admit_ms: null,
      first_token_ms: null,
      last_token_ms: null,
      ttft_ms: null,
      ttst_ms: null,
      e2e_latency_ms: null,
      itl_ms: null,
      decode_worker_idx: null
    })
    assert.deepInclude(parsed(requestLine(served({ tokensMs: [7] }))), {
      ttst_ms: null,
      itl_ms: null,
      decode_worker_idx: 0
    })
  })

  it("appends what the trace annotated, without touching the keys of the line", () => {
    const line = requestLine(
      served({ tokensMs: [7], annotations: { model: "m", ttft_ms: 3, tags: [1], nothing: undefined } })
    )
    assert.isTrue(line.endsWith(',"shared_prefix_reused_tokens":0,"model":"m","trace_ttft_ms":3,"tags":[1]}'))
    assert.strictEqual(parsed(line)["ttft_ms"], 7)
  })
})
