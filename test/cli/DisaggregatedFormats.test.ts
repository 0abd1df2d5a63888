/** Formats whose requests depend on each other, on prefill and decode pools: nothing in the hand-off knows the format. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { requestLine } from "../../src/report/RequestLines.ts"
import type { RequestRecord } from "../../src/request/SimRequest.ts"
import { runCommand } from "../support/CommandRun.ts"
import { goldenFolder } from "../support/GoldenRun.ts"

interface Row {
  readonly request_id?: string
  readonly session_id: string
  readonly input_length: number
  readonly output_length: number
  readonly wait_for?: ReadonlyArray<string>
  readonly delay?: number
  readonly tool_wait_ms?: number
}

const traceFile = (name: string): string => join(goldenFolder("replay"), "traces", `${name}.jsonl.gz`)

const rowsOf = (name: string): ReadonlyArray<Row> =>
  gunzipSync(readFileSync(traceFile(name)))
    .toString("utf8")
    .trim()
    .split("\n")
    .map((line): Row => JSON.parse(line))

const pools = (engineType: string): ReadonlyArray<string> => {
  const args = (workerType: string): string =>
    JSON.stringify({
      engine_type: engineType,
      worker_type: workerType,
      block_size: 64,
      kv_bytes_per_token: 100_000,
      kv_transfer_bandwidth: 64
    })
  return [
    "--prefill-engine-args",
    args("prefill"),
    "--decode-engine-args",
    args("decode"),
    "--num-prefill-workers",
    "2",
    "--num-decode-workers",
    "2"
  ]
}

const deployments = ["vllm", "sglang"].flatMap((engine) =>
  ["round_robin", "kv_router"].map((router) => ({
    name: `${engine}, ${router}`,
    flags: [...pools(engine), "--router-mode", router]
  }))
)

/** Invariants are checked while running; every request must pass every stage, and its line must tell of it. */
const completed = (file: string, flags: ReadonlyArray<string>) =>
  Effect.map(runCommand([file], flags), ({ records, report, summary }) => {
    assert.strictEqual(summary.ended, "drained")
    assert.strictEqual(report.dynosim.completed_requests, records.length)
    for (const record of records) {
      const line: Readonly<Record<string, unknown>> = JSON.parse(requestLine(record))
      const empty = Object.keys(line).filter((key) => line[key] === null)
      assert.deepStrictEqual(empty, [], `${record.requestId}: fields of stages it never reached`)
      assert.strictEqual(line["terminal_status"], "completed")
    }
    return records
  })

const assertAgenticOrder = (records: ReadonlyArray<RequestRecord>, rows: ReadonlyArray<Row>): void => {
  const byName = new Map(records.map((record) => [record.requestId, record]))
  assert.strictEqual(byName.size, rows.length)
  for (const { delay = 0, request_id, session_id, tool_wait_ms = 0, wait_for = [] } of rows) {
    const record = byName.get(request_id ?? "")!
    assert.strictEqual(record.sessionId, session_id)
    if (wait_for.length === 0) continue
    const releasedMs = Math.max(...wait_for.map((name) => byName.get(name)!.lastTokenMs))
    assert.strictEqual(record.arrivalMs, releasedMs + (delay + tool_wait_ms), request_id)
  }
}

const assertDeltaOrder = (records: ReadonlyArray<RequestRecord>, rows: ReadonlyArray<Row>): void => {
  assert.strictEqual(records.length, rows.length)
  for (const session of new Set(rows.map(({ session_id }) => session_id))) {
    const turns = rows.filter(({ session_id }) => session_id === session)
    const turnRecords = records
      .filter(({ sessionId }) => sessionId === session)
      .toSorted((a, b) => a.turnIndex - b.turnIndex)
    let heardTokens = 0
    for (const [turn, { delay = 0, input_length, output_length }] of turns.entries()) {
      const record = turnRecords[turn]!
      assert.strictEqual(record.promptTokens, heardTokens + input_length, `${session}, turn ${turn}`)
      if (turn > 0) assert.strictEqual(record.arrivalMs, turnRecords[turn - 1]!.lastTokenMs + delay)
      heardTokens += input_length + output_length
    }
  }
}

describe("disaggregated replays of dependent requests", () => {
  for (const { flags, name } of deployments) {
    it.effect(`agentic_mooncake: ${name}`, () =>
      Effect.map(completed(traceFile("agentic"), [...flags, "--trace-format", "agentic_mooncake"]), (records) =>
        assertAgenticOrder(records, rowsOf("agentic"))
      )
    )

    it.effect(`mooncake-delta: ${name}`, () =>
      Effect.map(completed(traceFile("delta"), [...flags, "--trace-format", "mooncake-delta"]), (records) =>
        assertDeltaOrder(records, rowsOf("delta"))
      )
    )

    it.effect(`mooncake-delta in a closed loop: ${name}`, () =>
      Effect.map(
        completed(traceFile("delta"), [...flags, "--trace-format", "mooncake-delta", "--replay-concurrency", "2"]),
        (records) => assertDeltaOrder(records, rowsOf("delta"))
      )
    )

    it.effect(`agentic dynamo: ${name}`, () => {
      const request = (id: string, startMs: number, hashes: ReadonlyArray<number>) =>
        JSON.stringify({
          schema: "dynamo.request.trace.v1",
          event_type: "request_end",
          event_time_unix_ms: startMs + 500,
          agent_context: { session_id: "agent" },
          request: {
            request_id: id,
            output_tokens: 10,
            request_received_ms: startMs,
            total_time_ms: 500,
            replay: { trace_block_size: 64, input_length: hashes.length * 64, input_sequence_hashes: hashes }
          }
        })
      const texts = [request("a", 1000, [1, 2]), request("b", 2500, [1, 2, 3]), request("c", 4000, [1, 2, 3, 4])]
      return Effect.acquireUseRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "dynosim-test-"))),
        (folder) => {
          writeFileSync(join(folder, "d.jsonl"), texts.join("\n"))
          const rows = ["a", "b", "c"].map((id, turn): Row => ({
            request_id: id,
            session_id: "agent",
            input_length: 128 + 64 * turn,
            output_length: 10,
            ...(turn === 0 ? {} : { wait_for: [turn === 1 ? "a" : "b"], delay: 1000 })
          }))
          return Effect.map(completed(join(folder, "d.jsonl"), [...flags, "--trace-format", "dynamo"]), (records) =>
            assertAgenticOrder(records, rows)
          )
        },
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
      )
    })
  }
})
