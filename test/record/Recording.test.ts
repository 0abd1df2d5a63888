/** Lines of a recording: what was measured, from the times at which tokens came. */
import { assert, describe, it } from "@effect/vitest"
import { Recording } from "../../src/record/Recording.ts"

const usage = { promptTokens: 100, completionTokens: 5, cachedTokens: 64 }
const unseen = { firstTokenMs: Number.NaN, secondTokenMs: Number.NaN, lastTokenMs: Number.NaN }

const start = (followsSessions = true): Recording =>
  new Recording({ traceBlockTokens: 64, salt: "salt", followsSessions })

const prompt = new TextEncoder().encode("a prompt")

describe("a recording", () => {
  it("tells times since its first request, and latencies since the request's own arrival", () => {
    const recording = start()
    recording.begin(prompt, 1000)
    const exchange = recording.begin(prompt, 1500)
    const times = { firstTokenMs: 1540, secondTokenMs: 1550.0004, lastTokenMs: 1600 }
    const { measured, row } = recording.end(exchange, usage, times, 1601)
    assert.deepStrictEqual(JSON.parse(measured), {
      session_id: "session-2",
      turn_index: 0,
      uuid: "request-2",
      arrival_time_ms: 500,
      first_token_ms: 540,
      last_token_ms: 600,
      ttft_ms: 40,
      ttst_ms: 10,
      e2e_latency_ms: 100,
      itl_ms: 15,
      input_length: 100,
      output_length: 5,
      reused_input_tokens: 64,
      terminal_status: "completed"
    })
    const { hash_ids, ...rest } = JSON.parse(row)
    assert.strictEqual(hash_ids.length, 2)
    assert.deepStrictEqual(rest, { timestamp: 500, input_length: 100, output_length: 5, session_id: "session-2" })
  })

  it("takes an answer that came whole to end when it was sent, and knows nothing of its tokens", () => {
    const recording = start(false)
    const exchange = recording.begin(prompt, 1000)
    const single = { ...usage, completionTokens: 1, cachedTokens: undefined }
    const measured = JSON.parse(recording.end(exchange, single, unseen, 1090).measured)
    assert.strictEqual(measured.e2e_latency_ms, 90)
    const unknown = [
      "session_id",
      "turn_index",
      "first_token_ms",
      "ttft_ms",
      "ttst_ms",
      "itl_ms",
      "reused_input_tokens"
    ]
    for (const key of unknown) assert.isNull(measured[key], key)
  })

  it("counts two tokens as one gap", () => {
    const recording = start()
    const exchange = recording.begin(prompt, 0)
    const times = { firstTokenMs: 10, secondTokenMs: 30, lastTokenMs: 30 }
    const { measured } = recording.end(exchange, { ...usage, completionTokens: 2 }, times, 31)
    assert.strictEqual(JSON.parse(measured).itl_ms, 20)
  })
})
